"""The words that several parts of the panel use, translated, and the sentences made of a whole trace."""

import math

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import choices, label_of, ordinal, percent
from gui.models.trace_rows import Row
from inference.types import RemovedBy, SamplingParams, StepTrace

RULES: tuple[RemovedBy, ...] = ("top-k", "top-p", "min-p", "temperature")
_WORD_JOINER = "\u2060"  # no width, no line break
translate = QCoreApplication.translate


def model_heading() -> str:
    """The name of the model probability, as a column heading."""
    return translate("ProbabilityPanel", "model")


def sampling_heading() -> str:
    """The name of the sampling probability, as a column heading."""
    return translate("ProbabilityPanel", "sampling")


def what_if_heading() -> str:
    """The name of the sampling probability under other settings, as a column heading."""
    return translate("ProbabilityPanel", "what if")


def take_word() -> str:
    """What is written on the button that takes a row."""
    return translate("ProbabilityPanel", "take")


def rule_name(rule: RemovedBy) -> str:
    """A rule's name; temperature removes tokens only at 0."""
    return translate("ProbabilityPanel", "T = 0") if rule == "temperature" else rule


def cut_text(rule: RemovedBy) -> str:
    """What stands in place of the sampling probability of a token that `rule` removed."""
    return translate("ProbabilityPanel", "cut by {rule}").format(rule=rule_name(rule))


def model_definition() -> str:
    """What the model probability is."""
    return translate(
        "ProbabilityPanel",
        "Model probability: what the model itself believes. "
        "Softmax of its raw output at temperature 1, over the whole vocabulary.",
    )


def sampling_definition() -> str:
    """What the sampling probability is."""
    return translate(
        "ProbabilityPanel",
        "Sampling probability: the chance with which a token is really drawn, after repetition penalty, temperature, "
        "top-k, top-p and min-p. Zero for a token that a rule removed.",
    )


def what_if_definition() -> str:
    """What the what-if probability is."""
    return translate(
        "ProbabilityPanel",
        "What if: the sampling probability under the settings of the What if page, made from the same model probabilities. "
        "The draw's number stays the same.",
    )


def settings_lines(trace: StepTrace) -> tuple[str, ...]:
    """Which two distributions the columns show, in one line; a longer and a shorter wording."""
    settings = _settings(trace.params)
    long = translate("ProbabilityPanel", "model at T 1, sampling at {settings}")
    return long.format(settings=settings), translate("ProbabilityPanel", "sampling at {settings}").format(settings=settings)


def what_if_lines(what_if: StepTrace) -> tuple[str, ...]:
    """Which distribution the second column shows while there is a what-if; as settings_lines."""
    settings = _settings(what_if.params)
    long = translate("ProbabilityPanel", "sampling as it was, what if {settings}")
    return long.format(settings=settings), translate("ProbabilityPanel", "what if {settings}").format(settings=settings)


def sentence(trace: StepTrace, token_characters: int) -> str:
    """What happened at this step, for a person who knows no statistics; the token cut to `token_characters`."""
    if trace.chosen_id < 0:
        return next_sentence(trace, token_characters)
    token = _quoted(trace.chosen_id, chosen_bytes(trace), token_characters)
    if not math.isnan(trace.draw_u):
        text = translate("ProbabilityPanel", "{uncertainty}; it drew {token}, its {place} guess.")
    elif trace.params.temperature > 0:
        text = translate("ProbabilityPanel", "{uncertainty}; the text goes on with {token}, its {place} guess.")
    elif trace.chosen_rank == 1:
        text = translate("ProbabilityPanel", "Temperature 0: the likeliest token, {token}, without a draw.")
    else:
        text = translate(
            "ProbabilityPanel",
            "Temperature 0: {token}, the likeliest after the repetition penalty, without a draw.",
        )
    return text.format(uncertainty=_uncertainty(trace), token=token, place=_place(trace.chosen_rank))


def next_sentence(trace: StepTrace, token_characters: int) -> str:
    """What will happen at a step whose token is not chosen yet: what the draw would take, if the trace says so."""
    if trace.chosen_id < 0:
        token = _quoted(int(trace.ids[0]), trace.token_bytes[0], token_characters)
        text = translate("ProbabilityPanel", "{uncertainty}; its first guess is {token}.")
    else:
        token = _quoted(trace.chosen_id, chosen_bytes(trace), token_characters)
        text = translate("ProbabilityPanel", "{uncertainty}; the draw falls on {token}, its {place} guess.")
    return text.format(uncertainty=_uncertainty_now(trace), token=token, place=_place(trace.chosen_rank))


