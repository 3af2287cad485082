"""An X server of its own for a test, with a window manager: nothing shows on, or is disturbed by, the user's screen."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NEEDED = ("Xvfb", "openbox", "xdotool")
needs_x_server = pytest.mark.skipif(
    any(shutil.which(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)}; .ci/run installs them"
)


@contextmanager
def x_server(size: str = "1400x900") -> Iterator[dict[str, str]]:
    """The environment in which programs open their windows there."""
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as number:  # the server writes it once it is ready
        environ = {**os.environ, "DISPLAY": f":{number.readline().strip()}", "QT_QPA_PLATFORM": "xcb"}
    environ.pop("WAYLAND_DISPLAY", None)
    manager = subprocess.Popen(["openbox"], env=environ, stderr=subprocess.DEVNULL)
    try:
        yield environ
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)
