"""The settings file: TOML that a person can read and edit, checked when read, replaced as a whole when written."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import tomlkit
from PySide6.QtCore import QCoreApplication
from tomlkit.exceptions import TOMLKitError

from gui.models.option import Option
from gui.models.settings import OPTIONS, Settings

translate = QCoreApplication.translate  # under this name lupdate finds the texts

MAX_FILE_BYTES = 1 << 18
HEADER = "Settings of Glassbox. What is not written here has its default."
SHOWN_CHARACTERS = 40  # of a bad value, in a note


class SettingsError(Exception):
    """A change cannot be made or saved; the text is a sentence fit to show."""


class _UnusableFileError(Exception):
    """There is a settings file that cannot be read; the text says why."""


class SettingsStore:
    """The settings in force, and the file they are kept in.

    `notes` are sentences about what was wrong with the file. Comments and keys that are not ours stay in the file;
    only values that differ from their default are written.
    """

    def __init__(self, path: Path):
        self._path = Path(os.path.realpath(path))  # a link to the file stays a link
        self._options = {option.key: option for option in OPTIONS}
        self.settings = Settings()
        self.notes: list[str] = []
        self._load()

    def update(self, **changes: object) -> None:
        """Change values by key and save.

        Raises SettingsError for a value out of range (nothing changes) and for a failed save (the new values apply).
        """
        changed = replace(self.settings, **{key: self._checked(key, value) for key, value in changes.items()})
        if changed != self.settings:
            self.settings = changed
            self._save()

    def reset(self, keys: Iterable[str]) -> None:
        """Give these options their default, and save; raises SettingsError as `update` does."""
        self.update(**{key: self._options[key].default for key in keys})

    def _checked(self, key: str, value: object) -> object:
        try:
            return self._options[key].check(value)
        except ValueError as error:
            text = translate("settings", "{key} cannot be {value}: it must be {rule}.")
            raise SettingsError(text.format(key=key, value=_shown(value), rule=error)) from error

    def _load(self) -> None:
        try:
            values = self._read().unwrap()
        except FileNotFoundError:
            return
        except _UnusableFileError as error:
            self.notes.append(self._unusable_note(str(error)))
            return
        good = {}
        for key, value in values.items():
            if key in self._options:
                self._take(self._options[key], value, good)
            else:
                text = translate("settings", "{file}: {key} is not a setting that this version knows; it is left as it is.")
                self.notes.append(text.format(file=self._path.name, key=_shown(key)))
        self.settings = Settings(**good)

    def _take(self, option: Option, value: object, good: dict[str, object]) -> None:
        try:
            good[option.key] = option.check(value)
        except ValueError as error:
            text = translate("settings", "{file}: {key} is {value}; it must be {rule}. The default is used: {default}.")
            default = option.describe(option.default)
            self.notes.append(text.format(file=self._path.name, key=option.key, value=_shown(value), rule=error, default=default))

    def _read(self) -> tomlkit.TOMLDocument:
        """The file as it is now; raises FileNotFoundError or _UnusableFileError.

        One parser serves reading and writing: unlike the standard library's, it also limits how deep keys nest.
        """
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise _UnusableFileError(
                    translate("settings", "it is larger than {count} bytes").format(count=f"{MAX_FILE_BYTES:,}")
                )
            return tomlkit.parse(data.decode("utf-8-sig"))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _UnusableFileError(error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise _UnusableFileError(translate("settings", "it is not text")) from error
        except (TOMLKitError, ValueError, RecursionError) as error:
            raise _UnusableFileError(str(error)) from error

    def _unusable_note(self, reason: str) -> str:
        text = translate("settings", "The settings file could not be read ({reason}), so every setting has its default.")
        note = text.format(reason=reason)
        try:
            kept = translate("settings", "The file was kept as {path}.").format(path=self._set_aside())
        except OSError:
            kept = translate("settings", "It is still {path}.").format(path=self._path)
        return f"{note} {kept}"

    def _set_aside(self) -> Path:
        """Rename a file that cannot be read to the first free name, so that nothing is lost."""
        names = (f"{self._path.name}.broken{suffix}" for suffix in itertools.chain([""], itertools.count(2)))
        kept = next(path for path in map(self._path.with_name, names) if not os.path.lexists(path))
        return self._path.rename(kept)

    def _save(self) -> None:
        try:
            text = self._merged()
            if len(text.encode()) > MAX_FILE_BYTES:
                raise OSError(
                    translate("settings", "they would take more than {count} bytes").format(count=f"{MAX_FILE_BYTES:,}")
                )
            write_atomically(self._path, text)
        except OSError as error:
            sentence = translate(
                "settings", "The settings could not be saved in {path} ({reason}). They apply until Glassbox is closed."
            )
            raise SettingsError(sentence.format(path=self._path, reason=error.strerror or str(error))) from error

    def _merged(self) -> str:
        """The file's text with our values in it: what is at its default leaves, everything else stays."""
        try:
            document = self._read()
        except FileNotFoundError:
            document = _new_document()
        except _UnusableFileError:
            self._set_aside()
            document = _new_document()
        for key, option in self._options.items():
            value = getattr(self.settings, key)
            if value == option.default:
                document.pop(key, None)
            else:
                document[key] = tomlkit.string(value, multiline="\n" in value) if isinstance(value, str) else value
        return tomlkit.dumps(document)


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path`, or leave it untouched: no moment and no failure leaves half a file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _new_document() -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    document.add(tomlkit.comment(HEADER))
    document.add(tomlkit.nl())
    return document


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
