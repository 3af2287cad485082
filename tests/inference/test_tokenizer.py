"""Token ids equal those of Hugging Face's `tokenizers`, for tokenizers trained here and for real files."""

import ast
import csv
import json
import random
import time
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers

from inference.errors import RequestError, TokenizerError
from inference.tokenizer import TextPiece, Tokenizer
from tests.inference.trained_tokenizers import (
    LLAMA3,
    PRE_TOKENIZERS,
    QWEN2,
    SHARED,
    SPECIAL,
    TEXTS,
    added,
    assert_equal_ids,
    both,
    byte_level,
    oracle_ids,
    random_text,
    split,
    train,
    trusted_ids,
)
from tests.tiny import TEXT, write_tiny_tokenizer


@pytest.fixture(scope="module", params=PRE_TOKENIZERS)
def trained(request, tmp_path_factory):
    return both(train(PRE_TOKENIZERS[request.param]), tmp_path_factory.mktemp("trained"))


def test_ids_equal_on_many_languages(trained):
    """Every supported way of splitting text gives the oracle's ids, with special tokens as text and as tokens."""
    assert_equal_ids(*trained, TEXTS)


@settings(max_examples=60, deadline=None)
@given(random_text)
def test_ids_equal_on_random_text(trained, text):
    """Random Unicode gives the oracle's ids, and they decode to the text."""
    ours, oracle = trained
    ids = ours.encode(text)
    assert ids == oracle_ids(oracle, text)
    assert ours.decode(ids).removeprefix("" if text.startswith(" ") else " ") == text.removeprefix(
        "" if text.startswith(" ") else " "
    )


def shuffle_ids(data: dict, seed: int = 7) -> dict:
    """The same tokenizer with its ids exchanged at random (added tokens keep theirs)."""
    added = {token["content"] for token in data["added_tokens"]}
    vocab = data["model"]["vocab"]
    names = [name for name in vocab if name not in added]
    ids = [vocab[name] for name in names]
    random.Random(seed).shuffle(ids)
    data["model"]["vocab"] = {name: vocab[name] for name in added} | dict(zip(names, ids, strict=True))
    return data


def add_words(data: dict, words: list[str]) -> dict:
    """Vocabulary entries without a merge."""
    vocab = data["model"]["vocab"]
    for word in words:
        vocab.setdefault(word, max(vocab.values()) + 1)
    return data


def test_ids_equal_when_ids_do_not_follow_the_merges(tmp_path):
    """Priority is the merge order even where the ids say otherwise."""
    ours, oracle = both(shuffle_ids(train(byte_level())), tmp_path)
    assert_equal_ids(ours, oracle, [*TEXTS, *TEXT.splitlines()])


def test_ids_equal_with_vocabulary_that_no_merge_reaches(tmp_path):
    """Entries without a merge never appear, neither as a whole word nor inside one."""
    words = ["Ġdragons", "helpful", "th", "heĠ", "erthe", "Ġthed"]
    ours, oracle = both(shuffle_ids(add_words(train(byte_level()), words)), tmp_path)
    assert_equal_ids(ours, oracle, [*TEXTS, *TEXT.splitlines(), "dragons helpful therthe then the dragons"])


def test_ids_equal_with_ignore_merges(tmp_path):
    """With ignore_merges a whole pre-token that is in the vocabulary is one token; elsewhere it changes nothing."""
    data = train(split(LLAMA3))
    data["model"]["ignore_merges"] = True
    vocab = data["model"]["vocab"]
    halves = [(word[:cut], word[cut:]) for word in ["Ġxylophone"] for cut in range(1, len(word))]
    assert not any(left in vocab and right in vocab for left, right in halves)
    ours, oracle = both(add_words(data, ["Ġxylophone"]), tmp_path)
    assert len(ours.encode(" xylophone")) == 1
    assert_equal_ids(ours, oracle, [*TEXTS, *TEXT.splitlines(), "a xylophone and xylophones", "xylophone"])


def test_ignore_merges_that_would_be_inexact_is_refused(tmp_path):
    """A whole-word token that two other tokens could join into is refused by name."""
    data = train(split(LLAMA3))
    data["model"]["ignore_merges"] = True
    with pytest.raises(TokenizerError, match="b'he '"):
        both(add_words(data, ["heĠ"]), tmp_path)


