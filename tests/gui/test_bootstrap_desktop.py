"""What Qt needs of the desktop: the sentences for its lack, and that the table of libraries is the truth."""

import ctypes.util
import struct
import subprocess
import sys
from pathlib import Path

import PySide6
import pytest

from gui.bootstrap import desktop
from gui.bootstrap.errors import SetupError
from tests.gui.bootstrap_checkout import ROOT

QT = Path(PySide6.__file__).parent / "Qt"
# The C and C++ run-time libraries, which every Linux has that runs Python.
SYSTEM = ("libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libstdc++.so", "libgcc_s.so", "ld-linux")
ALL_LIBRARIES = {**desktop.QT_LIBRARIES, **desktop.XCB_LIBRARIES, **desktop.WAYLAND_LIBRARIES}

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="these libraries are those of Linux")
x_session = {"DISPLAY": ":5"}
wayland_session = {"WAYLAND_DISPLAY": "wayland-0"}


def needed_libraries(file: Path) -> list[str]:
    """The DT_NEEDED entries of a 64-bit little-endian ELF file: https://refspecs.linuxfoundation.org/elf/elf.pdf"""
    data = file.read_bytes()
    table, entry_size, count = struct.unpack_from("<40xQ10xHH", data)[0], *struct.unpack_from("<58xHH", data)
    sections = [struct.unpack_from("<4xI16xQQI", data, table + i * entry_size) for i in range(count)]
    kind, offset, size, link = next(section for section in sections if section[0] == 6)  # SHT_DYNAMIC
    strings = sections[link][1]
    entries = [struct.unpack_from("<qQ", data, offset + i) for i in range(0, size, 16)]
    starts = [strings + value for tag, value in entries if tag == 1]  # DT_NEEDED
    return [data[start : data.index(b"\0", start)].decode() for start in starts]


def needed_by_qt(*files: str) -> set[str]:
    """System libraries that these files need, directly or by way of other files of the wheel."""
    found, waiting = set(), [QT / file for file in files]
    seen = set(waiting)
    while waiting:
        for name in needed_libraries(waiting.pop()):
            inside = QT / "lib" / name
            if inside.exists() and inside not in seen:
                seen.add(inside)
                waiting.append(inside)
            elif not inside.exists() and not name.startswith(SYSTEM):
                found.add(name)
    return found


@linux_only
@pytest.mark.parametrize(
    ("files", "tables"),
    [
        (["lib/libQt6Widgets.so.6", "lib/libQt6Svg.so.6"], [desktop.QT_LIBRARIES]),
        (["plugins/platforms/libqxcb.so"], [desktop.QT_LIBRARIES, desktop.XCB_LIBRARIES]),
        (["plugins/platforms/libqwayland.so"], [desktop.QT_LIBRARIES, desktop.WAYLAND_LIBRARIES]),
    ],
)
def test_tables_name_what_the_installed_qt_needs(files, tables):
    """The oracle is the ELF headers of the pinned PySide6: no library too few, none too many."""
    listed = {name for table in tables for name in table}
    assert needed_by_qt(*files) == listed


def test_ci_installs_the_packages_of_the_tables():
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert {package for package in ALL_LIBRARIES.values() if package not in script.split()} <= {"libglib2.0-0"}


@pytest.mark.skipif(sys.platform != "linux", reason="checked on Linux only")
class TestLibraries:
    """Missing libraries, by a linker that does not find them."""

    @pytest.fixture
    def lacks(self, monkeypatch):
        """Say which libraries the linker does not find."""

        def set_lacking(*names: str) -> None:
            monkeypatch.setattr(desktop, "_can_load", lambda name: name not in names)

        return set_lacking

    def test_one_line_names_libraries_and_packages(self, lacks):
        lacks("libxcb-cursor.so.0", "libxcb-icccm.so.4", "libEGL.so.1")
        with pytest.raises(SetupError) as caught:
            desktop.require_libraries(with_window=True, environ=x_session)
        assert str(caught.value) == (
            "Qt needs system libraries that are not installed (libEGL.so.1, libxcb-cursor.so.0, libxcb-icccm.so.4). "
            "On Debian or Ubuntu: sudo apt install libegl1 libxcb-cursor0 libxcb-icccm4"
        )

    def test_off_screen_needs_no_platform(self, lacks):
        """The self-check and the tests run without xcb, and where the user has chosen another platform so does the window."""
        lacks("libxcb-cursor.so.0")
        desktop.require_libraries(with_window=False, environ=x_session)
        desktop.require_libraries(with_window=True, environ={**x_session, "QT_QPA_PLATFORM": "vnc:size=9x9"})

    def test_one_complete_platform_is_enough(self, lacks):
        """A Wayland session without the libraries of X opens windows all the same."""
        lacks("libxcb-cursor.so.0")
        desktop.require_libraries(with_window=True, environ=x_session | wayland_session)
        desktop.require_libraries(with_window=True, environ=wayland_session)
        lacks("libxcb-cursor.so.0", "libwayland-cursor.so.0")
        with pytest.raises(SetupError, match="apt install libwayland-cursor0"):
            desktop.require_libraries(with_window=True, environ=wayland_session)

    def test_the_linker_is_really_asked(self):
        assert desktop.absent_libraries(["libc.so.6", "libno-such-thing.so.9"]) == ["libno-such-thing.so.9"]


@linux_only
@pytest.mark.parametrize("variables", [{}, {"DISPLAY": "", "WAYLAND_DISPLAY": ""}, {"QT_QPA_PLATFORM": "xcb"}])
def test_no_display_names_the_variables_and_the_self_check(variables):
    with pytest.raises(SetupError, match=r"neither DISPLAY nor WAYLAND_DISPLAY is set.*python3 -m gui --self-check"):
        desktop.require_display(variables)


@pytest.mark.parametrize("variables", [x_session, wayland_session, {"QT_QPA_PLATFORM": "offscreen"}, {"QT_QPA_PLATFORM": "vnc"}])
def test_a_session_or_another_platform_will_do(variables):
    desktop.require_display(variables)


@linux_only
@pytest.mark.skipif(ctypes.util.find_library("xcb") is None, reason="needs libxcb1")
def test_a_display_that_does_not_answer(tmp_path):
    """The real entry, before Qt would abort the process: DISPLAY names a server that nobody runs."""
    code = "import os; from gui.bootstrap import desktop; desktop.require_connection(os.environ)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"DISPLAY": ":987"}, capture_output=True, text=True, check=False
    )
    assert "SetupError: The display DISPLAY=:987 does not answer" in done.stderr


def test_start_without_a_display_makes_nothing():
    """`python3 -m gui` on a machine without a session: one line, exit code 1."""
    done = subprocess.run([sys.executable, "-m", "gui"], cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("There is no display")
