"""Everything between a fresh clone and the first import of a dependency; standard library only.

`prepare` returns at once where this interpreter has every pinned package. Otherwise it makes `.venv` in the checkout,
installs the pins there and starts the same program again inside.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gui.bootstrap.errors import SetupError
from gui.bootstrap.pins import UNFINISHED, missing, pinned, project_table

CHECKOUT = Path(__file__).resolve().parents[2]
# Tells the program that starts inside that an install has just been made for it, so that it never makes another.
RESTARTED = "GLASSBOX_RESTARTED"

# Every start pays for the imports above; what only a first start needs is imported where it is used.


def prepare(
    program: str,
    arguments: Sequence[str],
    *,
    extras: Sequence[str] = (),
    with_window: bool = False,
    checkout: Path = CHECKOUT,
) -> None:
    """Return in an interpreter that has the pinned packages: this one, or `program` started again inside `.venv`.

    `program` is a package of the checkout with a `__main__`; `extras` name optional dependencies that it needs too.
    `with_window` shows the progress in a window unless a terminal does. Raises SetupError.
    """
    pins = pinned(checkout / "pyproject.toml", extras)
    lacking = missing(pins, sys.path)
    is_restarted = bool(os.environ.pop(RESTARTED, ""))
    folder = checkout / ".venv"
    is_inside = os.path.realpath(sys.prefix) == os.path.realpath(folder)
    if not lacking and not (is_inside and (folder / UNFINISHED).exists()):
        return
    if is_restarted and lacking:
        raise SetupError(
            f"This Python does not see {', '.join(map(str, lacking))}, although {folder} has it. "
            f"Unset PYTHONHOME, delete {folder} and start again."
        )

    from gui.bootstrap.environment import Environment

    environment = Environment(folder)
    if is_inside or not environment.is_ready(pins):
        from gui.bootstrap.dialogs import choose_progress

        environment.install(pins, choose_progress(sys.stderr, with_window=with_window))
        os.environ[RESTARTED] = "1"
    _start_again(environment.python, checkout / program, arguments)


def report(error: SetupError, *, with_window: bool = False) -> None:
    """Say why the program cannot start: on the terminal, and in a window where nobody sees a terminal."""
    from gui.bootstrap import dialogs

    if sys.stderr is not None:
        sys.stderr.write(f"{error}\n")
    if with_window and not dialogs.is_terminal(sys.stderr):
        dialogs.show_error(str(error))


def version() -> str:
    """The program's own version."""
    return str(project_table(CHECKOUT / "pyproject.toml")["version"])


def _start_again(python: Path, program: Path, arguments: Sequence[str]) -> None:
    command = [str(python), str(program), *arguments]
    if sys.platform == "win32":  # execv there returns to the shell before the new program has ended
        import subprocess

        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)
