"""Bits per byte, worked out by hand for models whose predictions are known."""

import json
import lzma
import math
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from inference.reference import reference_logits
from inference.training import evaluate as evaluation
from inference.training.corpus import encode_document
from inference.training.evaluate import Window, batches, evaluate, limited, main, report, windows
from inference.training.train import make_model
from tests.tiny import TEXT, randomise, tiny_checkpoint, write_tiny_tokenizer

SIZE = {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48, "context": 32}
CHAT = {
    "source": "chats",
    "messages": [{"role": "user", "content": "Hello! How are you?"}, {"role": "assistant", "content": "Fine, é!"}],
}
STORY = {"source": "stories", "text": TEXT[:900]}
SHORT = {"source": "stories", "text": "Once upon a time"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return Tokenizer.from_file(str(write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"))


def test_a_uniform_model_costs_nine_bits_per_token(tokenizer):
    """All logits equal over 512 tokens: log2(512) = 9 bits for every token that is counted, whatever the text."""
    model = make_model(SIZE, 512)
    torch.nn.init.zeros_(model.embedding.weight)
    scores = evaluate(model, tokenizer, [CHAT, STORY, SHORT])

    texts = [message["content"] for message in CHAT["messages"]]
    chat_tokens = sum(len(tokenizer.encode(text).ids) for text in texts) + 2  # each message ends with <|end|>
    chat = scores["chats"]
    assert (chat.documents, chat.tokens, chat.text_bytes) == (1, chat_tokens, 19 + 9)  # é is two bytes
    assert chat.bits == pytest.approx(9 * chat_tokens)

    story_tokens = sum(len(tokenizer.encode(document["text"]).ids) for document in (STORY, SHORT))
    story = scores["stories"]
    assert (story.documents, story.tokens, story.text_bytes) == (2, story_tokens, len(STORY["text"].encode()) + 16)
    assert story.bits == pytest.approx(9 * story_tokens)

    _, summaries = report(scores)
    overall = summaries["overall"]
    assert overall["bits_per_token"] == 9.0
    assert overall["bits_per_byte"] == round(9 * (chat_tokens + story_tokens) / (chat.text_bytes + story.text_bytes), 4)
    assert overall["documents"] == 3


def test_a_model_that_knows_one_token_is_right_where_it_stands(tokenizer):
    """Accuracy and bits of a model that gives one token the logit ln(511): half of the probability, always."""
    token = tokenizer.encode(",").ids[0]
    model = make_model(SIZE, 512)
    torch.nn.init.zeros_(model.embedding.weight)
    model.embedding.weight.data[:, 0] = 1.0  # every hidden vector is the same multiple of the first axis ...
    hidden = math.sqrt(SIZE["width"])
    model.embedding.weight.data[token, 0] = 1.0 + math.log(511) / hidden  # ... so this row has ln(511) more
    score = evaluate(model, tokenizer, [STORY])["stories"]
    ids, _ = encode_document(tokenizer, STORY)
    hits = ids.count(token)
    assert hits > 0
    assert score.correct == hits
    expected = hits * 1.0 + (score.tokens - hits) * math.log2(2 * 511)
    assert score.bits == pytest.approx(expected, rel=1e-3)


def test_bits_are_those_of_the_reference(tokenizer):
    """Batches, padding and chunks change nothing: token by token the sum of -log2 p of the slow twin."""
    model = randomise(make_model(SIZE, 512)).double()
    ids, _ = encode_document(tokenizer, SHORT)
    log_probs = torch.log_softmax(reference_logits(model, ids), dim=1)
    expected = -sum(log_probs[i - 1, ids[i]].item() for i in range(1, len(ids))) / math.log(2)
    alone = evaluate(model, tokenizer, [SHORT])["stories"]
    assert alone.bits == pytest.approx(expected, rel=1e-9)
    other = SHORT | {"source": "again"}
    assert evaluate(model, tokenizer, [STORY, CHAT, other])["again"].bits == pytest.approx(expected, rel=1e-9)


def test_long_documents_are_read_in_overlapping_windows(tokenizer):
    """A token beyond the first window is predicted from the half context before it, counted by hand with the slow twin."""
    model = randomise(make_model(SIZE, 512)).double()
    ids, _ = encode_document(tokenizer, STORY)
    assert len(ids) > 100
    expected = 0.0
    for target in range(1, len(ids)):
        # The first window predicts 32 tokens; each later one reads 16 that are known, then predicts 17.
        start = 0 if target <= 32 else 17 + (target - 33) // 17 * 17
        logits = reference_logits(model, ids[start:target])[-1]
        expected -= torch.log_softmax(logits, dim=0)[ids[target]].item() / math.log(2)
    assert evaluate(model, tokenizer, [STORY])["stories"].bits == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 300), st.integers(2, 40))
def test_windows_count_each_token_once_with_half_a_context_before(length, context):
    """For any length and context; no window is longer than the model can read."""
    ids = list(range(length))
    counted = []
    for window in windows("source", ids, context):
        assert len(window.ids) - 1 <= context
        counted += window.ids[window.first_target :]
        for target in range(window.first_target, len(window.ids)):
            assert target >= min(window.ids[target], context // 2)
    assert counted == ids[1:]


@given(st.lists(st.integers(2, 2000), max_size=40))
def test_batches_hold_everything_once_within_bounds(lengths):
    """No window is lost, and a batch with its padding stays within the limit unless a single window exceeds it."""
    pieces = [Window(str(i), [0] * length, 1) for i, length in enumerate(lengths)]
    made = list(batches(pieces))
    assert sorted(window.source for batch in made for window in batch) == sorted(window.source for window in pieces)
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(len(window.ids) for window in batch) <= evaluation.BATCH_TOKENS


def test_limit_is_per_source():
    """A quick look takes the first documents of each source."""
    documents = [{"source": source, "n": i} for i, source in enumerate("aabab")]
    assert [document["n"] for document in limited(documents, 2)] == [0, 1, 2, 4]
    assert list(limited(documents, None)) == documents


def test_the_command_prints_a_table_and_one_json_line(tmp_path, monkeypatch, capsys):
    """The last line is for programs; an empty text counts its bytes as none."""
    folder = tiny_checkpoint(tmp_path / "model", "llama")
    heldout = tmp_path / "heldout.jsonl.xz"
    with lzma.open(heldout, "wt", encoding="utf-8") as file:
        for document in (CHAT, STORY, SHORT, {"source": "empty", "text": ""}):
            file.write(json.dumps(document) + "\n")
    monkeypatch.setattr(sys, "argv", ["evaluate", str(folder), str(heldout), "--threads", "1", "--dtype", "float32"])
    main()
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    assert result["model"] == "model"
    assert len(result["weights_hash"]) == 64
    assert list(result["scores"]) == ["chats", "empty", "stories", "overall"]
    assert result["scores"]["empty"] | {"documents": 0} == dict.fromkeys(result["scores"]["empty"], 0)
    assert [line.split()[0] for line in lines[:-1]] == ["source", *result["scores"]]
