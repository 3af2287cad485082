"""Which packages the project file pins, and which of them a set of folders lacks."""

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gui.bootstrap.errors import SetupError

# A file of this name lies in an environment from before the first change until its packages are complete.
UNFINISHED = "glassbox-unfinished"
EXACT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!]+)")


class Pin(NamedTuple):
    """A package in exactly one version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def project_table(project_file: Path) -> dict[str, Any]:
    """The `[project]` table of the project file."""
    try:
        return tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError) as error:
        raise SetupError(f"{project_file} cannot be read ({error}). Restore it from the repository.") from error


def pinned(project_file: Path, extras: Sequence[str] = ()) -> tuple[Pin, ...]:
    """The pins of the project file: the dependencies, then those of each extra."""
    project = project_table(project_file)
    groups = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return tuple(_pin(line, project_file) for group in groups for line in group)


def missing(pins: Iterable[Pin], folders: Iterable[str | Path]) -> list[Pin]:
    """The pins that are not installed in these folders, in the pinned version.

    Reads the names of the `.dist-info` folders, where importlib.metadata finds a version too; importing that module
    would take longer than the whole check.
    """
    installed = {name for folder in folders for name in _installed(folder)}
    return [pin for pin in pins if (normalized(pin.name), pin.version) not in installed]


def normalized(name: str) -> str:
    """A package's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_package(entry: str) -> tuple[str, str]:
    """Normalized name and version that a `.dist-info` folder's name tells."""
    name, _, version = entry.removesuffix(".dist-info").rpartition("-")
    return normalized(name), version.partition("+")[0]  # "2.13.0+cpu" is a build of 2.13.0


def _installed(folder: str | Path) -> Iterable[tuple[str, str]]:
    try:
        names = os.listdir(folder)
    except OSError:  # sys.path may name zip files and folders that do not exist
        return
    for entry in names:
        if entry.endswith(".dist-info"):
            yield installed_package(entry)


def _pin(line: str, project_file: Path) -> Pin:
    match = EXACT.fullmatch(line)
    if match is None:
        raise SetupError(f'{project_file}: "{line}" is not an exact pin. Write it as name==version.')
    return Pin(*match.groups())
