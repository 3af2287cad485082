"""Steps and messages as CSV and JSON, to be taken elsewhere; pure functions that return text for a UTF-8 file.

Numbers keep every digit they have. Probabilities are fractions of 1; what the fields mean is said in `inference.types`.

JSON is strict: what is not a number, or not finite, is null. `bytes` is hexadecimal; `text` is null where the bytes are
not whole UTF-8 characters by themselves.

CSV follows RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180). Every line repeats what belongs to the whole step or message,
so that tables can be put together and filtered. An empty cell stands for what there is not, inf for infinity. Text that a
model or its makers wrote is a JSON string with its quotes, and bytes begin with 0x: no spreadsheet takes them for a
formula or a number.
"""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gui.models.message import ChatMessage, TokenRecord
from gui.models.trace_rows import rows_of
from inference.types import Flip, SamplingParams, Stage, StepDetails, StepTrace, TokenNumbers

FORMAT_VERSION = 1
_SURROGATES = re.compile("[\ud800-\udfff]")  # half a character, which UTF-8 cannot hold; JSON can, escaped


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step comes from. `step` counts the answer's tokens from 0; None for text that no answer holds, or no seed."""

    model_name: str = ""
    weights_hash: str = ""
    seed: int | None = None
    step: int | None = None


def step_csv(trace: StepTrace, origin: Origin | None = None) -> str:
    """One line for every row of the trace and one, named "others", for all other tokens: they add up to 1."""
    origin = origin or Origin()
    place = {"seed": origin.seed, "step": origin.step}
    shared = _model_cells(origin.model_name, origin.weights_hash) | place | asdict(trace.params) | _step_numbers(trace)
    lines = [_row_cells(row) | shared for row in _rows(trace)]
    others = {
        "row": "others",
        "tokens": trace.others_count,
        "model_prob": trace.others_model_mass,
        "sampling_prob": trace.others_sampling_mass,
    }
    return _csv(list(lines[0]), [*lines, others | shared])


def step_json(trace: StepTrace, origin: Origin | None = None, details: StepDetails | None = None) -> str:
    """Everything known of one step; with details, also its stages and the temperatures at which the choice flips."""
    return _json({"format": "glassbox-step", "version": FORMAT_VERSION} | _step_object(trace, origin or Origin(), details))


def message_csv(message: ChatMessage) -> str:
    """One line for every token of a message; the draw and the rule are there for tokens whose trace is in memory."""
    shared = _message_cells(message)
    lines = [_token_cells(index, token) | shared for index, token in enumerate(message.tokens)]
    return _csv(list(_token_cells(0, _NO_TOKEN) | shared), lines)


def message_json(message: ChatMessage, with_steps: bool = False) -> str:
    """Everything known of one message and its tokens; `with_steps` adds the whole step of each token that has a trace."""
    request = message.request
    content = {
        "format": "glassbox-message",
        "version": FORMAT_VERSION,
        "message_id": message.message_id,
        "role": message.role,
        "text": message.text,
        "status": message.status,
        "note": message.note,
        "finish_reason": message.finish_reason,
        "model": {"name": message.author, "weights_hash": message.weights_hash},
        "settings": request and asdict(request.params),
        "seed": request and request.seed,
        "max_new_tokens": request and request.max_new_tokens,
        "stop": request and request.stop,
        "stats": message.stats and asdict(message.stats),
        "prompt_ids": message.prompt_ids,
        "answer_ids": message.answer_ids,
        "tokens": [_token_object(message, index, with_steps) for index in range(len(message.tokens))],
    }
    return _json(content)


_NO_TOKEN = TokenRecord(0, b"", 0, 0)  # names the columns of a message without tokens


def _step_object(trace: StepTrace, origin: Origin, details: StepDetails | None) -> dict[str, Any]:
    content = {
        "model": {"name": origin.model_name, "weights_hash": origin.weights_hash},
        "seed": origin.seed,
        "step": origin.step,
        "settings": asdict(trace.params),
        **_step_numbers(trace),
        "rows": [{"bytes" if name == "data" else name: value for name, value in row.items()} for row in _rows(trace)],
        "others": {
            "tokens": trace.others_count,
            "model_prob": trace.others_model_mass,
            "sampling_prob": trace.others_sampling_mass,
        },
    }
    if details is not None:
        content["stages"] = [_stage_object(stage) for stage in details.stages]
        content["flips"] = {"below": _flip_object(details.flip_below), "above": _flip_object(details.flip_above)}
    return content


def _step_numbers(trace: StepTrace) -> dict[str, Any]:
    """What belongs to the step as a whole; nothing is said of a draw or a choice that there was not."""
    is_chosen = trace.chosen_id >= 0
    is_drawn = not math.isnan(trace.draw_u)
    return {
        "chosen_id": trace.chosen_id if is_chosen else None,
        "chosen_rank": trace.chosen_rank if is_chosen else None,
        "chosen_model_prob": trace.chosen_model_prob,
        "chosen_sampling_prob": trace.chosen_sampling_prob,
        "surprise_bits": trace.surprise_bits,
        "entropy_bits": trace.entropy_bits,
        "kept_count": trace.kept_count,
        "vocab_size": trace.vocab_size,
        "draw_u": trace.draw_u,
        "draw_low": trace.draw_low if is_drawn else None,
        "draw_high": trace.draw_high if is_drawn else None,
    }


