"""The stages of the path in words: names, values, and a full sentence for each."""

import math

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import choices, label_of, percent
from gui.views.probability.stage_flow import removed_rows
from gui.views.probability.words import RULES, chosen_bytes, no_draw_reason
from inference.types import SamplingParams, Stage, StageRule, StepTrace

translate = QCoreApplication.translate
_NAMED = 3  # removed tokens that a sentence names
_LONGEST_NAME = 20


def rule_name(rule: StageRule) -> str:
    """The name of a rule, in one word."""
    names = {
        "model": translate("PathPage", "model"),
        "penalty": translate("PathPage", "penalty"),
        "temperature": translate("PathPage", "temperature"),
    }
    return names.get(rule, rule)


def rule_value(rule: StageRule, params: SamplingParams) -> str:
    """The value that a rule was given; the model's own distribution is the one at temperature 1."""
    values = {
        "model": "T 1",
        "penalty": f"÷ {params.repetition_penalty:g}",
        "temperature": f"T {params.temperature:g}",
        "top-k": f"k {params.top_k:,}",
        "top-p": f"p {params.top_p:g}",
        "min-p": f"p {params.min_p:g}",
    }
    return values[rule]


def choice_name(trace: StepTrace) -> str:
    """What the last line of the path is called."""
    if trace.chosen_id < 0:
        return translate("PathPage", "no choice")
    if not math.isnan(trace.draw_u):
        return translate("PathPage", "drawn")
    return translate("PathPage", "taken") if is_taken(trace) else translate("PathPage", "read")


def is_taken(trace: StepTrace) -> bool:
    """Whether the token was taken without a draw, because temperature 0 left no other."""
    return trace.params.temperature == 0 and trace.chosen_sampling_prob == 1.0


def quoted(token_id: int, data: bytes) -> str:
    """A token as a sentence names it."""
    text = label_of(token_id, data).text
    text = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    return translate("PathPage", "“{token}”").format(token=text)


def stage_sentence(stage: Stage, trace: StepTrace) -> str:
    """What a rule does, and what it did here."""
    parts = [_rule_sentence(stage.rule, trace.params)]
    if stage.is_off:
        parts.append(_idle_sentence(stage.rule, trace.params))
        return " ".join(parts)
    if stage.rule != "model":
        parts.append(_effect(stage, trace))
    parts.append(_entropy(stage))
    return " ".join(parts)


def choice_sentence(trace: StepTrace) -> str:
    """How the token came about in the end."""
    if trace.chosen_id < 0:
        return no_draw_reason(trace)
    token = quoted(trace.chosen_id, chosen_bytes(trace))
    if not math.isnan(trace.draw_u):
        text = translate(
            "PathPage", "The draw u = {u:.4f} falls into the piece of {token}, from {low:.4f} to {high:.4f}: it is chosen."
        )
        return text.format(u=trace.draw_u, token=token, low=trace.draw_low, high=trace.draw_high)
    if is_taken(trace):
        return translate("PathPage", "Temperature 0 left only {token}: it is taken without a draw.").format(token=token)
    if trace.chosen_sampling_prob == 0:
        text = translate("PathPage", "Nothing was drawn: {token} was already there. The rules would have left it no chance.")
    else:
        text = translate("PathPage", "Nothing was drawn: {token} was already there. A draw would have chosen it with {share}.")
    return text.format(token=token, share=percent(trace.chosen_sampling_prob))


def _rule_sentence(rule: StageRule, params: SamplingParams) -> str:
    sentences = {
        "model": translate("PathPage", "What the model itself believes, over its whole vocabulary."),
        "penalty": translate("PathPage", "The repetition penalty makes tokens that already occurred less likely."),
        "temperature": _temperature_sentence(params.temperature),
        "top-k": translate("PathPage", "Top-k keeps the k likeliest tokens."),
        "top-p": translate("PathPage", "Top-p keeps the smallest set of likeliest tokens whose probabilities reach p."),
        "min-p": translate("PathPage", "Min-p keeps tokens with at least that part of the largest probability."),
    }
    return sentences[rule]


def _temperature_sentence(temperature: float) -> str:
    if temperature == 0:
        return translate("PathPage", "Temperature 0 keeps the likeliest token only.")
    if temperature < 1:
        return translate("PathPage", "Temperature {value:g} makes likely tokens likelier.").format(value=temperature)
    if temperature > 1:
        return translate("PathPage", "Temperature {value:g} makes unlikely tokens likelier.").format(value=temperature)
    return translate("PathPage", "Temperature 1 leaves the probabilities as they are.")


def _idle_sentence(rule: StageRule, params: SamplingParams) -> str:
    switched_off = {
        "penalty": params.repetition_penalty == 1.0,
        "top-k": params.top_k == 0,
        "top-p": params.top_p == 1.0,
        "min-p": params.min_p == 0.0,
    }
    if switched_off.get(rule, False):
        return translate("PathPage", "It is switched off.")
    return translate("PathPage", "It changes nothing here.")


def _effect(stage: Stage, trace: StepTrace) -> str:
    if not stage.removed_count and stage.rule in RULES and stage.rule != "temperature":
        return translate("PathPage", "Here it removed nothing.")
    if not stage.removed_count:
        return translate("PathPage", "It moved {share} of the probability.").format(share=percent(stage.moved_mass))
    text = translate("PathPage", "It removed 1 token, with {share} of the probability{named}.")
    if stage.removed_count != 1:
        text = translate("PathPage", "It removed {count:,} tokens, with {share} of the probability{named}.")
    return text.format(count=stage.removed_count, share=percent(stage.removed_mass), named=_named(stage, trace))


def _named(stage: Stage, trace: StepTrace) -> str:
    """The likeliest tokens that a rule removed, as far as the trace has rows for them."""
    rows = removed_rows(trace, stage)[:_NAMED]
    if not rows:
        return ""
    names = ", ".join(quoted(int(trace.ids[row]), trace.token_bytes[row]) for row in rows)
    if len(rows) == stage.removed_count:
        return translate("PathPage", ": {tokens}").format(tokens=names)
    return translate("PathPage", ", the likeliest {tokens}").format(tokens=names)


def _entropy(stage: Stage) -> str:
    text = translate("PathPage", "1 token is left, entropy {bits:.1f} bits.")
    if stage.kept_count != 1:
        text = translate("PathPage", "{count:,} tokens are left, entropy {bits:.1f} bits ≈ {choices} choices.")
    return text.format(count=stage.kept_count, bits=stage.entropy_bits + 0.0, choices=choices(stage.entropy_bits))
