"""Messages as rows of the store and back: all that they need to be inspected and continued, but no traces.

`data` is compressed JSON, and behind it the numbers of the tokens. Reading tolerates what a file of another version or a
damaged row may hold: a part that cannot be understood is left out, and the text stays.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any, get_args

from gui.models.message import ChatMessage, Status
from gui.models.utf16 import utf16_length
from gui.saved_tokens import from_columns, integers, to_bytes, to_columns
from gui.store import Record
from inference.errors import RequestError
from inference.types import FinishReason, GenerateRequest, PromptSpan, Role, RunStats, SamplingParams, SpanKind

COMPRESSION = 1  # the fastest: an answer is saved again and again while it grows
REQUEST_FIELDS = (
    *("text", "answer_prefix_ids", "forced", "seed", "max_new_tokens", "stop"),
    *("trace_rows", "trace_interval_s", "with_numbers", "scene"),
)
SPAN_KINDS: tuple[SpanKind, ...] = ("special", "template", "content")  # a kind is saved as its place here


@dataclass
class SavedMessages:
    """The messages of a file in the order in which they were added.

    `hidden` are rows that this version cannot show, by the message below which they stand: what follows that message on
    screen follows the hidden one in the file.
    """

    messages: list[ChatMessage] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)


def to_record(message: ChatMessage, position: int) -> Record:
    """The row of a message."""
    data = b""
    if details := _details(message):
        text = json.dumps(details, separators=(",", ":"))
        data = zlib.compress(text.encode(), COMPRESSION) + to_bytes(message.tokens)
    return Record(message.message_id, position, message.role, message.status, message.note, message.text, data, message.parent_id)


def from_records(records: Iterable[Record]) -> SavedMessages:
    """The messages of rows that come in the order of their positions, so that each has those it refers to before it."""
    saved = SavedMessages()
    known: dict[str, ChatMessage] = {}
    read: list[tuple[ChatMessage, Mapping[str, Any]]] = []  # their tokens are found in answers, which come later
    parents: dict[str, str] = {}  # of hidden rows: the message below which they stand
    for record in records:
        parent_id = parents.get(record.parent_id, record.parent_id)
        if record.role not in get_args(Role):
            parents[record.message_id] = parent_id
            saved.hidden[parent_id] = record.message_id
            continue
        message, details = _message(record, parent_id)
        if not _is_branch(message, known.get(message.branch_of)):
            message.branch_of, message.shared_tokens = "", 0
        if details.get("read_for"):
            read.append((message, details))
        known[message.message_id] = message
        saved.messages.append(message)
    for message, details in read:
        _part(partial(_fill_tokens, message, known), details)
    return saved


def _message(record: Record, parent_id: str) -> tuple[ChatMessage, Mapping[str, Any]]:
    status: Status = record.status if record.status in get_args(Status) else "done"
    message = ChatMessage(record.role, record.text, status, record.note, record.message_id, parent_id=parent_id)
    message.length = utf16_length(record.text)
    details = _part(_parse, record.data or None) or {}
    message.is_forgotten = details.get("is_forgotten") is True
    if record.role == "assistant":
        _fill_answer(message, details)
    return message, details


def _details(message: ChatMessage) -> dict[str, object]:
    details: dict[str, object] = {"is_forgotten": True} if message.is_forgotten else {}
    if message.role == "assistant":
        return details | _answer_details(message)
    if message.tokens:  # the ids before them are not saved twice: they are the first of an answer's prompt
        details |= {"weights_hash": message.weights_hash, "read_for": message.read_for, "before": len(message.prompt_ids)}
        details["tokens"] = to_columns(message.tokens)
    return details


def _answer_details(message: ChatMessage) -> dict[str, object]:
    return {
        "author": message.author,
        "weights_hash": message.weights_hash,
        "prompt_ids": message.prompt_ids,
        "spans": _flat_spans(message.spans),
        "answer_ids": message.answer_ids,
        "finish_reason": message.finish_reason,
        "stats": message.stats and asdict(message.stats),
        "request": message.request and _request_details(message.request),
        "branch_of": message.branch_of,
        "shared_tokens": message.shared_tokens,
        "tokens": to_columns(message.tokens),
    }


def _request_details(request: GenerateRequest) -> dict[str, object]:
    """All but the messages: the prompt's exact ids, kept with the answer, say the same."""
    return {name: getattr(request, name) for name in REQUEST_FIELDS} | {"params": asdict(request.params)}


def _flat_spans(spans: Sequence[PromptSpan]) -> list[int]:
    return [value for span in spans for value in (span.start, span.end, SPAN_KINDS.index(span.kind), span.message_index)]


