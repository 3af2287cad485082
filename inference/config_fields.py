"""Reading single values of a config.json that nobody vouches for: every value is checked for type and range when read."""

from collections.abc import Mapping

from inference.errors import CheckpointError

LARGEST_COUNT = 1 << 24


class ConfigFields:
    """The fields of one JSON object; a reader raises CheckpointError naming field and value. null counts as absent."""

    def __init__(self, values: Mapping[str, object], path: str = ""):
        self._values = values
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the field is written at all, even as null."""
        return name in self._values

    def integer(self, name: str, default: int | None = None) -> int:
        """A count from 1 to 16,777,216; required when there is no default."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_COUNT:
            raise self._wrong(name, value, f"a whole number from 1 to {LARGEST_COUNT:,} is needed")
        return value

    def optional_integer(self, name: str) -> int | None:
        """As `integer`; None where the field is absent or null."""
        return None if self._values.get(name) is None else self.integer(name)

    def number(self, name: str, default: float | None = None, *, low: float = 0.0, high: float) -> float:
        """A finite number above `low` and at most `high`."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:  # false for NaN too
            raise self._wrong(name, value, f"a number above {low:g} and at most {high:g} is needed")
        return float(value)

    def switch(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false is needed")
        return value

    def word(self, name: str, default: str | None = None) -> str:
        """A text."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value, "a text is needed")
        return value

    def section(self, name: str) -> "ConfigFields | None":
        """A nested object; None where there is none."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object is needed")
        return ConfigFields(value, f"{self._path}{name}.")

    def require(self, name: str, default: object, reason: str) -> None:
        """Raise unless the field is absent or holds `default`, the only value that is supported."""
        value = self._get(name, default)
        if value != default:
            raise self._wrong(name, value, reason)

    def _get(self, name: str, default: object) -> object:
        value = self._values.get(name)
        if value is None:
            value = default
        if value is None:
            raise CheckpointError(f"config.json does not say {self._path}{name}, which is needed.")
        return value

    def _wrong(self, name: str, value: object, reason: str) -> CheckpointError:
        return CheckpointError(f"config.json gives {self._path}{name} as {clip(repr(value))}; {reason}.")


def clip(text: str, limit: int = 80) -> str:
    """The text, cut to a length that fits an error message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
