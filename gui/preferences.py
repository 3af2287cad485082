"""The settings as the window sees them: changes are saved, and those who care are told."""

from PySide6.QtCore import QObject, Signal, Slot

from gui.models.settings import Settings
from gui.settings import SettingsError, SettingsStore


class Preferences(QObject):
    """Wraps the store; a change applies even where it cannot be saved."""

    changed = Signal(object)  # frozenset[str]: the keys whose values changed
    save_failed = Signal(str)

    def __init__(self, store: SettingsStore, parent: QObject | None = None):
        super().__init__(parent)
        self._store = store

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._store.settings

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the settings file, a sentence each."""
        return tuple(self._store.notes)

    def current(self) -> Settings:
        """The settings in force, for those who must ask each time."""
        return self._store.settings

    @Slot(dict)
    def update(self, changes: dict[str, object]) -> None:
        """Change values by key, save, tell."""
        before = self._store.settings
        try:
            self._store.update(**changes)
        except SettingsError as error:
            self.save_failed.emit(str(error))
        after = self._store.settings
        keys = frozenset(key for key in changes if getattr(before, key) != getattr(after, key))
        if keys:
            self.changed.emit(keys)

    @Slot(float)
    def set_temperature(self, value: float) -> None:
        """Shorthand for the slider in the panel."""
        self.update({"temperature": value})
