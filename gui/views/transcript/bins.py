"""Any number of values in a limited number of bins, each with its highest value; adding one costs the same at any length."""

NOTHING = -1.0  # of a bin whose values are all unknown


class Bins:
    """At most `limit` bins of `size` values; the size is 1 or doubles as often as needed. Values are at least 0."""

    def __init__(self, limit: int):
        self._limit = max(1, limit)
        self.size = 1
        self.count = 0
        self.highest: list[float] = []

    def add(self, value: float | None) -> None:
        """Add one value behind all others; None where it is not known."""
        if self.count == self.size * self._limit:
            self._double()
        known = NOTHING if value is None else value
        if self.count % self.size == 0:
            self.highest.append(known)
        else:
            self.highest[-1] = max(self.highest[-1], known)
        self.count += 1

    def values_of(self, index: int) -> range:
        """Which values are in a bin."""
        return range(index * self.size, min(self.count, (index + 1) * self.size))

    def _double(self) -> None:
        self.size *= 2
        self.highest = [max(self.highest[at : at + 2]) for at in range(0, len(self.highest), 2)]
