"""Text to token ids and back: a tiktoken.Encoding built from the checkpoint's own files.

tiktoken merges by rank, so a token's rank is its place in the merge order and never its id. A token that no merge
makes has no rank and so cannot change how text is cut.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import regex
import tiktoken

from inference.errors import RequestError, TokenizerError
from inference.tokenizer_files import AddedToken, TokenizerData, read_tokenizer

SPLIT_TIMEOUT_S = 10.0
LARGEST_PADDING = 1 << 16  # models round their vocabulary up; ids beyond the tokenizer's are then never trained
WORD = regex.compile(r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]")  # \w as Rust's regex has it


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Part of a text. The text of a special token is read as that token only where trusted pieces alone spell it.

    An untrusted piece, even an empty one, between two trusted ones keeps them from spelling a token together.
    """

    text: str
    is_trusted: bool = False


class Tokenizer:
    """Byte-level BPE with the ids of the checkpoint."""

    def __init__(self, data: TokenizerData):
        self.vocab_size = max(data.bytes_of) + 1
        self.special_ids: Mapping[str, int] = MappingProxyType({t.content: t.id for t in data.added_tokens if t.is_special})
        self.named_tokens: Mapping[str, str] = MappingProxyType(data.named_tokens)
        self.bos_id = data.bos_id
        self._special = frozenset(self.special_ids.values())
        self._bytes_of = data.bytes_of
        self._unicode_form = data.unicode_form
        self._raw_tokens = _AddedTokens([token for token in data.added_tokens if not token.is_normalized])
        self._normalized_tokens = _AddedTokens(_normalized(data))
        self._bpe = _BytePairs(data)

    @classmethod
    def from_folder(cls, folder: Path) -> "Tokenizer":
        """Read tokenizer.json, or vocab.json and merges.txt. Raises TokenizerError."""
        return cls(read_tokenizer(folder))

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a text; the text of special tokens in it stays text. Lone surrogates become U+FFFD."""
        text = without_surrogates(text)
        ids: list[int] = []
        for start, end, token in self._raw_tokens.split(text, ()):
            ids.extend(self._encode_section(text[start:end]) if token is None else (token.id,))
        return tuple(ids)

    def encode_pieces(self, pieces: Sequence[TextPiece]) -> tuple[list[int], list[int]]:
        """The ids of all pieces' joined text, and for each id the index of the piece it came from.

        A token that reaches over several pieces counts as the first untrusted one's. Where a normaliser changes
        the length of a text the borders between pieces can be off by as much, within that stretch of text.
        """
        texts = [without_surrogates(piece.text) for piece in pieces]
        text = "".join(texts)
        owners = _Owners(pieces, texts)
        for start, end, token in self._raw_tokens.split(text, _trusted_ranges(pieces, texts)):
            if token is not None:
                bare = text.index(token.content, start)  # after the blanks it takes from the text before it
                owners.add([], [], len(text[start:bare].encode()))
                start, ids = bare, [token.id]
            else:
                ids = self._encode_section(text[start:end])
            owners.add(ids, [len(self._bytes_of[id]) for id in ids], len(text[start:end].encode()))
        return owners.ids, owners.of_id

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that are not UTF-8 become U+FFFD. Raises RequestError for an id out of range."""
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The exact bytes of a token; b"" for an id below `vocab_size` that stands for nothing.

        Up to LARGEST_PADDING ids from `vocab_size` on may be padding of the model's vocabulary: b"" as well.
        Raises RequestError for any other id.
        """
        found = self._bytes_of.get(token_id)
        if found is None:
            if not 0 <= token_id < self.vocab_size + LARGEST_PADDING:
                raise RequestError(f"There is no token {token_id}; the tokenizer has {self.vocab_size:,}.")
            return b""
        return found

    def is_special(self, token_id: int) -> bool:
        """Whether an id is a special token, such as the end of a turn."""
        return token_id in self._special

    def _encode_section(self, text: str) -> list[int]:
        """Text between two tokens that are found in raw text."""
        if self._unicode_form:
            text = unicodedata.normalize(self._unicode_form, text)
        ids: list[int] = []
        for start, end, token in self._normalized_tokens.split(text, ()):
            ids.extend(self._bpe.encode(text[start:end]) if token is None else (token.id,))
        return ids


def without_surrogates(text: str) -> str:
    """Pairs of surrogates joined and lone ones replaced by U+FFFD, so that the text can be UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _trusted_ranges(pieces: Sequence[TextPiece], texts: Sequence[str]) -> list[tuple[int, int]]:
    """Where trusted text is, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    position, was_trusted = 0, False
    for piece, text in zip(pieces, texts, strict=True):
        end = position + len(text)
        if piece.is_trusted:
            start = ranges.pop()[0] if was_trusted else position
            ranges.append((start, end))
        position, was_trusted = end, piece.is_trusted
    return ranges


def _normalized(data: TokenizerData) -> list[AddedToken]:
    form = data.unicode_form
    tokens = [token for token in data.added_tokens if token.is_normalized]
    return [replace(token, content=unicodedata.normalize(form, token.content)) for token in tokens] if form else tokens


class _Owners:
    """Follows tokens through the pieces by counting bytes."""

    def __init__(self, pieces: Sequence[TextPiece], texts: Sequence[str]):
        self.ids: list[int] = []
        self.of_id: list[int] = []
        self._is_trusted = [piece.is_trusted for piece in pieces]
        self._ends: list[int] = []
        for text in texts:
            self._ends.append((self._ends[-1] if self._ends else 0) + len(text.encode()))
        self._byte, self._piece = 0, 0

    def add(self, ids: list[int], sizes: list[int], section_bytes: int) -> None:
        """Tokens of the next `section_bytes` of the text, with the number of bytes of each."""
        section_end = self._byte + section_bytes
        for token_id, size in zip(ids, sizes, strict=True):
            self._add_token(token_id, min(section_end, self._byte + size))
        self._byte = section_end

    def _add_token(self, token_id: int, end: int) -> None:
        last = len(self._ends) - 1
        while self._piece < last and self._ends[self._piece] <= self._byte:
            self._piece += 1
        owner = self._piece
        while self._is_trusted[owner] and owner < last and self._ends[owner] < end:
            owner += 1
        self.ids.append(token_id)
        self.of_id.append(self._piece if self._is_trusted[owner] else owner)
        self._byte = end


class _AddedTokens:
    """Finds added tokens in text as Hugging Face does: from the left, the longest first."""

    def __init__(self, tokens: list[AddedToken]):
        self._by_content = {token.content: token for token in tokens}
        self._any = _alternatives(self._by_content)
        self._ordinary = _alternatives([token.content for token in tokens if not token.is_special])

    def split(self, text: str, trusted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Cut a text into (start, end, token) that cover it, None for text in between; special tokens only if trusted.

        `trusted` are ranges in rising order.
        """
        done = 0
        for start, end, token in self._find(text, trusted):
            if token.is_single_word and (WORD.match(text[start - 1 : start]) or WORD.match(text, end)):
                continue
            if token.strips_left:
                start = max(done, len(text[:start].rstrip()))
            if token.strips_right:
                end = len(text) - len(text[end:].lstrip())
            if start < done:  # the token before took this one's blanks
                continue
            if start > done:
                yield done, start, None
            yield start, end, token
            done = end
        if done < len(text):
            yield done, len(text), None

    def _find(self, text: str, trusted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, AddedToken]]:
        pattern = self._any if trusted else self._ordinary
        position, area = 0, 0
        while pattern and (found := pattern.search(text, position)):
            token = self._by_content[found.group()]
            while area < len(trusted) and trusted[area][1] <= found.start():
                area += 1
            is_trusted = area < len(trusted) and trusted[area][0] <= found.start() and found.end() <= trusted[area][1]
            if token.is_special and not is_trusted:
                position = found.start() + 1
                found = self._ordinary and self._ordinary.match(text, found.start())
                if not found:
                    continue
                token = self._by_content[found.group()]
            yield found.start(), found.end(), token
            position = found.end()