def _fill_answer(message: ChatMessage, details: Mapping[str, Any]) -> None:
    message.author = str(details.get("author") or "")
    message.weights_hash = str(details.get("weights_hash") or "")
    message.prompt_ids = _part(integers, details.get("prompt_ids")) or ()
    message.spans = _part(lambda values: _spans(values, len(message.prompt_ids)), details.get("spans")) or ()
    message.answer_ids = _part(integers, details.get("answer_ids"))
    reason = details.get("finish_reason")
    message.finish_reason = reason if reason in get_args(FinishReason) else None
    message.stats = _part(_stats, details.get("stats"))
    message.tokens = _part(lambda columns: from_columns(columns, details["numbers"]), details.get("tokens")) or []
    if message.tokens and message.tokens[-1].end > message.length:
        message.tokens = []
    (message.shared_tokens,) = _part(integers, [details.get("shared_tokens")]) or (0,)
    message.branch_of = str(details.get("branch_of") or "")
    message.request = _part(lambda values: _request(values, message.prompt_ids), details.get("request"))


def _fill_tokens(message: ChatMessage, known: Mapping[str, ChatMessage], details: Mapping[str, Any]) -> None:
    """Give a message the tokens that the prompt of an answer has of it; none where it does not have them there."""
    answer, tokens = known[details["read_for"]], from_columns(details["tokens"], details["numbers"])
    (before,) = integers([details["before"]])
    ids = tuple(token.token_id for token in tokens)
    is_there = before >= 0 and answer.prompt_ids[before : before + len(ids)] == ids
    if tokens and is_there and tokens[-1].end <= message.length:
        message.tokens, message.prompt_ids = tokens, answer.prompt_ids[:before]
        message.weights_hash, message.read_for = str(details["weights_hash"]), answer.message_id


def _is_branch(message: ChatMessage, original: ChatMessage | None) -> bool:
    """Whether what the message says it shares with another answer is there."""
    count = message.shared_tokens
    if original is None or not 0 <= count <= len(original.tokens):
        return False
    pairs = zip(message.tokens[:count], original.tokens, strict=False)
    return all(token.token_id == other.token_id for token, other in pairs)


def _part(read: Callable[[Any], Any], value: object) -> Any:
    """What `read` makes of the value; None where it makes nothing of it."""
    try:
        return None if value is None else read(value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError, zlib.error, RequestError):
        return None


def _parse(data: bytes) -> dict[str, Any]:
    """The JSON's values, and the bytes behind it as `numbers`."""
    decoder = zlib.decompressobj()
    details = json.loads(decoder.decompress(data))
    if not isinstance(details, dict):
        raise TypeError(details)
    return details | {"numbers": decoder.unused_data}


def _known(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that are fields of the class."""
    return {each.name: values[each.name] for each in fields(cls) if each.name in values}


def _stats(values: Mapping[str, Any]) -> RunStats:
    stats = RunStats(**_known(RunStats, values))
    if not all(isinstance(value, int | float) for value in asdict(stats).values()):
        raise TypeError("not all are numbers")
    return stats


def _spans(values: Sequence[object], length: int) -> tuple[PromptSpan, ...]:
    """Spans of a prompt of so many ids."""
    column = iter(integers(values))
    rows = list(zip(column, column, column, column, strict=True))
    if not all(0 <= start <= end <= length and 0 <= kind < len(SPAN_KINDS) for start, end, kind, _ in rows):
        raise ValueError("the spans are not those of the prompt")
    return tuple(PromptSpan(start, end, SPAN_KINDS[kind], index) for start, end, kind, index in rows)


def _request(values: Mapping[str, Any], prompt_ids: tuple[int, ...]) -> GenerateRequest | None:
    """The request that makes the same answer again; None for one that never got a prompt."""
    known = {name: values[name] for name in REQUEST_FIELDS if name in values}
    known["answer_prefix_ids"] = integers(known.get("answer_prefix_ids", ()))
    known["stop"] = tuple(known.get("stop", ()))
    known["forced"] = tuple((step, token_id) for step, token_id in map(integers, known.get("forced", ())))
    (known["seed"],) = integers((known.get("seed"),))
    if not all(isinstance(known.get(name, ""), str) for name in ("text", "scene")):
        raise TypeError("a text is none")
    if known.get("text"):
        prompt_ids = ()  # the text says the same
    elif not prompt_ids and not known["answer_prefix_ids"]:
        return None
    params = SamplingParams(**_known(SamplingParams, values["params"]))
    return GenerateRequest(run_id=0, prompt_ids=prompt_ids, params=params, **known)
