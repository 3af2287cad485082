"""Tokenizers trained here with Hugging Face's own library, which is the oracle, and text to try them on."""

import json
import re
from pathlib import Path

import tokenizers
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from inference.tokenizer import TextPiece, Tokenizer
from tests.tiny import TEXT

SHARED = Path(__file__).parents[2].parent / "shared" / "verify"


LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


WORDS_ONLY = r"\p{L}+|\p{N}"  # leaves blanks and signs to the stretches in between


SPECIAL = re.compile(r"<\|(?:end|user)\|>")


HAN_KANA = "[一-龥぀-ゟ゠-ヿ]+"


TEXTS = [
    "",
    " ",
    "Hello, world! It's what they'll've DON'T I'M 'S 'ſ",
    "  two  blanks   three\tand\ttabs \t mixed  ",
    "line\nbreak\r\nCRLF\r\n\r\n\n  \n  indented\n\n",
    "numbers 7 42 1893 1234567 3.14159 1,000,000 ½ ² ⅷ ٣٤ 五",
    "def f(x):\n    return {'a': [x**2 for _ in range(10)]}  # why?\n",
    "你好，世界！今天天气怎么样？ 龙住在山上。",
    "こんにちは、世界。カタカナとひらがな",
    "안녕하세요 세계 مرحبا بالعالم שלום עולם Привет, мир! Γειά σου नमस्ते दुनिया สวัสดี",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🐉🐉 ☃️ e\u0301 versus é, a\u0338 \u1e9b\u0323 ﬁ",
    "<|endoftext|> <|user|>text<|end|> <|end",
    "a" * 700 + " " * 700 + "=" * 300 + "\n" * 300,
    "\x00\x01\x1c\x1f\x7f\x85\xa0\u180e\u2028\u2029\u3000\ufeff\ufffd\U0010ffff",
]


# Random text from pieces that pre-tokenizers treat differently, besides arbitrary Unicode.
random_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(
        st.sampled_from(list("aesTt' \n\r\t.,-_7½²x\u0301\u00a0\u3000你の🐉"))
        | st.sampled_from(["'ll", "the", " dragon", "\r\n", "  "]),
        max_size=40,
    ).map("".join),
)


def byte_level(**options):
    return pre_tokenizers.ByteLevel(**({"add_prefix_space": False} | options))


def split(*patterns):
    steps = [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]
    return pre_tokenizers.Sequence([*steps, byte_level(use_regex=False)])


PRE_TOKENIZERS = {
    "gpt2": byte_level(),
    "prefix space": byte_level(add_prefix_space=True),
    "llama3": split(LLAMA3),
    "qwen2": split(QWEN2),
    "gaps": split(WORDS_ONLY),
    "several splits": split(r"\p{N}{1,3}", HAN_KANA, LLAMA3),
    "literal": pre_tokenizers.Sequence([pre_tokenizers.Split("a.[", behavior="isolated"), byte_level()]),
    "digits": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]),
    "digit runs last": pre_tokenizers.Sequence([pre_tokenizers.Digits(), byte_level(use_regex=False)]),
    "whole text": byte_level(use_regex=False),
}


def train(pre_tokenizer, normalizer=None, vocab_size=600, special=("<|endoftext|>", "<|user|>", "<|end|>")) -> dict:
    """A tokenizer.json of byte-level BPE, as a dictionary."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXT.splitlines(keepends=True), *TEXTS], trainer)
    return json.loads(tokenizer.to_str())


def both(data: dict, folder: Path) -> tuple[Tokenizer, tokenizers.Tokenizer]:
    """Ours from a folder, and the oracle."""
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return Tokenizer.from_folder(folder), tokenizers.Tokenizer.from_str(json.dumps(data))


def oracle_ids(oracle: tokenizers.Tokenizer, text: str, *, special: bool = False) -> tuple[int, ...]:
    oracle.encode_special_tokens = not special
    return tuple(oracle.encode(text, add_special_tokens=False).ids)


def trusted_ids(ours: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(ours.encode_pieces([TextPiece(text, is_trusted=True)])[0])


def assert_equal_ids(ours: Tokenizer, oracle: tokenizers.Tokenizer, texts: list[str]) -> None:
    for text in texts:
        assert ours.encode(text) == oracle_ids(oracle, text), text
        assert trusted_ids(ours, text) == oracle_ids(oracle, text, special=True), text


def added(content: str, id: int, **flags) -> dict:
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return base | {"content": content, "id": id} | flags
