"""Set-up from a fresh clone: made once, kept in step with the pins, repaired, by one process at a time, never in a loop."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gui import bootstrap
from gui.bootstrap import environment
from gui.bootstrap.environment import Environment
from gui.bootstrap.errors import SetupError
from gui.bootstrap.pins import UNFINISHED, Pin, missing, pinned
from gui.bootstrap.progress import Progress
from tests.gui.bootstrap_checkout import ROOT, MiniCheckout, told

COST = """
import sys, time
import argparse, pathlib
before, started = set(sys.modules), time.process_time()
from gui import bootstrap
bootstrap.prepare("gui", [])
print(time.process_time() - started, *set(sys.modules) - before)
"""


@pytest.fixture(scope="module")
def first_starts(tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniCheckout, list[subprocess.CompletedProcess]]:
    """A fresh clone, started twice at once, and what came of both."""
    checkout = MiniCheckout(tmp_path_factory.mktemp("fresh"))
    checkout.venv.mkdir()
    (checkout.venv / "note.txt").write_text("mine")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    starts = [subprocess.Popen(checkout.command("--profile", "p"), env=checkout.environ, **pipes) for _ in range(2)]
    outputs = [start.communicate(timeout=300) for start in starts]
    return checkout, [
        subprocess.CompletedProcess(start.args, start.returncode, *output) for start, output in zip(starts, outputs, strict=True)
    ]


@pytest.fixture
def installed(first_starts) -> MiniCheckout:
    """A checkout that has been set up; not to be changed."""
    return first_starts[0]


@pytest.fixture
def checkout(tmp_path: Path, installed: MiniCheckout) -> MiniCheckout:
    """A checkout of its own for a test, set up."""
    checkout = MiniCheckout(tmp_path)
    checkout.copy_environment(installed)
    return checkout


def test_two_first_starts_at_once_make_one_environment(first_starts):
    """Both go on inside it; one of them waited. What someone else keeps in the folder stays."""
    checkout, starts = first_starts
    for done in starts:
        assert told(done) == {"prefix": str(checkout.venv), "tiny": "1.0", "model": "None", "profile": "p"}
    errors = [done.stderr for done in starts]
    assert sorted(text.count("Installing packages") for text in errors) == [0, 1]
    assert "Waiting for another start" in "".join(errors)
    assert (checkout.venv / "note.txt").read_text() == "mine"


def test_a_later_start_is_silent(installed):
    """Nothing is installed twice: no line of progress, and the packages are not written again."""
    written = installed.module.stat().st_mtime_ns
    done = installed.start("--model", "m")
    assert (told(done)["model"], done.stderr) == ("m", "")
    assert installed.module.stat().st_mtime_ns == written


def test_the_environments_own_python_goes_on_in_place(installed):
    done = installed.start(python=installed.python)
    assert (told(done)["prefix"], done.stderr) == (str(installed.venv), "")


def test_a_changed_pin_is_installed(checkout):
    checkout.pin("2.0")
    assert told(checkout.start())["tiny"] == "2.0"
    checkout.pin("1.0")
    assert told(checkout.start(python=checkout.python))["tiny"] == "1.0"


def test_an_interrupted_install_is_made_anew(checkout):
    """Half a package looks whole to pip, so that nothing of an interrupted install is trusted."""
    checkout.module.write_text("")
    (checkout.venv / UNFINISHED).touch()
    assert told(checkout.start(python=checkout.python))["tiny"] == "1.0"
    assert not (checkout.venv / UNFINISHED).exists()


def test_a_removed_package_comes_back(checkout):
    next(checkout.venv.glob("[lL]ib/**/glassbox_tiny-1.0.dist-info")).rename(checkout.folder / "elsewhere")
    assert told(checkout.start())["tiny"] == "1.0"


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_anew(checkout):
    Path(checkout.python).unlink()
    assert told(checkout.start())["tiny"] == "1.0"


def test_never_a_second_install_after_the_first(checkout):
    """Where the interpreter does not see what was just installed for it, it says so instead of trying for ever."""
    checkout.pin("2.0")
    done = checkout.start(python=checkout.python, **{bootstrap.RESTARTED: "1"})
    assert_fails(done, "does not see glassbox-tiny==2.0", "start again")


def test_no_network(checkout):
    """A closed port stands for every way in which the index does not answer; what is installed is left as it is."""
    written = checkout.module.stat().st_mtime_ns
    checkout.pin("2.0")
    del checkout.environ["PIP_NO_INDEX"], checkout.environ["PIP_FIND_LINKS"]
    done = checkout.start(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert_fails(done, "could not be reached", "Connect to the internet")
    checkout.pin("1.0")
    assert told(checkout.start())["tiny"] == "1.0"
    assert checkout.module.stat().st_mtime_ns == written


def test_a_version_that_the_index_lacks(checkout):
    checkout.pin("3.0")
    assert_fails(checkout.start(), "has no glassbox-tiny==3.0", "another Python")


def test_a_pin_that_is_a_range(checkout):
    checkout.pin("1.0,<3")
    assert_fails(checkout.start(), "not an exact pin", "name==version")


def test_a_folder_that_cannot_be_made(tmp_path):
    checkout = MiniCheckout(tmp_path)
    checkout.venv.write_text("a file in its place")
    assert_fails(checkout.start(), f"cannot work in {checkout.venv}", "folder of your own")


def assert_fails(done: subprocess.CompletedProcess, *parts: str) -> None:
    """One line that says what is wrong and what to do, exit code 1, no traceback."""
    assert done.returncode == 1, done.stderr
    sentence = done.stderr.splitlines()[-1]
    assert all(part in sentence for part in parts), sentence
    assert "Traceback" not in done.stderr


def test_no_venv_module(tmp_path, monkeypatch):
    """Debian packs ensurepip apart from Python; nothing is made before the sentence."""
    monkeypatch.setattr(environment.importlib.util, "find_spec", {"venv": object()}.get)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(SetupError, match=rf"lacks its module ensurepip.*apt install python{version}-venv"):
        Environment(tmp_path / ".venv").install([Pin("x", "1")], Progress())
    assert not (tmp_path / ".venv").exists()


def test_a_full_disk_is_seen_before_anything_is_downloaded(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=300_000_000)
    monkeypatch.setattr(shutil, "disk_usage", {tmp_path / ".venv": usage}.get)
    with pytest.raises(SetupError, match=r"needs 1.6 GB of disk space in .*venv, of which 0.3 GB are free. Free some"):
        Environment(tmp_path / ".venv").install([Pin("x", "1")], Progress())
    assert not (tmp_path / ".venv/bin").exists()


@pytest.mark.parametrize("package", ["gui", "tests"])
def test_an_old_python_is_told_so(package):
    """The file still parses by the grammar of Python 3.8, and the guard comes before any import of ours."""
    main = ROOT / package / "__main__.py"
    ast.parse(main.read_text(encoding="utf-8"), feature_version=(3, 8))
    code = f"import sys, runpy; sys.version_info = (3, 8, 18); runpy.run_path({str(main)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert_fails(done, "Python 3.11 or newer, and this is 3.8", "Install a newer one")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_need_nothing(tmp_path, argument):
    """No dependency, no display, no set-up."""
    checkout = MiniCheckout(tmp_path)
    done = checkout.start(argument, QT_QPA_PLATFORM="xcb", DISPLAY="")
    assert (done.returncode, done.stderr) == (0, "")
    assert not checkout.venv.exists()


def test_where_the_packages_are_there_set_up_costs_nearly_nothing():
    """The budget is 30 ms; the bound leaves room for a busy machine, and nothing that only set-up needs is imported."""
    done = subprocess.run([sys.executable, "-c", COST], cwd=ROOT, capture_output=True, text=True, check=True)
    cost_s, *imported = done.stdout.split()
    assert float(cost_s) < 0.1
    assert not {"importlib.metadata", "subprocess", "tempfile", "gui.bootstrap.environment"} & set(imported)


def test_pins_are_compared_as_package_indexes_compare_them(tmp_path):
    """Names by PEP 503; a local build ("+cpu") is a build of the pinned version; another version is missing."""
    for name in ("PySide6_Essentials-6.11.3", "torch-2.13.0+cpu", "numpy-2.4.60"):
        (tmp_path / f"{name}.dist-info").mkdir()
    pins = [Pin("PySide6-Essentials", "6.11.3"), Pin("torch", "2.13.0"), Pin("numpy", "2.4.6")]
    assert missing(pins, [tmp_path, tmp_path / "absent"]) == [Pin("numpy", "2.4.6")]


def test_tests_need_their_own_packages_on_top():
    runtime, both = pinned(ROOT / "pyproject.toml"), pinned(ROOT / "pyproject.toml", ["test"])
    assert both[: len(runtime)] == runtime
    assert "pytest" in {pin.name for pin in both[len(runtime) :]}
