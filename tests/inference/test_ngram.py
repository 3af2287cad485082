"""The n-gram yardstick: probabilities sum to one and agree with counting by hand in plain Python."""

import json
import lzma
from collections import Counter, defaultdict

import numpy as np
import pytest
from tokenizers import Tokenizer

from inference.training.corpus import write_streams
from inference.training.ngram import KneserNey, discounts_of, main, read_streams, scores, xz_bits
from tests.tiny import TEXT, write_tiny_tokenizer

VOCAB, BOS = 7, 0


def toy_stream(seed, tokens=400):
    """Documents of a Markov chain over tokens 1 to 6."""
    rng = np.random.default_rng(seed)
    ids = []
    while len(ids) < tokens:
        ids.append(BOS)
        token = int(rng.integers(1, VOCAB))
        for _ in range(int(rng.integers(1, 20))):
            ids.append(token)
            token = token % 6 + 1 if rng.random() < 0.6 else int(rng.integers(1, VOCAB))
    return np.array(ids)


def documents_of(ids):
    found = []
    for token in ids:
        if token == BOS:
            found.append([])
        found[-1].append(int(token))
    return found


class PlainKneserNey:
    """The same model from its definition, with dictionaries."""

    def __init__(self, ids, order):
        self.order = order
        plain = [Counter() for _ in range(order + 1)]
        for document in documents_of(ids):
            for length in range(1, order + 1):
                for start in range(len(document) - length + 1):
                    plain[length][tuple(document[start : start + length])] += 1
        self.counts = [Counter() for _ in range(order + 1)]
        self.counts[order] = plain[order]
        for length in range(1, order):
            for gram in plain[length + 1]:
                self.counts[length][gram[1:]] += 1
            for gram, count in plain[length].items():
                if gram[0] == BOS and length > 1:
                    self.counts[length][gram] = count
        self.discounts = [None] + [
            discounts_of(np.array([c for g, c in self.counts[n].items() if g != (BOS,)] or [0])) for n in range(1, order + 1)
        ]
        self.followers = [defaultdict(dict) for _ in range(order + 1)]
        for length in range(1, order + 1):
            for gram, count in self.counts[length].items():
                self.followers[length][gram[:-1]][gram[-1]] = count

    def probability(self, context, token):
        result = 1 / VOCAB
        for length in range(1, self.order + 1):
            if len(context) < length - 1:
                break
            follow = self.followers[length].get(tuple(context[len(context) - length + 1 :]), {})
            total = sum(follow.values())
            if total:
                taken = {other: self.discounts[length][min(count, 3)] for other, count in follow.items()}
                own = follow.get(token, 0) - taken.get(token, 0)
                result = (own + sum(taken.values()) * result) / total
        return result


@pytest.mark.parametrize("order", [2, 3, 5])
def test_it_agrees_with_the_definition(order):
    """Every token of another stream, whose contexts are partly unseen, gets the probability of the plain model."""
    training, other = toy_stream(1), toy_stream(2, tokens=150)
    found = KneserNey(training, VOCAB, BOS, order).probabilities(other)
    plain = PlainKneserNey(training, order)
    place = 0
    for document in documents_of(other):
        for index, token in enumerate(document):
            if index:
                context = document[max(0, index - order + 1) : index]
                assert found[place] == pytest.approx(plain.probability(context, token), rel=1e-5), (context, token)
            place += 1


def test_probabilities_sum_to_one():
    """Over the whole vocabulary, after seen, unseen and short contexts alike."""
    model = KneserNey(toy_stream(3), VOCAB, BOS)
    rng = np.random.default_rng(4)
    for length in range(6):
        for _ in range(20):
            context = [BOS, *rng.integers(1, VOCAB, size=length)]
            total = sum(model.probabilities(np.array([*context, token]))[-1] for token in range(1, VOCAB))
            bos_share = 1 - total
            assert 0 < bos_share < 0.05  # BOS itself never follows, but the uniform share does not know that
            never_followed = PlainKneserNey(toy_stream(3), 5).probability(context[-4:], BOS)
            assert bos_share == pytest.approx(never_followed, abs=1e-6)


def test_what_was_seen_often_is_likely():
    ids = np.array([BOS, 1, 2, 3] * 50 + [BOS, 4, 5])
    model = KneserNey(ids, VOCAB, BOS)
    assert model.probabilities(np.array([BOS, 1, 2, 3]))[-1] > 0.9
    assert model.probabilities(np.array([BOS, 1, 2, 6]))[-1] < 0.05


def test_documents_do_not_flow_into_one_another():
    """What stands before a BOS has no influence on what comes after it."""
    model = KneserNey(toy_stream(5), VOCAB, BOS)
    alone = model.probabilities(np.array([BOS, 2, 3]))
    after = model.probabilities(np.array([BOS, 6, 6, 1, BOS, 2, 3]))
    assert np.array_equal(alone[1:], after[-2:])


def test_discounts_are_never_larger_than_the_count():
    for counts in ([1], [1, 1, 2], [5, 6, 7], [1, 2, 3, 4], [1] * 9 + [2] * 30):
        found = discounts_of(np.array(counts))
        assert np.all(found <= [0, 1, 2, 3])
        assert np.all(found[1:] > 0)


def test_xz_counts_what_xz_writes():
    documents = [{"text": "One two."}, {"messages": [{"content": "Three."}, {"content": "Four."}]}]
    assert xz_bits(documents) == 8 * len(lzma.compress(b"One two.\nThree.\nFour.", preset=9))


def test_the_command_scores_every_source(tmp_path, monkeypatch, capsys):
    """Streams as the training makes them, a tokenizer and held-out text give a figure for each source and for all."""
    tokenizer_file = write_tiny_tokenizer(tmp_path) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]
    documents = [{"source": "aesop", "text": TEXT[:2000]}, {"source": "oasst", "messages": chat}]
    heldout = tmp_path / "heldout.jsonl"
    heldout.write_text("".join(json.dumps(document) + "\n" for document in documents))
    streams = tmp_path / "streams"
    sizes = write_streams(tokenizer, [heldout], streams)
    monkeypatch.setattr("sys.argv", ["ngram", str(streams), str(tokenizer_file), str(heldout)])
    main()
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["training_tokens"] == sum(sizes.values()) == len(read_streams(streams, 10**6))
    assert set(result["scores"]) == {"aesop", "oasst", "overall"}
    assert result["scores"]["aesop"]["ngram"] < 2.0  # it was trained on this very text
    assert result["scores"]["overall"]["bytes"] == len(TEXT[:2000].encode()) + len("HelloHi!")
    model = KneserNey(read_streams(streams, 10**6), tokenizer.get_vocab_size(), tokenizer.token_to_id("<|endoftext|>"))
    assert scores(model, tokenizer, documents) == result["scores"]
