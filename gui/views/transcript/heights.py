"""The heights of stacked rows, and which row lies where."""

from bisect import bisect_right
from itertools import accumulate


class Heights:
    """Row heights in pixels below a first row's `offset`; positions are computed when asked for."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._ends: list[int] | None = []
        self.offset = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> int:
        return self._rows[row]

    def __setitem__(self, row: int, height: int) -> None:
        if self._rows[row] == height:
            return
        if self._ends and row == len(self._rows) - 1:  # the usual case, a growing answer, stays cheap
            self._ends[-1] += height - self._rows[row]
        else:
            self._ends = None
        self._rows[row] = height

    def append(self, height: int) -> None:
        """Add a row at the end."""
        if self._ends is not None:
            self._ends.append((self._ends[-1] if self._ends else 0) + height)
        self._rows.append(height)

    def cut(self, count: int) -> None:
        """Keep the first `count` rows."""
        del self._rows[count:]
        if self._ends is not None:
            del self._ends[count:]

    def clear(self) -> None:
        """Remove all rows."""
        self._rows.clear()
        self._ends = []

    def top(self, row: int) -> int:
        """Where a row begins."""
        return self.offset + (self._row_ends()[row - 1] if row > 0 else 0)

    @property
    def total(self) -> int:
        """Where the last row ends."""
        return self.top(len(self._rows))

    def rows_between(self, top: int, bottom: int) -> range:
        """The rows that have a part between two heights."""
        if bottom <= self.offset:
            return range(0)
        ends = self._row_ends()
        first = bisect_right(ends, top - self.offset)
        last = bisect_right(ends, bottom - self.offset - 1)
        return range(first, min(last + 1, len(ends)))

    def _row_ends(self) -> list[int]:
        if self._ends is None:
            self._ends = list(accumulate(self._rows))
        return self._ends
