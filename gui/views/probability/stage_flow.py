"""Where every token's share of the probability lies after each rule, and what of it the next rule takes away."""

from dataclasses import dataclass
from typing import NamedTuple

from inference.types import Stage, StepDetails, StepTrace

OTHERS = -1  # in place of a row: all tokens that have no row, taken together


class Span(NamedTuple):
    """A piece of a bar from `low` to `high`, fractions of its length, that belongs to a row of the trace or to OTHERS."""

    row: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Flow:
    """How a bar becomes the next one: pairs (before, after) of what stays, and the pieces of the bar that end here."""

    kept: tuple[tuple[Span, Span], ...]
    removed: tuple[Span, ...]


def bar_of(stage: Stage) -> tuple[Span, ...]:
    """The shares after a rule: the rows in their order, likeliest first, then the others; together they fill the bar."""
    spans, low = [], 0.0
    for row, share in enumerate(stage.probs.tolist()):
        spans.append(Span(row, low, low + share))
        low += share
    return (*spans, Span(OTHERS, low, low + stage.others_mass))


def flow_into(stage: Stage, before: Stage, trace: StepTrace) -> Flow:
    """What `stage` makes of the bar of the stage before it. Of the others, those removed are the unlikeliest: the end."""
    kept, removed = [], []
    old, new = bar_of(before), bar_of(stage)
    for span, after in zip(old[:-1], new[:-1], strict=True):
        if trace.removed_by[span.row] == stage.rule:
            removed.append(span)
        else:
            kept.append((span, after))
    others = old[-1]
    removed_rows = sum(span.high - span.low for span in removed)
    lost = min(max(stage.removed_mass - removed_rows, 0.0), others.high - others.low)
    cut = others.high - lost
    kept.append((Span(OTHERS, others.low, cut), new[-1]))
    removed.append(Span(OTHERS, cut, others.high))
    return Flow(tuple(kept), tuple(span for span in removed if span.high > span.low))


def removed_rows(trace: StepTrace, stage: Stage) -> list[int]:
    """The rows that a rule removed, likeliest first."""
    return [row for row, rule in enumerate(trace.removed_by) if rule == stage.rule]


def active_stages(details: StepDetails) -> list[Stage]:
    """The stages that do something; the first, the model's own distribution, is always one of them."""
    return [stage for stage in details.stages if not stage.is_off]


def needle_place(trace: StepTrace, bar: tuple[Span, ...]) -> float:
    """Where u falls on the last bar: in the chosen token's piece, as far into it as u is into the interval it owns.

    On the line of the draw the tokens lie in drawing order; here a token that stands in the last row lies elsewhere.
    """
    chosen = bar[trace.ids.tolist().index(trace.chosen_id)]
    width = trace.draw_high - trace.draw_low
    share = (trace.draw_u - trace.draw_low) / width if width > 0 else 0.5
    return chosen.low + share * (chosen.high - chosen.low)
