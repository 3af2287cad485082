"""The entry of the applications menu, installed and started as a desktop does it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.x_server import needs_x_server, x_server

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [
    pytest.mark.display,
    needs_x_server,
    pytest.mark.skipif(shutil.which("gio") is None, reason="needs gio (libglib2.0-bin)"),
]


def test_the_installed_entry_opens_the_window(tmp_path):
    """From another working directory, without a terminal; the window belongs to the entry by its class."""
    with x_server() as environ:
        environ |= {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "STATE")}
        install = [sys.executable, str(ROOT / "gui"), "--install-launcher"]
        subprocess.run(install, cwd=tmp_path, env=environ, check=True, stdout=subprocess.DEVNULL)
        entry = tmp_path / "DATA/applications/org.glassbox.Glassbox.desktop"
        subprocess.run(["gio", "launch", str(entry)], cwd="/", env=environ, check=True)
        search = ["xdotool", "search", "--sync", "--onlyvisible", "--class", "^Glassbox$"]
        window = subprocess.run(search, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout.split()[0]
        pid = int(subprocess.check_output(["xdotool", "getwindowpid", window], env=environ))
        assert str(ROOT / "gui").encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        os.kill(pid, signal.SIGTERM)