def test_ids_equal_for_files_converted_from_tiktoken(tmp_path):
    """Such files (Llama 3) list every way to make a token, one after another, and ignore merges for whole words."""
    data = train(split(LLAMA3))
    vocab = data["model"]["vocab"]
    tokens = ["".join(merge if isinstance(merge, list) else merge.split(" ")) for merge in data["model"]["merges"]]
    ways = [[token[:cut], token[cut:]] for token in tokens for cut in range(1, len(token))]
    data["model"] |= {"ignore_merges": True, "merges": [way for way in ways if way[0] in vocab and way[1] in vocab]}
    assert len(data["model"]["merges"]) > len(tokens) + 20
    ours, oracle = both(data, tmp_path)
    assert_equal_ids(ours, oracle, [*TEXTS, *TEXT.splitlines()])


def test_merges_may_be_strings_or_pairs(tmp_path):
    """Files of both ages give the same ids."""
    data = train(byte_level())
    pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in data["model"]["merges"]]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    data["model"]["merges"] = [list(pair) for pair in pairs]
    ours, oracle = both(data, tmp_path / "a")
    data["model"]["merges"] = [" ".join(pair) for pair in pairs]
    old, _ = both(data, tmp_path / "b")
    for text in TEXTS:
        assert ours.encode(text) == old.encode(text) == oracle_ids(oracle, text)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_ids_equal_with_unicode_normalizer(form, tmp_path):
    """Text is normalised between the added tokens, not across them."""
    data = train(split(QWEN2), getattr(normalizers, form)())
    ours, oracle = both(data, tmp_path)
    assert_equal_ids(ours, oracle, [*TEXTS, "<|end|>\u0338x", "e<|end|>\u0301"])


@pytest.fixture(scope="module", params=["", "NFC"])
def with_added_tokens(request, tmp_path_factory):
    data = train(byte_level(), getattr(normalizers, request.param)() if request.param else None)
    size = len(data["model"]["vocab"])
    data["added_tokens"] += [
        added("<sep>", size),
        added("<sep", size + 1, normalized=True),
        added("word", size + 2, single_word=True),
        added("<both>", size + 3, lstrip=True, rstrip=True),
        added("    ", size + 4, normalized=True),
        added("e\u0301", size + 5, normalized=True),
    ]
    return both(data, tmp_path_factory.mktemp("added"))


added_text = ["<|end|>", "<sep>", "<sep", "word", "<both>", "    ", " ", "x", "_", "\u00e9", "\n", "e\u0301"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(added_text)).map("".join))
def test_ids_equal_with_added_tokens(with_added_tokens, text):
    """Added tokens that are not special are found in any text, with all of Hugging Face's flags."""
    assert_equal_ids(*with_added_tokens, [text])


def test_special_tokens_in_user_text_stay_text(tmp_path):
    """The text of a special token gives no special id, and decodes to itself."""
    ours = Tokenizer.from_folder(write_tiny_tokenizer(tmp_path))
    assert dict(ours.special_ids) == {"<|endoftext|>": 0, "<|user|>": 1, "<|assistant|>": 2, "<|system|>": 3, "<|end|>": 4}
    text = "".join(ours.special_ids)
    ids = ours.encode(text)
    assert not any(ours.is_special(id) for id in ids)
    assert ours.decode(ids) == text
    assert trusted_ids(ours, text) == (0, 1, 2, 3, 4)


def test_token_bytes(tmp_path):
    """Exact bytes of tokens, the text of special ones, nothing for padding, an error for what cannot exist."""
    data = train(byte_level())
    data["added_tokens"].append(added("<last>", len(data["model"]["vocab"]) + 10))
    ours, oracle = both(data, tmp_path)
    assert ours.vocab_size == len(data["model"]["vocab"]) + 11
    assert ours.token_bytes(ours.special_ids["<|end|>"]) == b"<|end|>"
    assert ours.token_bytes(ours.vocab_size - 2) == b"" == ours.token_bytes(ours.vocab_size)
    assert [ours.token_bytes(id) for id in ours.encode("it dragon")] == [b"it", b" dragon"]
    assert sorted(ours.token_bytes(id) for id in range(3, 259)) == [bytes([byte]) for byte in range(256)]
    assert all(ours.token_bytes(id).decode("utf-8", "replace") == oracle.decode([id]) for id in range(259, 600))
    for id in (-1, 1 << 40):
        with pytest.raises(RequestError, match="no token"):
            ours.token_bytes(id)


@given(st.text(st.characters() | st.characters(categories=["Cs"]), max_size=12))
def test_lone_surrogates_do_not_crash(tiny, text):
    """Any Python string can be encoded; a lone surrogate becomes U+FFFD."""
    assert tiny.decode(tiny.encode(text)) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Tokenizer.from_folder(write_tiny_tokenizer(tmp_path_factory.mktemp("tiny")))


