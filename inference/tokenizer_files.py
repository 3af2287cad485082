"""A checkpoint's tokenizer files, read and checked: byte-level BPE as plain data, or a TokenizerError that says why not.

Format: tokenizer.json of https://github.com/huggingface/tokenizers, or the vocab.json and merges.txt of GPT-2.
"""

from dataclasses import dataclass
from pathlib import Path

from inference.errors import TokenizerError
from inference.pre_tokenizer import ONLY_BPE, flatten_steps, read_pre_tokenizer
from inference.side_files import read_json_object, read_text

LARGEST_FILE_BYTES = 64 << 20
LARGEST_ID = (1 << 22) - 1
NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token found in the text before BPE sees it. The flags are those of Hugging Face's AddedToken."""

    content: str
    id: int
    is_special: bool = False
    is_normalized: bool = False
    strips_left: bool = False
    strips_right: bool = False
    is_single_word: bool = False


@dataclass(frozen=True, slots=True)
class TokenizerData:
    """Byte-level BPE. `merges` holds the merged tokens in order of priority; `bytes_of` all tokens, added ones included.

    `patterns` split text into pre-tokens, one after another, each within the pieces of the one before.
    `named_tokens` are the texts of bos_token and its like; `bos_id` is put before a prompt, None for nothing.
    """

    bytes_of: dict[int, bytes]
    id_of: dict[bytes, int]
    merges: list[bytes]
    added_tokens: tuple[AddedToken, ...]
    patterns: tuple[str, ...]
    adds_prefix_space: bool
    unicode_form: str
    ignores_merges: bool
    named_tokens: dict[str, str]
    bos_id: int | None


def read_tokenizer(folder: Path) -> TokenizerData:
    """Read whatever tokenizer files the folder has. Raises TokenizerError, or CheckpointError for a file that cannot be read."""
    config = _read(folder / "tokenizer_config.json") | _read(folder / "special_tokens_map.json")
    data = _read(folder / "tokenizer.json") or _gpt2_files(folder, config)
    try:
        return _translate(data, config)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise TokenizerError(
            f"The tokenizer files of {folder} are damaged: a part has the wrong form ({error!r:.200})."
        ) from error


def _read(path: Path) -> dict:
    return read_json_object(path, LARGEST_FILE_BYTES, is_optional=True)


def _gpt2_files(folder: Path, config: dict) -> dict:
    """vocab.json and merges.txt in the shape of a tokenizer.json."""
    vocab, merges = _read(folder / "vocab.json"), folder / "merges.txt"
    if not vocab or not merges.is_file():
        has_sentencepiece = any((folder / name).is_file() for name in ("tokenizer.model", "spiece.model"))
        reason = (
            f"It has a SentencePiece tokenizer. {ONLY_BPE}" if has_sentencepiece else "Copy the model's tokenizer.json there."
        )
        raise TokenizerError(f"{folder} holds neither tokenizer.json nor vocab.json with merges.txt. {reason}")
    lines = read_text(merges, LARGEST_FILE_BYTES).split("\n")
    if lines[0].startswith("#version"):
        del lines[0]
    added = [{"content": content, "id": id} for content, id in _read(folder / "added_tokens.json").items()]
    if "<|endoftext|>" in vocab:
        added.append({"content": "<|endoftext|>", "id": vocab["<|endoftext|>"], "special": True})
    return {
        "added_tokens": added,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": config.get("add_prefix_space", False)},
        "model": {"type": "BPE", "vocab": vocab, "merges": [line for line in lines if line.strip()]},
    }


def _translate(data: dict, config: dict) -> TokenizerData:
    model = data["model"]
    _check_model(model)
    named = _named_tokens(config)
    patterns, adds_prefix_space = read_pre_tokenizer(data.get("pre_tokenizer"))
    added = _read_added_tokens(data, config, named)
    bytes_of, id_of = _read_vocabulary(model["vocab"], added)
    return TokenizerData(
        bytes_of=bytes_of,
        id_of=id_of,
        merges=_read_merges(model["merges"], id_of),
        added_tokens=added,
        patterns=patterns,
        adds_prefix_space=adds_prefix_space,
        unicode_form=_read_normalizer(data.get("normalizer")),
        ignores_merges=bool(model.get("ignore_merges", False)),
        named_tokens=named,
        bos_id=_read_bos(data, config, named, {token.content: token.id for token in added}),
    )


def _check_model(model: dict) -> None:
    kind = model.get("type", "BPE" if "merges" in model else "unknown")
    if kind != "BPE":
        raise TokenizerError(f"The tokenizer is of the kind {kind!r}. {ONLY_BPE}")
    if model.get("byte_fallback"):
        raise TokenizerError(f"The tokenizer is a SentencePiece BPE with byte fallback. {ONLY_BPE}")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(name):
            raise TokenizerError(f"The tokenizer sets {name} to {model[name]!r}. {ONLY_BPE}")


def _named_tokens(config: dict) -> dict[str, str]:
    values = {name: config.get(name) for name in NAMED_TOKENS}
    texts = {name: value.get("content") if isinstance(value, dict) else value for name, value in values.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}


