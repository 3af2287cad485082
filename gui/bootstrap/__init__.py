"""Everything between a fresh clone and the first import of a dependency; standard library only.

`prepare` returns at once where this interpreter has every pinned package. Otherwise it makes `.venv` in the checkout,
installs the pins there and starts the same program again inside.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gui.bootstrap.errors import SetupError
from gui.bootstrap.pins import missing, pinned

if TYPE_CHECKING:  # every start pays for what is imported here
    from gui.bootstrap.progress import Progress

CHECKOUT = Path(__file__).resolve().parents[2]
# Tells the program that starts inside that an install has just been made for it, so that it never makes another.
RESTARTED = "GLASSBOX_RESTARTED"


def prepare(
    program: str,
    arguments: Sequence[str],
    *,
    extras: Sequence[str] = (),
    progress: "Callable[[], Progress]",
    checkout: Path = CHECKOUT,
) -> None:
    """Return in an interpreter that has the pinned packages: this one, or `program` started again inside `.venv`.

    `program` is a package of the checkout with a `__main__`; `extras` name optional dependencies that it needs too.
    Raises SetupError with a sentence for the user.
    """
    pins = pinned(checkout / "pyproject.toml", extras)
    lacking = missing(pins, sys.path)
    is_restarted = bool(os.environ.pop(RESTARTED, ""))
    is_inside = Path(sys.prefix).resolve() == (checkout / ".venv").resolve()
    if not lacking and not is_inside:
        return

    from gui.bootstrap.environment import Environment

    environment = Environment(checkout / ".venv")
    if is_inside and not lacking and not environment.is_unfinished:
        return
    if is_restarted:
        raise SetupError(
            f"{', '.join(map(str, lacking))} is installed in {environment.folder} but this Python does not see it. "
            f"Unset PYTHONHOME, delete {environment.folder} and start again."
        )
    if is_inside or not environment.is_ready(pins):
        environment.install(pins, progress)
        os.environ[RESTARTED] = "1"
    _start_again(environment.python, checkout / program, arguments)


def _start_again(python: Path, program: Path, arguments: Sequence[str]) -> None:
    command = [str(python), str(program), *arguments]
    if sys.platform == "win32":  # execv there returns to the shell before the new program has ended
        import subprocess

        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)