def _rows(trace: StepTrace) -> list[dict[str, Any]]:
    return [
        {
            "token_id": row.token_id,
            "data": row.data,
            "text": _text_of(row.data),
            "model_prob": row.model,
            "sampling_prob": row.sampling,
            "rank": row.rank,
            "removed_by": row.removed_by,
            "is_chosen": row.is_chosen,
        }
        for row in rows_of(trace)
    ]


def _row_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row": "token",
        "tokens": 1,
        "token_id": row["token_id"],
        "bytes": _hex_cell(row["data"]),
        "text": _text_cell(row["text"]),
    } | {name: row[name] for name in ("model_prob", "sampling_prob", "rank", "removed_by", "is_chosen")}


def _stage_object(stage: Stage) -> dict[str, Any]:
    names = ("rule", "is_off", "others_mass", "kept_count", "removed_count", "removed_mass", "moved_mass", "entropy_bits")
    return {name: getattr(stage, name) for name in names} | {"row_probs": stage.probs.tolist()}


def _flip_object(flip: Flip | None) -> dict[str, Any] | None:
    if flip is None:
        return None
    return {
        "temperature": flip.temperature,
        "token_id": flip.token_id,
        "bytes": flip.token_bytes,
        "text": _text_of(flip.token_bytes),
    }


def _token_object(message: ChatMessage, index: int, with_steps: bool) -> dict[str, Any]:
    token = message.tokens[index]
    content = {
        "index": index,
        "token_id": token.token_id,
        "bytes": token.token_bytes,
        "text": _text_of(token.token_bytes),
        "start_utf16": token.start,
        "end_utf16": token.end,
        "is_end": token.is_end,
        "is_given": token.is_given,
        **_numbers(token),
    }
    if with_steps and token.trace is not None:
        seed = message.request.seed if message.request else None
        origin = Origin(message.author, message.weights_hash, seed, index if message.role == "assistant" else None)
        content["step"] = _step_object(token.trace, origin, None)
    return content


def _token_cells(index: int, token: TokenRecord) -> dict[str, Any]:
    trace = token.trace
    has_draw = trace is not None and not math.isnan(trace.draw_u)
    return {
        "index": index,
        "token_id": token.token_id,
        "bytes": _hex_cell(token.token_bytes),
        "text": _text_cell(_text_of(token.token_bytes)),
        "is_end": token.is_end,
        "is_given": token.is_given,
        **_numbers(token),
        "removed_by": _removed_by(token),
        "draw_u": trace.draw_u if has_draw else None,
        "draw_low": trace.draw_low if has_draw else None,
        "draw_high": trace.draw_high if has_draw else None,
    }


def _numbers(token: TokenRecord) -> dict[str, Any]:
    """A token's numbers, from its trace where it has no others; None where nothing is known."""
    numbers, trace = token.numbers, token.trace
    if numbers is None and trace is not None and trace.chosen_id == token.token_id:
        sampling_prob = math.nan if token.is_given else trace.chosen_sampling_prob
        numbers = TokenNumbers(trace.chosen_model_prob, sampling_prob, trace.surprise_bits, trace.entropy_bits, trace.chosen_rank)
    return dict.fromkeys(TokenNumbers._fields) if numbers is None else numbers._asdict()


def _removed_by(token: TokenRecord) -> str | None:
    """The rule that removed the token: of one that was not drawn it is worth knowing."""
    if token.trace is None or token.token_id not in token.trace.ids:
        return None
    return token.trace.removed_by[token.trace.ids.tolist().index(token.token_id)]


def _message_cells(message: ChatMessage) -> dict[str, Any]:
    params = message.request.params if message.request else None
    settings = asdict(params) if params else dict.fromkeys(asdict(SamplingParams()))
    seed = message.request.seed if message.request else None
    model = _model_cells(message.author, message.weights_hash)
    return {"message_id": _text_cell(message.message_id), "role": message.role} | model | {"seed": seed} | settings


def _model_cells(name: str, weights_hash: str) -> dict[str, Any]:
    return {"model": _text_cell(name or None), "weights_hash": _text_cell(weights_hash or None)}


def _text_of(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _hex_cell(data: bytes) -> str:
    return f"0x{data.hex()}" if data else ""


def _text_cell(text: str | None) -> str:
    return "" if text is None else _escape_surrogates(json.dumps(text, ensure_ascii=False))


def _csv(columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(line.get(column)) for column in columns] for line in lines)
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _json(content: object) -> str:
    text = json.dumps(_strict(content), ensure_ascii=False, allow_nan=False, indent=1)
    return _escape_surrogates(text) + "\n"


def _strict(value: object) -> object:
    """The value in what strict JSON has: no NaN, no infinity, bytes in hexadecimal."""
    if isinstance(value, Mapping):
        return {name: _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _escape_surrogates(text: str) -> str:
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