def _read_added_tokens(data: dict, config: dict, named: dict[str, str]) -> tuple[AddedToken, ...]:
    """The added tokens of all files; what is named as bos_token or the like counts as special."""
    vocab = data["model"]["vocab"]
    decoder = config.get("added_tokens_decoder") or {}
    entries = list(data.get("added_tokens") or [])
    entries += [{**entry, "id": int(id)} for id, entry in decoder.items()]
    entries += [{"content": text, "id": vocab[text], "special": True} for text in named.values() if text in vocab]
    tokens: dict[str, AddedToken] = {}
    for entry in entries:
        content = entry["content"]
        if not isinstance(content, str) or not content:
            raise TokenizerError("The tokenizer has an added token without text.")
        if content not in tokens:  # the first file that names a token decides how it is found
            is_special = bool(entry.get("special")) or content in named.values()
            tokens[content] = AddedToken(
                content,
                _checked_id(content, entry["id"]),
                is_special,
                bool(entry.get("normalized", not is_special)) and not is_special,
                bool(entry.get("lstrip")),
                bool(entry.get("rstrip")),
                bool(entry.get("single_word")),
            )
    return tuple(tokens.values())


def _checked_id(token: str, token_id: int) -> int:
    if not isinstance(token_id, int) or isinstance(token_id, bool) or not 0 <= token_id <= LARGEST_ID:
        raise TokenizerError(f"The tokenizer gives {token!r:.60} the id {token_id!r:.30}; ids go from 0 to {LARGEST_ID:,}.")
    return token_id


def _read_vocabulary(vocab: dict[str, int], added: tuple[AddedToken, ...]) -> tuple[dict[int, bytes], dict[bytes, int]]:
    """All tokens by id, and the ids of those that BPE may produce by their bytes."""
    table = byte_of_character()
    added_ids = {token.content: token.id for token in added}
    bytes_of: dict[int, bytes] = {}
    id_of: dict[bytes, int] = {}
    for token, token_id in vocab.items():
        if _checked_id(token, token_id) in bytes_of:
            raise TokenizerError(f"The tokenizer gives the id {token_id} to two tokens; the second is {token!r:.60}.")
        if token in added_ids:
            bytes_of[token_id] = token.encode("utf-8", "replace")
        else:
            bytes_of[token_id] = _to_bytes(token, table)
            id_of[bytes_of[token_id]] = token_id
    for token in added:
        if vocab.get(token.content, token.id) != token.id or (token.content not in vocab and token.id in bytes_of):
            raise TokenizerError(f"The added token {token.content!r:.60} and another token share an id, {token.id}.")
        bytes_of[token.id] = token.content.encode("utf-8", "replace")
    return bytes_of, _with_all_bytes(id_of, vocab, table)


def _with_all_bytes(id_of: dict[bytes, int], vocab: dict[str, int], table: dict[str, int]) -> dict[bytes, int]:
    """The bytes that text in UTF-8 is made of must all be tokens, also where one of them is an added token as well."""
    id_of |= {bytes([byte]): vocab[character] for character, byte in table.items() if character in vocab}
    missing = [byte for byte in range(0xF5) if byte not in (0xC0, 0xC1) and bytes([byte]) not in id_of]
    if missing:
        raise TokenizerError(f"The tokenizer has no token for {len(missing)} of the bytes that text is made of. {ONLY_BPE}")
    return id_of


def _read_merges(merges: list, id_of: dict[bytes, int]) -> list[bytes]:
    """The merged tokens, each once, at the place of its first merge: files from tiktoken list every way to make a token."""
    table = byte_of_character()
    merged: dict[bytes, None] = {}
    for merge in merges:
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if len(parts) != 2 or not all(parts):
            raise TokenizerError(f"The tokenizer has a merge that does not join two tokens: {merge!r:.60}.")
        left, right = _to_bytes(parts[0], table), _to_bytes(parts[1], table)
        for token in (left, right, left + right):
            if token not in id_of:
                raise TokenizerError(f"The tokenizer merges into, or from, a token it does not have: {merge!r:.60}.")
        merged[left + right] = None
    return list(merged)


def _to_bytes(token: str, table: dict[str, int]) -> bytes:
    try:
        return bytes([table[character] for character in token])
    except KeyError as error:
        raise TokenizerError(f"The token {token!r:.60} is not written in byte-level letters. {ONLY_BPE}") from error


def byte_of_character() -> dict[str, int]:
    """GPT-2's printable letter for every byte, reversed (`bytes_to_unicode` in https://github.com/openai/gpt-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}


def _read_normalizer(normalizer: dict | None) -> str:
    """The Unicode form text is brought into, "" for none."""
    steps = flatten_steps(normalizer, "normalizers")
    kinds = [step["type"] for step in steps]
    if len(kinds) > 1 or not set(kinds) <= set(UNICODE_FORMS):
        raise TokenizerError(f"The tokenizer changes text by {', '.join(kinds)}. {ONLY_BPE}")
    return kinds[0] if kinds else ""


def _read_bos(data: dict, config: dict, named: dict[str, str], added_ids: dict[str, int]) -> int | None:
    """The id that begins every prompt, by add_bos_token or else by the post-processor's template for one text."""
    bos_id = added_ids.get(named.get("bos_token", ""))
    if isinstance(config.get("add_bos_token"), bool):
        return bos_id if config["add_bos_token"] else None
    for step in flatten_steps(data.get("post_processor"), "processors"):
        if step["type"] == "TemplateProcessing" and step["single"] and "SpecialToken" in step["single"][0]:
            return added_ids.get(step["single"][0]["SpecialToken"]["id"])
    return None