def _alternatives(contents: Sequence[str] | Mapping[str, AddedToken]) -> re.Pattern[str] | None:
    longest_first = sorted(contents, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


class _BytePairs:
    """The BPE itself: pre-tokens by patterns, then merges."""

    def __init__(self, data: TokenizerData):
        ranks = {bytes([byte]): byte for byte in range(256)}
        for token in data.merges:
            ranks.setdefault(token, len(ranks))
        if data.ignores_merges:
            _add_whole_words(ranks, data.id_of)
        self._id_of_rank = [data.id_of.get(token, -1) for token in ranks]  # -1: bytes that no UTF-8 text has
        self._adds_prefix_space = data.adds_prefix_space
        try:
            self._splitters = [regex.compile(pattern) for pattern in data.patterns[:-1]]
            self._encoding = tiktoken.Encoding(
                "checkpoint", pat_str=_covering(data.patterns[-1]), mergeable_ranks=ranks, special_tokens={}
            )
        except (ValueError, regex.error, RecursionError) as error:
            raise TokenizerError(f"The tokenizer's splitting pattern is not valid: {error!s:.200}.") from error

    def encode(self, text: str) -> list[int]:
        """Ids of a text without added tokens."""
        if self._adds_prefix_space and not text.startswith(" "):
            text = " " + text
        pieces: Iterator[str] = iter([text])
        for splitter in self._splitters:
            pieces = _isolate(splitter, pieces)
        ids: list[int] = []
        for piece in pieces:
            ids.extend(map(self._id_of_rank.__getitem__, self._encode_piece(piece)))
        return ids

    def _encode_piece(self, piece: str) -> list[int]:
        try:
            return self._encoding.encode_ordinary(piece)
        except BaseException as error:
            # Rust reports a pattern that backtracks without end as a panic, which is not an Exception.
            if type(error).__name__ != "PanicException":
                raise
            message = f"A text of {len(piece):,} characters is too hard for the tokenizer's splitting pattern."
            raise RequestError(f"{message} Very long runs of blanks can cause this; shorten them.") from error


def _covering(pattern: str) -> str:
    """A pattern that also matches each stretch between two matches, as Hugging Face's Isolated keeps those."""
    return rf"(?:{pattern})|(?:(?!{pattern})[\s\S])+"


def _isolate(splitter: "regex.Pattern[str]", pieces: Iterator[str]) -> Iterator[str]:
    """Cut each piece into the pattern's matches and what lies between them."""
    for piece in pieces:
        done = 0
        try:
            for found in splitter.finditer(piece, timeout=SPLIT_TIMEOUT_S):
                yield from (part for part in (piece[done : found.start()], found.group()) if part)
                done = found.end()
        except TimeoutError as error:
            raise RequestError(f"A text of {len(piece):,} characters takes too long to split into tokens.") from error
        if done < len(piece):
            yield piece[done:]


def _add_whole_words(ranks: dict[bytes, int], id_of: dict[bytes, int]) -> None:
    """Give tokens without a merge the last ranks: with ignore_merges they stand for themselves as whole pre-tokens.

    That is exact as long as no two tokens join into one of them. Raises TokenizerError otherwise.
    """
    for token in id_of:
        if token in ranks:
            continue
        if any(token[:cut] in id_of and token[cut:] in id_of for cut in range(1, len(token))):
            raise TokenizerError(f"The tokenizer ignores merges but lacks the merge for {token!r:.60}, which is not supported.")
        ranks[token] = len(ranks)
