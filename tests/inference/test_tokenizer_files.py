"""Tokenizer files: what goes before a prompt, and which files are refused, each with a sentence that says why."""

import json

import pytest

from inference.errors import CheckpointError, TokenizerError
from inference.tokenizer import Tokenizer
from tests.inference.trained_tokenizers import added, byte_level, train


def template_processing(token: str, id: int) -> dict:
    single = [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    tokens = {token: {"id": token, "ids": [id], "tokens": [token]}}
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": tokens}


@pytest.mark.parametrize(
    ("processor", "config", "expected"),
    [
        (None, {}, None),
        (None, {"bos_token": "<|endoftext|>"}, None),
        (None, {"bos_token": "<|endoftext|>", "add_bos_token": True}, 0),
        (None, {"bos_token": {"content": "<|user|>"}, "add_bos_token": True}, 1),
        (template_processing("<|user|>", 1), {}, 1),
        (template_processing("<|user|>", 1), {"bos_token": "<|user|>", "add_bos_token": False}, None),
        ({"type": "Sequence", "processors": [{"type": "ByteLevel"}, template_processing("<|end|>", 2)]}, {}, 2),
    ],
)
def test_bos_id(processor, config, expected, tmp_path):
    """The id before a prompt follows add_bos_token or else the post-processor."""
    data = train(byte_level())
    data["post_processor"] = processor
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    assert Tokenizer.from_folder(tmp_path).bos_id == expected


def changed(**model) -> dict:
    data = train(byte_level(), vocab_size=300)
    data["model"] |= model
    return data


def with_part(name: str, value) -> dict:
    return train(byte_level(), vocab_size=300) | {name: value}


def with_vocab(**entries) -> dict:
    data = train(byte_level(), vocab_size=300)
    data["model"]["vocab"] |= entries
    return data


def without_byte() -> dict:
    data = train(byte_level(), vocab_size=259)
    del data["model"]["vocab"]["Ã"]
    return data


PLAIN_BYTES = {"type": "ByteLevel", "use_regex": False, "add_prefix_space": False}


REGEX_SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}


def split_step(pattern: str, then: dict | None = None, **changes) -> dict:
    steps = [REGEX_SPLIT | {"pattern": {"Regex": pattern}} | changes, then, PLAIN_BYTES]
    return with_part("pre_tokenizer", {"type": "Sequence", "pretokenizers": [step for step in steps if step]})


REFUSED = {
    "unigram": (lambda: with_part("model", {"type": "Unigram", "vocab": []}), "Unigram.*Only byte-level BPE"),
    "word piece": (lambda: with_part("model", {"type": "WordPiece", "vocab": {}}), "WordPiece"),
    "byte fallback": (lambda: changed(byte_fallback=True), "SentencePiece"),
    "dropout": (lambda: changed(dropout=0.1), "dropout"),
    "suffix": (lambda: changed(end_of_word_suffix="</w>"), "end_of_word_suffix"),
    "metaspace": (lambda: with_part("pre_tokenizer", {"type": "Metaspace"}), "Metaspace"),
    "no pre-tokenizer": (lambda: with_part("pre_tokenizer", None), "nothing"),
    "lowercase": (lambda: with_part("normalizer", {"type": "Lowercase"}), "Lowercase"),
    "removed": (lambda: split_step("a", behavior="Removed"), "Removed"),
    "bad regex": (lambda: split_step("(((a"), "not valid"),
    "bad first regex": (
        lambda: split_step("(a", then=REGEX_SPLIT | {"pattern": {"Regex": "a"}}),
        "not valid",
    ),
    "anchors": (lambda: split_step("^a|b"), "not supported"),
    "interval then plus": (lambda: split_step("a{1,3}+|b"), "not supported"),
    "huge regex": (lambda: split_step("a|" * 10_000), "20,000 characters"),
    "sentencepiece letters": (lambda: with_vocab(**{"▁the": 5000}), "byte-level letters"),
    "duplicate id": (lambda: with_vocab(zebra=77), "id 77 to two tokens"),
    "negative id": (lambda: with_vocab(zebra=-1), "ids go from 0"),
    "huge id": (lambda: with_vocab(zebra=1 << 60), "ids go from 0"),
    "text id": (lambda: with_vocab(zebra="7"), "ids go from 0"),
    "boolean id": (lambda: with_vocab(zebra=True), "ids go from 0"),
    "missing byte": (without_byte, "no token for 1 of the bytes"),
    "merge of one": (lambda: changed(merges=["Ġ"]), "does not join two"),
    "merge into nothing": (lambda: changed(merges=["Ã Ã"]), "does not have"),
    "merges of wrong type": (lambda: changed(merges=[7]), "damaged"),
    "vocab of wrong type": (lambda: changed(vocab=[1, 2]), "damaged"),
    "model of wrong type": (lambda: with_part("model", 3), "damaged"),
    "added token id taken": (lambda: with_part("added_tokens", [added("<new>", 77)]), "share an id"),
    "added token without text": (lambda: with_part("added_tokens", [added("", 5000)]), "without text"),
    "added tokens of wrong type": (lambda: with_part("added_tokens", {"a": 1}), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_and_damaged_files_are_refused(name, tmp_path):
    """What cannot be used exactly is a TokenizerError that names it."""
    make, message = REFUSED[name]
    (tmp_path / "tokenizer.json").write_text(json.dumps(make()), encoding="utf-8")
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{}", "neither tokenizer.json"),
        (b'{"model": {}}', "kind 'unknown'"),
    ],
)
def test_broken_json_is_refused(content, message, tmp_path):
    """Broken, deeply nested or misplaced JSON is a CheckpointError."""
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Tokenizer.from_folder(tmp_path)


def test_oversized_file_is_refused_unread(tmp_path):
    """A tokenizer.json over 64 MiB is not read."""
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(CheckpointError, match="67,108,865 bytes"):
        Tokenizer.from_folder(tmp_path)


def test_folder_without_tokenizer_is_named(tmp_path):
    """Without files the error says what was looked for, and SentencePiece is told apart."""
    with pytest.raises(TokenizerError, match="merges.txt"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a")
    with pytest.raises(TokenizerError, match="SentencePiece"):
        Tokenizer.from_folder(tmp_path)
