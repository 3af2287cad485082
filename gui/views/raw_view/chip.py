"""One token as the raw view shows it, and what can be said of it in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import hex_bytes, label_of

translate = QCoreApplication.translate  # under this name lupdate finds the texts

Kind = Literal["special", "template", "system", "user", "answer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST_BYTES = 64


@dataclass(frozen=True, slots=True)
class Chip:
    """A token at a position of the context; position None: it is not in the context, as is every forgotten one."""

    position: int | None
    token_id: int
    token_bytes: bytes
    kind: Kind
    is_forgotten: bool = False


def kind_name(kind: Kind) -> str:
    """A kind, in a word."""
    names = {
        "special": translate("RawView", "special"),
        "template": translate("RawView", "template"),
        "system": translate("RawView", "system"),
        "user": translate("RawView", "user"),
        "answer": translate("RawView", "answer"),
    }
    return names[kind]


def describe(chip: Chip, *, is_held: bool = False) -> str:
    """Everything about a chip, in one line."""
    data = hex_bytes(chip.token_bytes[:_MOST_BYTES]) + (" …" if len(chip.token_bytes) > _MOST_BYTES else "")
    parts = [
        label_of(chip.token_id, chip.token_bytes).text,
        translate("RawView", "id {id}").format(id=chip.token_id),
        translate("RawView", "bytes {bytes}").format(bytes=data) if data else translate("RawView", "no bytes"),
        _place(chip),
        kind_name(chip.kind),
    ]
    if is_held:
        parts.append(translate("RawView", "held in the panel"))
    return " · ".join(parts)


def ids_text(chips: Sequence[Chip]) -> str:
    """The ids, as other programs read them."""
    return ", ".join(str(chip.token_id) for chip in chips)


def _place(chip: Chip) -> str:
    if chip.is_forgotten:
        return translate("RawView", "no longer in the context")
    if chip.position is None:
        return translate("RawView", "not in the context")
    return translate("RawView", "position {position}").format(position=f"{chip.position:,}")
