"""What is known of one column: its tokens, their means, and how far they are those of the column to its left."""

from inference.types import TokenNumbers


class Tally:
    """Grows token by token; every method costs the same however long the column is."""

    def __init__(self, left: "Tally | None" = None) -> None:
        self._left = left
        self._ids: list[int] = []
        self._numbered = 0
        self._surprise_bits = 0.0
        self._entropy_bits = 0.0
        self.is_over = False
        self.shared = 0  # tokens from the first on that are those of the column to the left
        self.has_parted = left is None

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, token_id: int, numbers: TokenNumbers | None) -> None:
        """One more token."""
        self._ids.append(token_id)
        if numbers is not None:
            self._numbered += 1
            self._surprise_bits += numbers.surprise_bits
            self._entropy_bits += numbers.entropy_bits

    @property
    def mean_surprise_bits(self) -> float | None:
        """Of the tokens with numbers; None before the first."""
        return self._surprise_bits / self._numbered if self._numbered else None

    @property
    def mean_entropy_bits(self) -> float | None:
        """Of the tokens with numbers; None before the first."""
        return self._entropy_bits / self._numbered if self._numbered else None

    def settle(self) -> int:
        """How many tokens can be told to be shared or not: all, unless the column to the left has not come so far."""
        left = self._left
        while not self.has_parted and self.shared < len(self._ids):
            if self.shared < len(left):
                self.has_parted = self._ids[self.shared] != left._ids[self.shared]
                self.shared += not self.has_parted
            elif left.is_over:
                self.has_parted = True
            else:
                return self.shared
        return len(self._ids)
