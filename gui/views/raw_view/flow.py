"""From tokens to what a layout needs: texts, widths, names of what begins, and lines between what is read and what is not."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from gui.models.token_text import label_of
from gui.views.raw_view.chip import Chip, Kind
from gui.views.raw_view.layout import Flow
from gui.views.raw_view.painter import PADDING, ChipFonts

translate = QCoreApplication.translate  # under this name lupdate finds the texts

_NAMED_KINDS: tuple[Kind, ...] = ("system", "user", "answer")


class Texts:
    """The text of a chip, cut to fit, and its width; every different token is measured once."""

    def __init__(self, fonts: ChipFonts, has_ids: bool) -> None:
        self._fonts = fonts
        self._has_ids = has_ids
        self._known: dict[tuple[int, bytes], tuple[str, str, int]] = {}

    def of(self, chip: Chip) -> tuple[str, str]:
        """Its text, and the line under it."""
        return self._measured(chip)[:2]

    def width(self, chip: Chip) -> int:
        """Of the whole chip, in px."""
        return self._measured(chip)[2]

    def _measured(self, chip: Chip) -> tuple[str, str, int]:
        key = (chip.token_id, chip.token_bytes)
        known = self._known.get(key)
        if known is None:
            text, width = self._fonts.fit(label_of(chip.token_id, chip.token_bytes).text)
            number = str(chip.token_id) if self._has_ids else ""
            known = self._known[key] = (text, number, max(width, len(number) * self._fonts.digit_width) + 2 * PADDING)
        return known


def flow_of(chips: Sequence[Chip], texts: Texts, fonts: ChipFonts, limit: int) -> Flow:
    """The chips as a layout wants them. A name stands before the first chip of a message or of the system prompt."""
    tags = {kind: fonts.tag_width(kind) for kind in _NAMED_KINDS}
    dividers = _dividers(chips, limit)
    leads, starts_row = [], []
    kind_before, breaks = "", True
    for index, chip in enumerate(chips):
        leads.append(tags.get(chip.kind, 0) if chip.kind != kind_before or index in dividers else 0)
        starts_row.append(breaks or index in dividers)
        kind_before, breaks = chip.kind, b"\n" in chip.token_bytes
    return Flow([texts.width(chip) for chip in chips], leads, starts_row, dividers)


def _dividers(chips: Sequence[Chip], limit: int) -> dict[int, str]:
    """Lines where what fell out of the context begins and ends, and where the context is full."""
    lines = {}
    begin, was_forgotten = 0, False
    for index, chip in enumerate(chips):
        if chip.is_forgotten != was_forgotten:
            if was_forgotten:
                lines[index] = _forgotten_text(index - begin)
            elif index:
                lines[index] = translate("RawView", "What follows fell out of the context")
            begin, was_forgotten = index, chip.is_forgotten
        elif limit and chip.position == limit:
            lines[index] = translate("RawView", "The context ends here: {limit} tokens").format(limit=f"{limit:,}")
    return lines


def _forgotten_text(count: int) -> str:
    if count == 1:
        return translate("RawView", "↑ 1 token fell out: the model no longer sees it")
    return translate("RawView", "↑ {count} tokens fell out: the model no longer sees them").format(count=f"{count:,}")
