"""The words that several parts of the panel use, translated, and the sentences made of a whole trace."""

import math

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import choices, label_of, ordinal, percent
from inference.types import RemovedBy, StepTrace

RULES: tuple[RemovedBy, ...] = ("top-k", "top-p", "min-p", "temperature")
_WORD_JOINER = "\u2060"  # no width, no line break
translate = QCoreApplication.translate


def model_heading() -> str:
    """The name of the model probability, as a column heading."""
    return translate("ProbabilityPanel", "model")


def sampling_heading() -> str:
    """The name of the sampling probability, as a column heading."""
    return translate("ProbabilityPanel", "sampling")


def cut_text(rule: RemovedBy) -> str:
    """What stands in place of the sampling probability of a token that `rule` removed."""
    return translate("ProbabilityPanel", "cut by {rule}").format(
        rule=translate("ProbabilityPanel", "T = 0") if rule == "temperature" else rule
    )


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


def settings_line(trace: StepTrace) -> str:
    """Which two distributions the columns show, in one line."""
    params = trace.params
    parts = [translate("ProbabilityPanel", "T {value:.2f}").format(value=params.temperature)]
    if params.top_k:
        parts.append(translate("ProbabilityPanel", "top-k {value:,}").format(value=params.top_k))
    if params.top_p < 1.0:
        parts.append(translate("ProbabilityPanel", "top-p {value:g}").format(value=params.top_p))
    if params.min_p > 0.0:
        parts.append(translate("ProbabilityPanel", "min-p {value:g}").format(value=params.min_p))
    if params.repetition_penalty != 1.0:
        parts.append(translate("ProbabilityPanel", "penalty {value:g}").format(value=params.repetition_penalty))
    return translate("ProbabilityPanel", "model at T 1, sampling at {settings}").format(settings=", ".join(parts))


def sentence(trace: StepTrace, token_characters: int) -> str:
    """What happened at this step, for a person who knows no statistics; the token cut to `token_characters`."""
    if trace.chosen_id < 0:
        first = _quoted(int(trace.ids[0]), trace.token_bytes[0], token_characters)
        return translate("ProbabilityPanel", "{uncertainty}; its first guess is {token}.").format(
            uncertainty=_uncertainty(trace), token=first
        )
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


def no_draw_reason(trace: StepTrace) -> str:
    """Why a trace has no draw."""
    if trace.chosen_id < 0:
        return translate("ProbabilityPanel", "No draw here yet.")
    if trace.params.temperature == 0:
        return translate("ProbabilityPanel", "Temperature 0: no draw.")
    return translate("ProbabilityPanel", "No draw: this text was already there.")


def rank_of_vocabulary(rank: int, vocab_size: int) -> str:
    """A rank with what it is a rank among."""
    return translate("ProbabilityPanel", "{rank:,} of {size:,}").format(rank=rank, size=vocab_size)


def chosen_bytes(trace: StepTrace) -> bytes:
    """The bytes of the chosen token, which always has a row."""
    rows = trace.ids.tolist()
    return trace.token_bytes[rows.index(trace.chosen_id)] if trace.chosen_id in rows else b""


def row_description(trace: StepTrace, row: int) -> str:
    """One row as a sentence for a screen reader."""
    removed_by = trace.removed_by[row]
    sampling = cut_text(removed_by) if removed_by else percent(float(trace.sampling_probs[row]))
    token_id = int(trace.ids[row])
    text = translate("ProbabilityPanel", "token {token}, model {model}, sampling {sampling}, rank {rank}").format(
        token=label_of(token_id, trace.token_bytes[row]).text,
        model=percent(float(trace.model_probs[row])),
        sampling=sampling,
        rank=rank_of_vocabulary(int(trace.ranks[row]), trace.vocab_size),
    )
    return text + (translate("ProbabilityPanel", ", chosen") if token_id == trace.chosen_id else "")


def _uncertainty(trace: StepTrace) -> str:
    if 2.0**trace.entropy_bits < 1.5:
        return translate("ProbabilityPanel", "The model was nearly certain")
    count = choices(trace.entropy_bits) if 2.0**trace.entropy_bits >= 2.95 else "2"
    return translate("ProbabilityPanel", "The model chose between about {count} tokens").format(count=count)


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
