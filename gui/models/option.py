"""What an option is: its name, its help, the values it takes, and how a value from anywhere is checked."""

import math
from dataclasses import dataclass
from decimal import Decimal

from PySide6.QtCore import QCoreApplication

translate = QCoreApplication.translate  # under this name lupdate finds the texts
FRACTION_DIGITS = 4  # fractions are kept to this many digits, so that 0.1 + 0.6 is 0.7 in the file and on screen


def translated(text: str) -> str:
    """A declared text in the user's language; texts are marked with QT_TRANSLATE_NOOP("settings", ...)."""
    return translate("settings", text) if text else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A page of the settings dialog. `waits_for_answer`: what changes on it applies from the next answer on."""

    key: str
    title: str
    intro: str = ""
    waits_for_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `key` is the name of its field in Settings; `group` "" keeps it out of the dialog.

    `needs` is (key, value): the option only matters while that other option has that value.
    """

    default: object
    key: str = ""
    group: str = ""
    label: str = ""  # with a mnemonic, unique on its page
    help: str = ""
    needs: tuple[str, object] | None = None

    @property
    def title(self) -> str:
        """The label in the user's language, without its mnemonic."""
        return translated(self.label).replace("&", "")

    def check(self, value: object) -> object:
        """The value in its exact form; raises ValueError, whose text completes "it must be …"."""
        raise NotImplementedError

    def describe(self, value: object) -> str:
        """A value as the user reads it."""
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOption(Option):
    """A number from `minimum` to `maximum`; whole if its default is.

    `special_text` is shown in place of `special_value`. `is_curved` gives small values more of the slider,
    `has_slider` False leaves it out. `draw_text` names a button that picks a value by chance.
    """

    default: int | float
    minimum: int | float
    maximum: int | float
    step: int | float
    unit: str = ""
    special_value: int | float | None = None
    special_text: str = ""
    has_slider: bool = True
    is_curved: bool = False
    draw_text: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether only integers are allowed."""
        return isinstance(self.default, int)

    @property
    def step_digits(self) -> int:
        """Digits behind the point that a step needs."""
        return max(0, -int(Decimal(str(self.step)).normalize().as_tuple().exponent))

    def exact(self, value: float) -> int | float:
        """The value without noise from binary fractions."""
        return round(value) if self.is_whole else round(float(value), FRACTION_DIGITS) + 0.0  # + 0.0: no -0.0

    def check(self, value: object) -> int | float:
        """See Option."""
        kinds = (int,) if self.is_whole else (int, float)
        if isinstance(value, kinds) and not isinstance(value, bool) and self.minimum <= value <= self.maximum:  # false for NaN
            return self.exact(value)
        kind = translate("settings", "a whole number") if self.is_whole else translate("settings", "a number")
        limits = translate("settings", "{kind} from {low} to {high}")
        raise ValueError(limits.format(kind=kind, low=self.format(self.minimum), high=self.format(self.maximum)))

    def format(self, value: float) -> str:
        """The bare number: all the digits of a step, more only where the value has them."""
        if self.is_whole:
            return str(round(value))
        whole, _, fraction = f"{value:.{FRACTION_DIGITS}f}".partition(".")
        return f"{whole}.{fraction.rstrip('0').ljust(self.step_digits, '0')}"

    def describe(self, value: object) -> str:
        """See Option."""
        return translated(self.special_text) if value == self.special_value else self.format(value)

    def stops(self) -> tuple[int | float, ...]:
        """The values a slider stops at, rising: every step, or two significant digits where it is curved."""
        count = math.floor((self.maximum - self.minimum) / self.step + 0.5)
        if not self.is_curved:
            return tuple(self.exact(self.minimum + i * self.step) for i in range(count + 1))
        stops, steps = [], 0
        while steps < count:
            stops.append(self.exact(self.minimum + steps * self.step))
            steps += 10 ** max(0, len(str(steps)) - 2)
        return (*stops, self.exact(self.maximum))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceOption(Option):
    """One of a few words, each with the text that shows it."""

    default: str
    choices: tuple[tuple[str, str], ...]

    def check(self, value: object) -> str:
        """See Option."""
        words = [word for word, _ in self.choices]
        if isinstance(value, str) and value in words:
            return value
        raise ValueError(translate("settings", "one of {words}").format(words=", ".join(f'"{word}"' for word in words)))

    def describe(self, value: object) -> str:
        """See Option."""
        return translated(dict(self.choices)[value])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOption(Option):
    """Text of at most `max_characters`; `rows` lines of it are in sight."""

    default: str = ""
    max_characters: int = 20_000
    rows: int = 6

    def check(self, value: object) -> str:
        """See Option. Every kind of line end becomes \\n; control characters and lone surrogates are left out."""
        if isinstance(value, str) and len(value) <= self.max_characters:
            return self.clean(value)
        raise ValueError(translate("settings", "text of at most {count} characters").format(count=f"{self.max_characters:,}"))

    @staticmethod
    def clean(text: str) -> str:
        """See `check`."""
        for line_end in ("\r\n", "\r", "\u2028", "\u2029"):
            text = text.replace(line_end, "\n")
        return "".join(c for c in text if c in "\n\t" or not (c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff"))

    def describe(self, value: object) -> str:
        """See Option."""
        return f'"{value}"' if value else translate("settings", "no text")
