"""What a what-if says: would the choice have been another, and at which temperatures does it flip?"""

import math

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import label_of, percent
from gui.views.probability.stage_words import quoted
from gui.views.probability.words import chosen_bytes, cut_text
from inference.types import Flip, SamplingParams, StepTrace

translate = QCoreApplication.translate


def verdict(used: StepTrace, what_if: StepTrace) -> str:
    """Whether the choice would have been another, and the chosen token's chance under both settings."""
    if used.chosen_id < 0:
        return translate("WhatIfPage", "Nothing is chosen here yet: the rows show the new chances.")
    old = quoted(used.chosen_id, chosen_bytes(used))
    if math.isnan(used.draw_u) and math.isnan(what_if.draw_u) and used.chosen_id == what_if.chosen_id:
        return _chance(used, what_if, old)
    new = quoted(what_if.chosen_id, chosen_bytes(what_if))
    if used.chosen_id == what_if.chosen_id:
        text = translate("WhatIfPage", "The choice stays {token}.").format(token=old)
        return f"{text} {_chance(used, what_if, old)}"
    if math.isnan(what_if.draw_u):
        text = translate("WhatIfPage", "Temperature 0 would have taken {new} instead of {old}, without a draw.")
    else:
        text = translate("WhatIfPage", "This draw would have chosen {new} instead of {old}.")
    return text.format(new=new, old=old)


def flip_text(flip: Flip, *, is_above: bool) -> str:
    """A flip as a button says it."""
    return translate("WhatIfPage", "{temperature} {token}").format(
        temperature=_rounded_away(flip.temperature, is_above=is_above), token=label_of(flip.token_id, flip.token_bytes).text
    )


def flip_sentence(flip: Flip, *, is_above: bool) -> str:
    """A flip as a screen reader says it."""
    text = translate("WhatIfPage", "Try temperature {temperature}: the nearest below where the same draw takes another, {token}.")
    if is_above:
        text = translate(
            "WhatIfPage", "Try temperature {temperature}: the nearest above where the same draw takes another, {token}."
        )
    temperature = _rounded_away(flip.temperature, is_above=is_above)
    return text.format(temperature=temperature, token=quoted(flip.token_id, flip.token_bytes))


def no_flip_reason(trace: StepTrace) -> str:
    """Why a step flips at no temperature."""
    if trace.chosen_id < 0:
        return translate("WhatIfPage", "No choice yet.")
    if not math.isnan(trace.draw_u):
        return translate("WhatIfPage", "No temperature up to 100 changes this choice.")
    if trace.params.temperature == 0:
        return translate("WhatIfPage", "Temperature 0 draws nothing: no flip.")
    return translate("WhatIfPage", "Nothing was drawn here: no flip.")


def rounded(temperature: float) -> str:
    """A temperature in as few digits as a person needs."""
    return f"{temperature:.2f}" if temperature >= 0.1 else f"{temperature:.2g}"


def _rounded_away(temperature: float, *, is_above: bool) -> str:
    """A flip's temperature rounded away from the one used, so that the choice is another at the number read, too."""
    if temperature < 0.1:
        return rounded(temperature)
    return rounded((math.ceil if is_above else math.floor)(temperature * 100) / 100)


def settings_text(params: SamplingParams) -> str:
    """Settings in few words, for what was answered last while another answer is on its way."""
    parts = [f"T {rounded(params.temperature)}" if params.temperature else "T 0"]
    if params.top_k:
        parts.append(f"k {params.top_k:,}")
    if params.top_p < 1:
        parts.append(f"top-p {params.top_p:g}")
    if params.min_p > 0:
        parts.append(f"min-p {params.min_p:g}")
    return ", ".join(parts)


def _chance(used: StepTrace, what_if: StepTrace, token: str) -> str:
    text = translate("WhatIfPage", "The chance of {token}: {old} → {new}.")
    return text.format(token=token, old=_share(used), new=_share(what_if))


def _share(trace: StepTrace) -> str:
    """The chosen token's sampling probability, or the rule that left it none."""
    rows = trace.ids.tolist()
    rule = trace.removed_by[rows.index(trace.chosen_id)] if trace.chosen_id in rows else ""
    return cut_text(rule) if rule else percent(trace.chosen_sampling_prob)
