"""The virtual environment in the checkout: made, filled, repaired, by one process at a time."""

import errno
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gui.bootstrap.disk import no_space, require_space
from gui.bootstrap.errors import SetupError
from gui.bootstrap.lock import locked
from gui.bootstrap.pins import UNFINISHED, Pin, missing
from gui.bootstrap.pip_output import PipOutput, explain
from gui.bootstrap.progress import Progress, stopped
from gui.bootstrap.running import run

# Variables that would make pip install somewhere else.
REDIRECTIONS = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH")


class Environment:
    """A virtual environment in `folder`.

    A marker file lies in it from before the first change until the packages are complete. One that is found without
    its maker was interrupted, and pip cannot tell half a package from a whole one: such an environment is made anew.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.log_file = folder / "glassbox-setup.log"
        self._marker = folder / UNFINISHED
        self._lock_file = folder / "glassbox-lock"

    @property
    def python(self) -> Path:
        """The interpreter; without a console on Windows where this one has none."""
        if sys.platform != "win32":
            return self.folder / "bin" / "python"
        is_windowed = Path(sys.executable).stem.lower().startswith("pythonw")
        return self.folder / "Scripts" / ("pythonw.exe" if is_windowed else "python.exe")

    @property
    def site_packages(self) -> list[Path]:
        """Where its packages lie."""
        return [*self.folder.glob("lib/python3*/site-packages"), *self.folder.glob("Lib/site-packages")]

    @property
    def is_unfinished(self) -> bool:
        """Whether an install is under way, or was interrupted."""
        return self._marker.exists()

    def is_ready(self, pins: Sequence[Pin]) -> bool:
        """Whether the program can be started inside."""
        return self.python.exists() and not self.is_unfinished and not missing(pins, self.site_packages)

    def install(self, pins: Sequence[Pin], progress: Progress) -> None:
        """Bring every pin into the environment, making or repairing it where needed; waits for another process that does."""
        if self._is_broken:
            require_venv()
        with _explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with progress, _explained(self.folder), locked(self._lock_file, progress) as lock:
            if self.is_ready(pins) and not self._is_broken:
                return  # the process that held the lock has done it
            self._install(pins, progress, lock)

    def _install(self, pins: Sequence[Pin], progress: Progress, lock: int) -> None:
        was_whole = not self._is_broken
        if not was_whole:
            self._clear()
        self._marker.touch()
        with self.log_file.open("w", encoding="utf-8") as log:
            if not self.python.exists():
                self._create(progress, log, lock)
            if not any((folder / "pip").exists() for folder in self.site_packages):
                self._run(_module(self.python, "ensurepip"), PipOutput(()), progress, log, lock)
            output = PipOutput(self.site_packages)
            try:
                self._run(self._pip_command(pins), output, progress, log, lock)
            except BaseException:
                if was_whole and not output.is_installing:
                    self._marker.unlink()  # nothing has been changed yet
                raise
        lacking = missing(pins, self.site_packages)
        if lacking:
            raise SetupError(f"pip ended well but {lacking[0]} is not there. Delete {self.folder} and start again.")
        self._marker.unlink()

    @property
    def _is_broken(self) -> bool:
        """Interrupted, without an interpreter, or of another Python version than the interpreter it now leads to."""
        if self.is_unfinished or not self.python.exists():
            return True
        is_inside = Path(sys.prefix).resolve() == self.folder.resolve()
        seen = {os.path.realpath(folder) for folder in sys.path}
        return is_inside and not any(os.path.realpath(folder) in seen for folder in self.site_packages)

    def _clear(self) -> None:
        """Empty the folder, if it is a virtual environment; the lock stays, since other processes may wait on it."""
        if not self.is_unfinished and not (self.folder / "pyvenv.cfg").exists():
            return
        self._marker.touch()
        for entry in self.folder.iterdir():
            if entry in (self._marker, self._lock_file):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _create(self, progress: Progress, log: IO[str], lock: int) -> None:
        require_space(self.folder)
        progress.announce(f"Setting Glassbox up in {self.folder} (about 1.2 GB; only the first start does this).")
        # From inside the environment that is being replaced, the interpreter it was made from has to make the new one.
        self._run([*_module(sys._base_executable, "venv"), str(self.folder)], PipOutput(()), progress, log, lock)

    def _pip_command(self, pins: Sequence[Pin]) -> list[str]:
        options = ["--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check", "--no-warn-script-location"]
        return [*_module(self.python, "pip"), "install", *options, *map(str, pins)]

    def _run(self, command: Sequence[str], output: PipOutput, progress: Progress, log: IO[str], lock: int) -> None:
        environ = {name: value for name, value in os.environ.items() if name not in REDIRECTIONS}
        # The child holds the lock too: where this process is killed, nobody clears the folder under a running pip.
        code = run(command, output, progress, log, environ=environ, keep_open=lock)
        if code != 0:
            raise SetupError(explain(output.text, code, self.log_file))


def _module(python: str | Path, name: str) -> list[str]:
    """The command that runs a module of `python` apart from the user's own packages and variables, its output at once."""
    return [str(python), "-I", "-u", "-X", "utf8", "-m", name]


def require_venv() -> None:
    """Raise SetupError where this Python cannot make virtual environments."""
    absent = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if absent:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(
            f"Python {version} lacks its module {absent[0]}, which set-up needs. "
            f"On Debian or Ubuntu: sudo apt install python{version}-venv, then start again."
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn failures of the file system into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SetupError(no_space(folder.parent)) from error
        raise SetupError(
            f"Set-up cannot work in {folder} ({error.strerror}: {error.filename}). "
            "Put the checkout into a folder of your own and start again from there."
        ) from error
    except KeyboardInterrupt:
        raise stopped() from None
