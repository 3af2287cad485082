"""The chain of conditional probabilities in words, down to chances that no per cent can hold."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import percent
from gui.views.probability.stage_words import quoted
from gui.views.probability.words import cut_text
from inference.types import AskedToken

translate = QCoreApplication.translate
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEAST_PERCENT = 1e-3  # below, a chance reads better as 1 in so many
_LEAST_ONE_IN = 1e-6  # below, only its power of ten tells something
_MOST_FACTORS = 3  # a longer chain shows its first two factors and its last


def chance(log2: float) -> str:
    """A probability given by its logarithm to base 2, so that a long chain does not vanish: per cent, 1 in N, or a power."""
    if math.log2(_LEAST_ONE_IN) <= log2 < math.log2(_LEAST_PERCENT):
        return translate("AskPage", "1 in {count:,.0f}").format(count=2.0**-log2).replace(" ", "\u00a0")
    return short_chance(log2)


def short_chance(log2: float) -> str:
    """The same in a narrow column: per cent or a power of ten."""
    if log2 == -math.inf or log2 >= math.log2(_LEAST_PERCENT):
        return percent(2.0**log2)
    log10 = log2 * math.log10(2.0)
    exponent = math.floor(log10)
    mantissa = round(10.0 ** (log10 - exponent), 1)
    if mantissa == 10.0:
        mantissa, exponent = 1.0, exponent + 1
    return f"{mantissa:.1f}×10{str(exponent).translate(_SUPERSCRIPTS)}"


def log2_of(probability: float) -> float:
    """The logarithm to base 2; minus infinity for 0."""
    return math.log2(probability) if probability > 0 else -math.inf


def chain_sentence(tokens: Sequence[AskedToken]) -> str:
    """What the model believes of the whole text: the product of its tokens' probabilities, each given those before it."""
    total = math.fsum(log2_of(token.numbers.model_prob) for token in tokens)
    surprise = translate("AskPage", "surprise {bits:.1f} bits").format(bits=-total + 0.0)
    if len(tokens) == 1:
        return f"P({_name(tokens[0])}) = {chance(total)}, {surprise}."
    shown = range(len(tokens)) if len(tokens) <= _MOST_FACTORS else (0, 1, len(tokens) - 1)
    names = [_factor(tokens, place) for place in shown]
    values = [chance(log2_of(tokens[place].numbers.model_prob)) for place in shown]
    if len(tokens) > _MOST_FACTORS:
        names.insert(2, "…")
        values.insert(2, "…")
    return f"{' × '.join(names)} = {' × '.join(values)} = {chance(total)}, {surprise}."


def drawn_sentence(tokens: Sequence[AskedToken]) -> str:
    """How likely the text is to be drawn with the settings of this step."""
    for token in tokens:
        if token.removed_by:
            text = translate("AskPage", "It could not be drawn: {token} is {cut}.")
            return text.format(token=_name(token), cut=cut_text(token.removed_by))
    total = math.fsum(log2_of(token.numbers.sampling_prob) for token in tokens)
    return translate("AskPage", "Chance to be drawn: {chance}.").format(chance=chance(total))


def _factor(tokens: Sequence[AskedToken], place: int) -> str:
    """One factor of the chain: what it is given is the token before it, or all of them."""
    if place == 0:
        return f"P({_name(tokens[0])})"
    given = _name(tokens[0]) if place == 1 else "…"
    return f"P({_name(tokens[place])} | {given})"


def _name(token: AskedToken) -> str:
    return quoted(token.token_id, token.token_bytes)
