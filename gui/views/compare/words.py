"""What the comparison says: temperatures, states and numbers in words."""

from PySide6.QtCore import QCoreApplication

from inference.types import FinishReason

translate = QCoreApplication.translate  # under this name lupdate finds the texts

DASH = "–"
_LONGEST_START = 220  # characters of the shared beginning that are shown


def temperature_text(temperature: float) -> str:
    """A temperature with as many digits as it has."""
    return f"{temperature:.4g}"


def note_of(temperature: float) -> str:
    """What a temperature does to the model's probabilities, in a few words."""
    if temperature == 0:
        return translate("CompareDialog", "the likeliest after penalties")
    if temperature == 1:
        return translate("CompareDialog", "as the model believes")
    if temperature < 1:
        return translate("CompareDialog", "sharper than the model")
    return translate("CompareDialog", "flatter than the model")


def reason_text(reason: FinishReason) -> str:
    """How a column ended."""
    texts = {
        "end": translate("CompareDialog", "ended by itself"),
        "stop": translate("CompareDialog", "ended at a stop text"),
        "length": translate("CompareDialog", "full length"),
        "context": translate("CompareDialog", "context is full"),
        "cancelled": translate("CompareDialog", "stopped"),
    }
    return texts[reason]


def bits_text(bits: float | None) -> str:
    """A mean in bits."""
    return DASH if bits is None else translate("CompareDialog", "{bits} bits").format(bits=f"{bits:.2f}")


def shared_text(shared: int, length: int, has_left: bool) -> str:
    """How far a column agrees with the one to its left."""
    if not has_left or not length:
        return DASH
    if shared == length:
        return translate("CompareDialog", "all")
    return (
        translate("CompareDialog", "first {count}").format(count=f"{shared:,}") if shared else translate("CompareDialog", "none")
    )


def start_text(text: str) -> str:
    """The end of the shared beginning, in one paragraph."""
    words = " ".join(text.split())
    if not words:
        return translate("CompareDialog", "From the very beginning")
    return "…" + words[-_LONGEST_START:] if len(words) > _LONGEST_START else words