def no_draw_reason(trace: StepTrace) -> str:
    """Why a trace has no draw."""
    if trace.chosen_id < 0:
        return translate("ProbabilityPanel", "No draw here yet.")
    if trace.params.temperature == 0:
        return translate("ProbabilityPanel", "Temperature 0: no draw.")
    return translate("ProbabilityPanel", "No draw: this token was given.")


def rank_of_vocabulary(rank: int, vocab_size: int) -> str:
    """A rank with what it is a rank among."""
    return translate("ProbabilityPanel", "{rank:,} of {size:,}").format(rank=rank, size=vocab_size)


def chosen_bytes(trace: StepTrace) -> bytes:
    """The bytes of the chosen token, which always has a row."""
    rows = trace.ids.tolist()
    return trace.token_bytes[rows.index(trace.chosen_id)] if trace.chosen_id in rows else b""


def row_description(row: Row, vocab_size: int) -> str:
    """One row as a sentence for a screen reader."""
    text = translate("ProbabilityPanel", "token {token}, model {model}, sampling {sampling}, rank {rank}").format(
        token=label_of(row.token_id, row.data).text,
        model=percent(row.model),
        sampling=_share(row.sampling, row.removed_by),
        rank=rank_of_vocabulary(row.rank, vocab_size),
    )
    if row.what_if_removed_by or not math.isnan(row.what_if):
        what_if = translate("ProbabilityPanel", ", what if {share}")
        text += what_if.format(share=_share(row.what_if, row.what_if_removed_by))
    if row.is_chosen:
        text += translate("ProbabilityPanel", ", chosen")
    if row.is_what_if_chosen and not row.is_chosen:
        text += translate("ProbabilityPanel", ", what if would choose it")
    return text


def _share(share: float, removed_by: RemovedBy) -> str:
    if removed_by:
        return cut_text(removed_by)
    return translate("ProbabilityPanel", "unknown") if math.isnan(share) else percent(share)


def _settings(params: SamplingParams) -> str:
    parts = [translate("ProbabilityPanel", "T {value:.2f}").format(value=params.temperature)]
    if params.top_k:
        parts.append(translate("ProbabilityPanel", "top-k {value:,}").format(value=params.top_k))
    if params.top_p < 1.0:
        parts.append(translate("ProbabilityPanel", "top-p {value:g}").format(value=params.top_p))
    if params.min_p > 0.0:
        parts.append(translate("ProbabilityPanel", "min-p {value:g}").format(value=params.min_p))
    if params.repetition_penalty != 1.0:
        parts.append(translate("ProbabilityPanel", "penalty {value:g}").format(value=params.repetition_penalty))
    return ", ".join(parts)


def _uncertainty(trace: StepTrace) -> str:
    if 2.0**trace.entropy_bits < 1.5:
        return translate("ProbabilityPanel", "The model was nearly certain")
    return translate("ProbabilityPanel", "The model chose between about {count} tokens").format(count=_whole_choices(trace))


def _uncertainty_now(trace: StepTrace) -> str:
    if 2.0**trace.entropy_bits < 1.5:
        return translate("ProbabilityPanel", "The model is nearly certain")
    return translate("ProbabilityPanel", "The model chooses between about {count} tokens").format(count=_whole_choices(trace))


def _whole_choices(trace: StepTrace) -> str:
    return choices(trace.entropy_bits) if 2.0**trace.entropy_bits >= 2.95 else "2"


def _place(rank: int) -> str:
    return translate("ProbabilityPanel", "first") if rank == 1 else ordinal(rank)


def _quoted(token_id: int, data: bytes, characters: int) -> str:
    label = label_of(token_id, data)
    text = label.text
    if len(text) > characters:
        text = text[: characters - 1] + "…"
    if label.kind == "special":  # a line would break after its bars
        text = _WORD_JOINER.join(text)
    return translate("ProbabilityPanel", "“{token}”").format(token=text)
