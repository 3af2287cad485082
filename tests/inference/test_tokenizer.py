"""Token ids equal those of Hugging Face's `tokenizers`, for tokenizers trained here and for real files."""

import ast
import csv
import json
import random
import re
import time
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from inference.errors import RequestError, TokenizerError
from inference.tokenizer import TextPiece, Tokenizer
from tests.tiny import TEXT, write_tiny_tokenizer

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


def added(content: str, id: int, **flags) -> dict:
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return base | {"content": content, "id": id} | flags


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


# --- real files ---


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


# --- what goes before a prompt ---


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


# --- hostile and unsupported files ---


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
        (b"\xff\xfe", "cannot be read"),
        (b"{}", "neither tokenizer.json"),
        (b'{"model": {}}', "kind 'unknown'"),
    ],
)
def test_broken_json_is_refused(content, message, tmp_path):
    """Broken, deeply nested or misplaced JSON is a TokenizerError."""
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.from_folder(tmp_path)


def test_oversized_file_is_refused_unread(tmp_path):
    """A tokenizer.json over 64 MiB is not read."""
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(TokenizerError, match="67,108,865 bytes"):
        Tokenizer.from_folder(tmp_path)


def test_folder_without_tokenizer_is_named(tmp_path):
    """Without files the error says what was looked for, and SentencePiece is told apart."""
    with pytest.raises(TokenizerError, match="merges.txt"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a")
    with pytest.raises(TokenizerError, match="SentencePiece"):
        Tokenizer.from_folder(tmp_path)
