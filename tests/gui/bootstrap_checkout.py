"""A checkout in miniature: the real set-up, a window that only reports, one tiny dependency in a package index of files."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORTING_APP = """
import json, sys
import glassbox_tiny

def main(model, profile):
    print(json.dumps({"prefix": sys.prefix, "tiny": glassbox_tiny.VERSION, "model": str(model), "profile": str(profile)}))
    return 7
"""


def write_wheel(index: Path, version: str) -> None:
    """Put glassbox-tiny in this version into the index."""
    information = f"glassbox_tiny-{version}.dist-info"
    files = {
        "glassbox_tiny/__init__.py": f'VERSION = "{version}"\n',
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: glassbox-tiny\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{information}/RECORD"
    files[record] = "".join(f"{name},,\n" for name in [*files, record])
    index.mkdir(exist_ok=True)
    with zipfile.ZipFile(index / f"glassbox_tiny-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


class MiniCheckout:
    """Starts the real `gui/__main__.py` of a copy, by a Python that has none of the dependencies."""

    def __init__(self, folder: Path):
        self.folder = folder / "a checkout"
        self.venv = self.folder / ".venv"
        self.index = folder / "index"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        self.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index), "QT_QPA_PLATFORM": "offscreen"}
        self.environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
        write_wheel(self.index, "1.0")
        write_wheel(self.index, "2.0")
        gui = self.folder / "gui"
        shutil.copytree(ROOT / "gui/bootstrap", gui / "bootstrap", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__init__.py", "__main__.py", "paths.py"):
            shutil.copy(ROOT / "gui" / name, gui)
        (gui / "app.py").write_text(REPORTING_APP, encoding="utf-8")
        self.pin("1.0")

    def pin(self, version: str, name: str = "glassbox-tiny") -> None:
        """Write the project file."""
        text = f'[project]\nname = "mini"\nversion = "0.0"\ndependencies = ["{name}=={version}"]\n'
        (self.folder / "pyproject.toml").write_text(text, encoding="utf-8")

    def copy_environment(self, other: "MiniCheckout") -> None:
        """Take over another checkout's environment, which takes longer to make than to copy."""
        shutil.copytree(other.venv, self.venv, symlinks=True)

    def command(self, *arguments: str, python: str = sys._base_executable) -> list[str]:
        """How a user starts it."""
        return [python, str(self.folder / "gui"), *arguments]

    def start(self, *arguments: str, python: str = sys._base_executable, **environ: str) -> subprocess.CompletedProcess:
        """Start it and wait for its end."""
        return subprocess.run(
            self.command(*arguments, python=python),
            env=self.environ | environ,
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return str(self.venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))

    @property
    def module(self) -> Path:
        """The dependency's code, installed."""
        return next(self.venv.glob("[lL]ib/**/site-packages/glassbox_tiny/__init__.py"))


def told(done: subprocess.CompletedProcess) -> dict[str, str]:
    """What the window of a successful start reported."""
    assert done.returncode == 7, done.stderr
    return json.loads(done.stdout)
