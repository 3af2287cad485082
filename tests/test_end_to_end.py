"""The program as a person meets it: a real window on a real X server with a window manager, and real key presses."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.x_server import needs_x_server, x_server

ROOT = Path(__file__).resolve().parents[1]
CLIPBOARD = "from PySide6.QtGui import QGuiApplication as A; a = A([]); print(a.clipboard().text())"

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(sys.platform != "linux", reason="needs an X server"),
    needs_x_server,
    pytest.mark.skipif(not list((ROOT / "resources/models").glob("*/config.json")), reason="needs the bundled model"),
]


@pytest.fixture(scope="module")
def screen() -> Iterator[dict[str, str]]:
    """The environment of a fresh X server with a window manager."""
    with x_server() as environment:
        yield environment


class Person:
    """Presses keys, clicks and looks at the clipboard."""

    def __init__(self, environment: dict[str, str]):
        self.environment = environment

    def do(self, *arguments: str) -> str:
        result = subprocess.run(["xdotool", *arguments], env=self.environment, capture_output=True, text=True, timeout=60)
        return result.stdout.strip()

    def wait_for_window(self, name: str) -> str:
        return self.do("search", "--sync", "--onlyvisible", "--name", name).splitlines()[0]

    def copied_answer(self) -> str:
        self.do("key", "ctrl+shift+c")
        time.sleep(0.2)
        command = [sys.executable, "-c", CLIPBOARD]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60).stdout.strip()

    def wait_for_answer(self, timeout_s: float = 60) -> str:
        """The answer once it has stopped growing."""
        end, before = time.monotonic() + timeout_s, ""
        while time.monotonic() < end:
            text = self.copied_answer()
            if text and text == before:
                return text
            before = text
        raise AssertionError(f"no finished answer after {timeout_s} s; the last text was {before!r}")


@pytest.fixture
def program(screen: dict[str, str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen, Person, Path]]:
    """Glassbox, started as the README says, with a profile of its own."""
    profile = tmp_path / "profile"
    command = [sys.executable, "-m", "gui", "--profile", str(profile)]
    process = subprocess.Popen(command, cwd=ROOT, env=screen, stderr=subprocess.PIPE, text=True)
    person = Person(screen)
    person.do("windowactivate", "--sync", person.wait_for_window("Glassbox$"))
    yield process, person, profile
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    process.stderr.close()


def test_a_person_chats_inspects_and_leaves(program: tuple[subprocess.Popen, Person, Path]):
    """Type, Enter, read the streamed answer; hold a token, walk, return; change the temperature; quit. No warnings."""
    process, person, profile = program
    person.do("type", "--delay", "15", "Hello! How are you today?")
    person.do("key", "Return")
    first = person.wait_for_answer()
    assert len(first) > 1
    person.do("key", "ctrl+t")
    person.do("key", "Left", "Left", "Right", "Escape")
    person.do("key", "ctrl+e")
    person.do("type", "--delay", "15", "Tell me a story.")
    person.do("key", "Return")
    second = person.wait_for_answer()
    assert second != first
    person.do("key", "ctrl+n")
    person.do("key", "ctrl+q")
    assert process.wait(15) == 0
    assert process.stderr.read() == ""
    assert (profile / "window.ini").exists() or list(profile.rglob("window*"))


def test_closing_while_an_answer_streams_is_clean(program: tuple[subprocess.Popen, Person, Path]):
    process, person, _ = program
    person.do("type", "--delay", "15", "Tell me a long story about a dragon.")
    person.do("key", "Return")
    person.do("key", "ctrl+q")
    assert process.wait(15) == 0
    assert process.stderr.read() == ""
