"""The tokens of a message as columns of JSON and back; their numbers as bytes of their own, five float32 a token."""

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from gui.models.message import TokenRecord
from inference.types import TokenNumbers

NUMBERS = struct.Struct("<5f")
NO_NUMBERS = TokenNumbers(math.nan, math.nan, math.nan, math.nan, 0)  # ranks count from 1
LOWEST, HIGHEST = -1e-6, 1 + 1e-6  # of a probability, rounded
LARGEST_ENTROPY_BITS = 64.0  # of a vocabulary that no machine holds


def to_columns(tokens: Sequence[TokenRecord]) -> dict[str, list]:
    """One column for each of the tokens' fields but traces and numbers."""
    return {
        "ids": [token.token_id for token in tokens],
        "bytes": [token.token_bytes.hex() for token in tokens],
        "starts": [token.start for token in tokens],
        "ends": [token.end for token in tokens],
        "is_end": [index for index, token in enumerate(tokens) if token.is_end],
        "is_given": [index for index, token in enumerate(tokens) if token.is_given],
    }


def to_bytes(tokens: Sequence[TokenRecord]) -> bytes:
    """The tokens' numbers, which no compression would make much smaller; b"" where no token has any."""
    numbers = [token.numbers or NO_NUMBERS for token in tokens]
    if all(each is NO_NUMBERS for each in numbers):
        return b""
    return struct.pack(f"<{len(numbers) * len(NO_NUMBERS)}f", *chain.from_iterable(numbers))


def from_columns(columns: Mapping[str, Any], numbers: bytes) -> list[TokenRecord]:
    """The tokens; numbers that cannot be theirs are left out. Raises TypeError, ValueError or KeyError for other damage."""
    ids, starts, ends = (integers(columns[name]) for name in ("ids", "starts", "ends"))
    places = [place for pair in zip(starts, ends, strict=True) for place in pair]
    if places != sorted(places) or (places and places[0] < 0):
        raise ValueError("the tokens do not follow one another")
    is_end, is_given = (set(columns.get(name, ())) for name in ("is_end", "is_given"))
    rows = zip(ids, columns["bytes"], starts, ends, _numbers(numbers, len(ids)), strict=True)
    return [
        TokenRecord(token_id, bytes.fromhex(data), start, end, None, index in is_end, each, index in is_given)
        for index, (token_id, data, start, end, each) in enumerate(rows)
    ]


def integers(values: Sequence[object]) -> tuple[int, ...]:
    """The values, all of them whole numbers. Raises TypeError."""
    if not set(map(type, values)) <= {int}:  # no bool either
        raise TypeError("not all are whole numbers")
    return tuple(values)


def _numbers(data: bytes, count: int) -> Sequence[TokenNumbers | None]:
    if len(data) != count * NUMBERS.size:
        return [None] * count
    return [_sound(*row) for row in NUMBERS.iter_unpack(data)]


def _sound(model_prob: float, sampling_prob: float, surprise: float, entropy: float, rank: float) -> TokenNumbers | None:
    """None for what no numbers of a token can be; NaN is: it stands for what is not known."""
    is_too_low = model_prob < LOWEST or sampling_prob < LOWEST or surprise < LOWEST or entropy < LOWEST
    is_too_high = model_prob > HIGHEST or sampling_prob > HIGHEST or entropy > LARGEST_ENTROPY_BITS
    if is_too_low or is_too_high or not 1 <= rank < math.inf:
        return None
    return TokenNumbers(model_prob, sampling_prob, surprise, entropy, int(rank))
