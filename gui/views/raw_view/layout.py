"""Where tens of thousands of chips stand: rows of equal height, worked out once for a width."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CHIP_GAP = 4  # px between two chips of a row


@dataclass(frozen=True, slots=True)
class Flow:
    """What does not depend on the width of the view; lengths in px.

    `leads[i]` is room before chip i (for a name of what begins there), `starts_row[i]` puts it into a new row, and a chip
    in `dividers` has a row with that text before its own.
    """

    widths: Sequence[int] = ()
    leads: Sequence[int] = ()
    starts_row: Sequence[bool] = ()
    dividers: Mapping[int, str] = field(default_factory=dict)


class ChipLayout:
    """Left edges of all chips, and the first chip of every row; a divider is a row without chips."""

    def __init__(self, flow: Flow, left: int, right: int) -> None:
        self._flow = flow
        self.lefts: list[int] = []
        self.row_starts: list[int] = []
        self.divider_rows: dict[int, str] = {}
        x = right + 1
        for index, (width, lead, starts) in enumerate(zip(flow.widths, flow.leads, flow.starts_row, strict=True)):
            if starts or x + lead + width > right:
                if index in flow.dividers:
                    self.divider_rows[len(self.row_starts)] = flow.dividers[index]
                    self.row_starts.append(index)
                self.row_starts.append(index)
                x = left
            self.lefts.append(x + lead)
            x += lead + width + CHIP_GAP

    @property
    def row_count(self) -> int:
        """Rows, dividers included."""
        return len(self.row_starts)

    def row_of(self, chip: int) -> int:
        """The row a chip is in."""
        return bisect_right(self.row_starts, chip) - 1

    def chips_of(self, row: int) -> range:
        """The chips of a row; none in a divider."""
        end = self.row_starts[row + 1] if row + 1 < len(self.row_starts) else len(self.lefts)
        return range(self.row_starts[row], end)

    def chip_at(self, row: int, x: float) -> int | None:
        """The chip of a row that covers x, if one does."""
        chip = self._last_from_left(row, x)
        return chip if chip is not None and self.lefts[chip] <= x < self.lefts[chip] + self._flow.widths[chip] else None

    def nearest(self, row: int, x: float) -> int | None:
        """The chip of a row whose middle is nearest to x; None in a divider."""
        return min(self.chips_of(row), key=lambda chip: abs(self.lefts[chip] + self._flow.widths[chip] / 2 - x), default=None)

    def _last_from_left(self, row: int, x: float) -> int | None:
        chips = self.chips_of(row)
        place = bisect_right(self.lefts, x, chips.start, chips.stop) - 1
        return place if place >= chips.start else None
