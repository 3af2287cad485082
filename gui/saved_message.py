"""A message as a row of the store and back: all that an answer needs to be inspected and continued, but no traces.

`data` is compressed JSON. Reading tolerates what a file of another version or a damaged row may hold: a part that cannot
be understood is left out, and the text stays.
"""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, get_args

from gui.models.conversation import ChatMessage, Status, TokenRecord
from gui.models.utf16 import utf16_length
from gui.store import Record
from inference.errors import RequestError
from inference.types import FinishReason, GenerateRequest, Role, RunStats, SamplingParams

COMPRESSION = 1  # the fastest: an answer is saved again and again while it grows
REQUEST_FIELDS = ("answer_prefix_ids", "seed", "max_new_tokens", "stop", "trace_rows", "trace_interval_s", "scene")


def to_record(message: ChatMessage, position: int) -> Record:
    """The row of a message."""
    details = _details(message)
    data = zlib.compress(json.dumps(details, separators=(",", ":")).encode(), COMPRESSION) if details else b""
    return Record(message.message_id, position, message.role, message.status, message.note, message.text, data)


def from_record(record: Record) -> ChatMessage | None:
    """The message of a row; None for a role that this version does not know."""
    if record.role not in get_args(Role):
        return None
    status: Status = record.status if record.status in get_args(Status) else "done"
    text = record.text
    message = ChatMessage(record.role, text, status, record.note, record.message_id, length=utf16_length(text))
    details = _part(_parse, record.data) if record.data else None
    if details is not None:
        _fill(message, details)
    return message


def _details(message: ChatMessage) -> dict[str, object]:
    details: dict[str, object] = {"is_forgotten": True} if message.is_forgotten else {}
    if message.role != "assistant":
        return details
    return details | {
        "author": message.author,
        "weights_hash": message.weights_hash,
        "prompt_ids": message.prompt_ids,
        "answer_ids": message.answer_ids,
        "finish_reason": message.finish_reason,
        "stats": message.stats and asdict(message.stats),
        "request": message.request and _request_details(message.request),
        "tokens": _token_columns(message.tokens),
    }


def _request_details(request: GenerateRequest) -> dict[str, object]:
    """All but the messages: the prompt's exact ids, kept with the answer, say the same."""
    return {name: getattr(request, name) for name in REQUEST_FIELDS} | {"params": asdict(request.params)}


def _token_columns(tokens: Sequence[TokenRecord]) -> dict[str, list]:
    return {
        "ids": [token.token_id for token in tokens],
        "bytes": [token.token_bytes.hex() for token in tokens],
        "starts": [token.start for token in tokens],
        "ends": [token.end for token in tokens],
        "is_end": [index for index, token in enumerate(tokens) if token.is_end],
    }


def _fill(message: ChatMessage, details: Mapping[str, Any]) -> None:
    message.is_forgotten = details.get("is_forgotten") is True
    message.author = str(details.get("author") or "")
    message.weights_hash = str(details.get("weights_hash") or "")
    message.prompt_ids = _part(_integers, details.get("prompt_ids")) or ()
    message.answer_ids = _part(_integers, details.get("answer_ids"))
    reason = details.get("finish_reason")
    message.finish_reason = reason if reason in get_args(FinishReason) else None
    message.stats = _part(_stats, details.get("stats"))
    message.tokens = _part(_tokens, details.get("tokens")) or []
    if message.tokens and message.tokens[-1].end > message.length:
        message.tokens = []
    if message.prompt_ids:
        message.request = _part(lambda values: _request(values, message.prompt_ids), details.get("request"))


def _part(read: Callable[[Any], Any], value: object) -> Any:
    """What `read` makes of the value; None where it makes nothing of it."""
    try:
        return None if value is None else read(value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError, zlib.error, RequestError):
        return None


def _parse(data: bytes) -> dict[str, Any]:
    details = json.loads(zlib.decompress(data))
    if not isinstance(details, dict):
        raise TypeError(details)
    return details


def _integers(values: Sequence[object]) -> tuple[int, ...]:
    if not all(type(value) is int for value in values):
        raise TypeError("not all are whole numbers")
    return tuple(values)


def _known(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that are fields of the class."""
    return {each.name: values[each.name] for each in fields(cls) if each.name in values}


def _stats(values: Mapping[str, Any]) -> RunStats:
    stats = RunStats(**_known(RunStats, values))
    if not all(isinstance(value, int | float) for value in asdict(stats).values()):
        raise TypeError("not all are numbers")
    return stats


def _request(values: Mapping[str, Any], prompt_ids: tuple[int, ...]) -> GenerateRequest:
    """The request that makes the same answer again."""
    known = {name: values[name] for name in REQUEST_FIELDS if name in values}
    for name in ("answer_prefix_ids", "stop"):
        known[name] = tuple(known.get(name, ()))
    params = SamplingParams(**_known(SamplingParams, values["params"]))
    (seed,) = _integers((known.get("seed"),))
    return GenerateRequest(run_id=0, prompt_ids=prompt_ids, params=params, **(known | {"seed": seed}))


def _tokens(columns: Mapping[str, Any]) -> list[TokenRecord]:
    ids, starts, ends = (_integers(columns[name]) for name in ("ids", "starts", "ends"))
    places = [place for pair in zip(starts, ends, strict=True) for place in pair]
    if places != sorted(places) or (places and places[0] < 0):
        raise ValueError("the tokens do not follow one another")
    is_end = set(columns.get("is_end", ()))
    rows = zip(ids, columns["bytes"], starts, ends, strict=True)
    return [TokenRecord(i, bytes.fromhex(data), start, end, None, n in is_end) for n, (i, data, start, end) in enumerate(rows)]
