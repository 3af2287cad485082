"""Rows of a step as plain values: what is painted, read out and taken."""

import math
from typing import NamedTuple

from inference.types import RemovedBy, StepTrace


class Row(NamedTuple):  # cheaper to make than a dataclass: twelve for every token painted
    """One row, in Python's own numbers. `is_apart`: tokens between this row and the one above are not shown.

    `what_if` is the sampling probability under other settings. NaN stands for a number that is not known: a row that only
    the other settings brought in has no `sampling`, and without other settings there is no `what_if`.
    """

    token_id: int
    data: bytes
    model: float
    sampling: float
    rank: int
    removed_by: RemovedBy
    is_chosen: bool
    is_apart: bool = False
    what_if: float = math.nan
    what_if_removed_by: RemovedBy = ""
    is_what_if_chosen: bool = False


def can_take(row: Row, taking: str) -> bool:
    """Whether a row can be taken; as another version ("branch") only a token that is not there already."""
    return taking == "append" or (taking == "branch" and not row.is_chosen)


def rows_of(trace: StepTrace) -> list[Row]:
    """The rows of a trace, top to bottom."""
    columns = zip(
        trace.ids.tolist(),
        trace.token_bytes,
        trace.model_probs.tolist(),
        trace.sampling_probs.tolist(),
        trace.ranks.tolist(),
        trace.removed_by,
        strict=True,
    )
    rows = [Row(*values, values[0] == trace.chosen_id) for values in columns]
    if rows and rows[-1].rank > len(rows):
        rows[-1] = rows[-1]._replace(is_apart=True)
    return rows


def rows_with_what_if(trace: StepTrace, what_if: StepTrace) -> list[Row]:
    """The rows of a trace with what other settings make of them; a token that only those would choose gets a row too."""
    others = {row.token_id: row for row in rows_of(what_if)}
    rows = [_with_what_if(row, others.pop(row.token_id, None)) for row in rows_of(trace)]
    chosen = others.get(what_if.chosen_id)
    if chosen is None:
        return rows
    added = _with_what_if(chosen, chosen)._replace(sampling=math.nan, removed_by="", is_chosen=False)
    rows = sorted([*rows, added], key=lambda row: row.rank)
    above = [0, *(row.rank for row in rows)]
    return [row._replace(is_apart=row.rank > rank + 1) for row, rank in zip(rows, above, strict=False)]


def others_what_if(rows: list[Row], what_if: StepTrace) -> float:
    """The sampling probability that other settings leave to all tokens without a row."""
    shown = {row.token_id for row in rows}
    hidden = (p for token, p in zip(what_if.ids.tolist(), what_if.sampling_probs.tolist(), strict=True) if token not in shown)
    return what_if.others_sampling_mass + sum(hidden)


def _with_what_if(row: Row, other: Row | None) -> Row:
    if other is None:
        return row
    return row._replace(what_if=other.sampling, what_if_removed_by=other.removed_by, is_what_if_chosen=other.is_chosen)