@given(
    st.lists(st.tuples(st.sampled_from(["<|end|>", "<|user|>", "the ", " dragon", "\n", "é", "<|", "end|>", ""]), st.booleans()))
)
def test_pieces_are_one_text_in_which_only_trusted_tokens_count(tiny, parts):
    """Special ids come from trusted pieces only; every id belongs to the piece whose bytes it spells."""
    pieces = [TextPiece(text, is_trusted) for text, is_trusted in parts]
    ids, owners = tiny.encode_pieces(pieces)
    assert tiny.decode(ids) == "".join(piece.text for piece in pieces)
    assert owners == sorted(owners)
    assert [tiny.token_bytes(id).decode() for id in ids if tiny.is_special(id)] == [
        found for run in "".join(p.text if p.is_trusted else "\0" for p in pieces).split("\0") for found in SPECIAL.findall(run)
    ]
    assert all(pieces[owner].is_trusted for id, owner in zip(ids, owners, strict=True) if tiny.is_special(id))
    ends = [len("".join(piece.text for piece in pieces[: i + 1]).encode()) for i in range(len(pieces))]
    position = 0
    for id, owner in zip(ids, owners, strict=True):
        end = position + len(tiny.token_bytes(id))
        touched = [i for i, e in enumerate(ends) if e > position and (ends[i - 1] if i else 0) < end]
        assert owner == next((i for i in touched if not pieces[i].is_trusted), touched[0])
        position = end


def test_long_runs_take_bounded_time(tiny):
    """100,000 equal letters, blanks or line breaks take far less than a second, and give the oracle's kind of result."""
    for character in "a \n=":
        started = time.perf_counter()
        ids = tiny.encode(character * 100_000)
        assert time.perf_counter() - started < 2
        assert tiny.decode(ids) == character * 100_000


def test_text_that_exhausts_the_pattern_is_an_error(tiny, capfd):
    """A run of blanks too long for the regex engine is reported instead of ending the process."""
    with pytest.raises(RequestError, match="runs of blanks"):
        tiny.encode(" " * 3_000_000 + "x")
    capfd.readouterr()  # the Rust side prints its own report


def real_file(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


def multilingual_lines() -> list[str]:
    source = real_file("gpt2-tokenizer", "r50k_base_encodings.csv")
    with source.open(encoding="utf-8", newline="") as file:
        return [row["input"] for row in csv.DictReader(file)]


def test_gpt_neox_file(tmp_path):
    """The real GPT-NeoX tokenizer: NFC, runs of blanks as added tokens, bytes without a token."""
    data = json.loads(real_file("gpt-neox-tokenizer", "20B_tokenizer.json").read_text(encoding="utf-8"))
    ours, oracle = both(data, tmp_path)
    code = "".join(f"{' ' * n}if x:\n" for n in range(30))
    assert_equal_ids(ours, oracle, [*TEXTS, *TEXT.splitlines(), *multilingual_lines(), code])


@pytest.fixture(scope="module")
def gpt2_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt2")
    (folder / "vocab.json").write_bytes(real_file("gpt2-tokenizer", "encoder.json").read_bytes())
    (folder / "merges.txt").write_bytes(real_file("gpt2-tokenizer", "vocab.bpe").read_bytes())
    return folder


def test_gpt2_files(gpt2_folder):
    """The real GPT-2 files, which have no tokenizer.json, against `tokenizers` and against recorded r50k_base ids."""
    ours = Tokenizer.from_folder(gpt2_folder)
    assert dict(ours.special_ids) == {"<|endoftext|>": 50256}
    assert ours.vocab_size == 50257
    model = models.BPE.from_file(str(gpt2_folder / "vocab.json"), str(gpt2_folder / "merges.txt"))
    oracle = tokenizers.Tokenizer(model)
    oracle.pre_tokenizer = byte_level()
    assert all(ours.encode(text) == oracle_ids(oracle, text) for text in [*TEXTS[:-3], *TEXTS[-2:], *TEXT.splitlines()])
    with real_file("gpt2-tokenizer", "r50k_base_encodings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100
    for row in rows:
        assert list(ours.encode(row["input"])) == ast.literal_eval(row["output"]), row["input"]


@settings(max_examples=300, deadline=None)
@given(random_text)
def test_gpt2_files_on_random_text(gpt2_folder, gpt2_pair, text):
    """Random Unicode through the real GPT-2 merges."""
    ours, oracle = gpt2_pair
    assert ours.encode(text) == oracle_ids(oracle, text)


@pytest.fixture(scope="module")
def gpt2_pair(gpt2_folder):
    model = models.BPE.from_file(str(gpt2_folder / "vocab.json"), str(gpt2_folder / "merges.txt"))
    oracle = tokenizers.Tokenizer(model)
    oracle.pre_tokenizer = byte_level()
    return Tokenizer.from_folder(gpt2_folder), oracle
