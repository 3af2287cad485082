"""The menu entry: what a desktop reads in it is exactly what was meant, for any path the checkout may have."""

import configparser
import plistlib
import shutil
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QIcon, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from gui import launcher
from gui.icon_files import icns, ico
from gui.paths import Paths
from tests.gui.bootstrap_checkout import ROOT

NASTY = [
    "plain",
    "with a space",
    "quotes \" and ' and `ticks`",
    "$HOME and %f and %% and 100%",
    "back\\slash \\\\ \\n and \\s",
    "ünïcödé 猫 🐉",
    "semi;colon & amp | pipe > out (x) [y] {z} * ? ~ # !",
    "tab\there",
]
# Reports how it was called, as the program would see it.
RECORDER = """#!/bin/sh
for argument in "$0" "$@"; do printf '%s\\0' "$argument"; done > "$RECORD"
"""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the stub interpreter is a shell script")


def entry_of(text: str) -> dict[str, str]:
    """The keys of a desktop entry, read as an ini file."""
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=True)
    parser.optionxform = str
    parser.read_string(text)
    return dict(parser["Desktop Entry"])


def command_line(entry: dict[str, str], location: str) -> list[str]:
    """The program and arguments of the Exec key, by the Desktop Entry Specification 1.5.

    First the escapes of a string value (section 4), then the quoting of Exec, then its field codes (section 7).
    """
    escapes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    value, rest = "", iter(entry["Exec"])
    for character in rest:
        value += escapes[next(rest)] if character == "\\" else character
    arguments, current, is_quoted, rest = [], None, False, iter(value)
    for character in rest:
        if character == '"':
            is_quoted, current = not is_quoted, current or ""
        elif is_quoted and character == "\\":
            escaped = next(rest)
            assert escaped in '"`$\\', f"\\{escaped} is not an escape of a quoted argument"
            current += escaped
        elif character == " " and not is_quoted:
            arguments, current = arguments + ([] if current is None else [current]), None
        else:
            assert is_quoted or character not in "\t\n'><~|&;$*?#()`", f"{character} must be quoted"
            assert not is_quoted or character not in "`$", f"{character} must be escaped"
            current = (current or "") + character
    arguments += [] if current is None else [current]
    return [argument.replace("%%", "\0").replace("%k", location).replace("\0", "%") for argument in arguments]


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch):
    """Makes a stub interpreter at a path; the second function reads how it was called."""
    record = tmp_path / "record"
    monkeypatch.setenv("RECORD", str(record))

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDER)
        path.chmod(0o755)
        return path

    def called() -> list[str]:
        return record.read_text(encoding="utf-8").split("\0")[:-1]

    return make, called


@posix_only
@pytest.mark.parametrize("name", NASTY)
def test_the_entry_starts_the_checkout_from_anywhere(tmp_path, recorder, name):
    """Executed as a desktop does: the very interpreter, the very folder, one argument more."""
    make, called = recorder
    python, checkout = make(tmp_path / name / "python3"), tmp_path / name / "glassbox"
    entry = launcher.install_desktop_entry(python, checkout, tmp_path / "data")[0]
    command = command_line(entry_of(entry.read_text(encoding="utf-8")), str(entry))
    assert command[-3:] == [str(python), str(checkout / "gui"), "--from-launcher"]
    subprocess.run(command, cwd="/", check=True)
    assert called() == [str(python), str(checkout / "gui"), "--from-launcher"]


@posix_only
@pytest.mark.skipif(shutil.which("gio") is None, reason="needs gio, the starter of GLib desktops")
@pytest.mark.parametrize("name", NASTY)
def test_a_real_desktop_library_reads_the_same(tmp_path, recorder, name):
    """GLib's own parser is the second oracle beside the specification."""
    make, called = recorder
    python, checkout = make(tmp_path / name / "python3"), tmp_path / name / "glassbox"
    entry = launcher.install_desktop_entry(python, checkout, tmp_path / "data")[0]
    subprocess.run(["gio", "launch", str(entry)], cwd="/", check=True, capture_output=True)
    wait_for(tmp_path / "record")
    assert called() == [str(python), str(checkout / "gui"), "--from-launcher"]


def wait_for(file: Path) -> None:
    """The starter does not wait for what it starts."""
    for _ in range(100):
        if file.exists() and file.read_bytes().endswith(b"--from-launcher\0"):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("nothing was started")


def test_the_entry_names_icon_and_window(tmp_path):
    """The icon by the name under which it is installed, the window by what Qt sets for the application's name."""
    files = launcher.install_desktop_entry(Path("/usr/bin/python3"), Path("/opt/glassbox"), tmp_path)
    entry = entry_of(files[0].read_text(encoding="utf-8"))
    assert files[0] == tmp_path / "applications/org.glassbox.Glassbox.desktop"
    assert (entry["Name"], entry["StartupWMClass"], entry["Terminal"]) == ("Glassbox", "Glassbox", "false")
    icons = {file.relative_to(tmp_path) for file in files[1:]}
    folders = [f"{width}x{width}" for width in (16, 22, 24, 32, 48, 64, 128, 256, 512)]
    expected = {Path("icons/hicolor") / folder / "apps" / f"{entry['Icon']}.png" for folder in folders}
    assert icons == expected | {Path("icons/hicolor/scalable/apps") / f"{entry['Icon']}.svg"}
    assert all((tmp_path / file).stat().st_size > 0 for file in icons)


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="needs desktop-file-utils")
@pytest.mark.parametrize("name", NASTY)
def test_the_entry_is_valid(tmp_path, name):
    installed = launcher.install_desktop_entry(Path("/usr/bin") / name, tmp_path / name, tmp_path / "data")[0]
    done = subprocess.run(["desktop-file-validate", "--no-hints", str(installed)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the menu of Linux desktops")
def test_install_honours_the_data_folder(tmp_path):
    """XDG_DATA_HOME, unless it is relative, which the specification says to ignore."""
    files = launcher.install_launcher({"XDG_DATA_HOME": str(tmp_path)})
    assert files[0].parent == tmp_path / "applications"
    command = command_line(entry_of(files[0].read_text(encoding="utf-8")), "")
    assert Path(command[0]).exists()
    assert Path(command[1]) == ROOT / "gui"
    assert launcher.data_home({"XDG_DATA_HOME": "relative"}) == Path.home() / ".local/share"


def test_the_entry_outlives_the_environment(monkeypatch, tmp_path):
    """Started from the checkout's own `.venv`, the entry names the Python behind it; any other Python stays as it is."""
    monkeypatch.setattr(launcher, "CHECKOUT", tmp_path)
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/base")
    monkeypatch.setattr(sys, "executable", "/opt/other/python")
    assert launcher.interpreter() == Path("/opt/other/python")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert launcher.interpreter() == Path("/usr/bin/base")


@posix_only
def test_mac_bundle(tmp_path, recorder):
    """The bundle's program starts the checkout; its property list names the program and the icon that are there."""
    make, called = recorder
    python = make(tmp_path / "it's a $folder" / "python3")
    bundle = launcher.install_bundle(python, tmp_path / "check out", tmp_path / "Applications")[0]
    keys = plistlib.loads((bundle / "Contents/Info.plist").read_bytes())
    assert (bundle / "Contents/Resources" / keys["CFBundleIconFile"]).read_bytes().startswith(b"icns")
    subprocess.run([bundle / "Contents/MacOS" / keys["CFBundleExecutable"]], cwd="/", check=True)
    assert called() == [str(python), str(tmp_path / "check out/gui"), "--from-launcher"]


class TestWindowsShortcut:
    """The call of PowerShell; its answer is scripted, since it is there on Windows only."""

    @pytest.fixture
    def powershell(self, monkeypatch, tmp_path):
        """A PowerShell that ends with a code, and writes the shortcut if that is 0."""
        calls = []

        def set_code(code: int) -> list[dict]:
            def run(command: list[str], **options):
                calls.append(options["env"])
                if code == 0:
                    link = Path(options["env"]["GLASSBOX_LINK"])
                    link.parent.mkdir(parents=True)
                    link.touch()
                return subprocess.CompletedProcess(command, code, "", "Access is denied.\nAt line 3\n" if code else "")

            monkeypatch.setattr(launcher.subprocess, "run", run)
            return calls

        self.environ = {"APPDATA": str(tmp_path / "roaming"), "LOCALAPPDATA": str(tmp_path / "local")}
        return set_code

    def test_values_reach_powershell_unquoted(self, powershell, tmp_path):
        calls = powershell(0)
        link, icon = launcher.install_shortcut(tmp_path / "python.exe", tmp_path / "check $out", self.environ)
        values = calls[0]
        assert values["GLASSBOX_LINK"] == str(link)
        assert values["GLASSBOX_ARGUMENTS"] == f'"{tmp_path / "check $out" / "gui"}" --from-launcher'
        assert icon.read_bytes()[:4] == b"\0\0\1\0"

    def test_a_refusal_is_told(self, powershell, tmp_path):
        powershell(1)
        with pytest.raises(launcher.LauncherError, match=r"did not make the shortcut .*Glassbox.lnk: Access is denied\."):
            launcher.install_shortcut(tmp_path / "python.exe", tmp_path, self.environ)

    def test_a_system_without_a_start_menu(self, tmp_path):
        with pytest.raises(launcher.LauncherError, match="APPDATA"):
            launcher.install_shortcut(tmp_path / "python.exe", tmp_path, {})


class TestLaunchersOfTheCheckout:
    """The files under resources/launchers, which find the checkout by their own place."""

    @pytest.fixture
    def checkout(self, tmp_path):
        """A copy in a folder with an awkward name, whose program reports its arguments."""
        checkout = tmp_path / "a $check 'out"
        shutil.copytree(ROOT / "resources/launchers", checkout / "resources/launchers")
        (checkout / "gui").mkdir()
        (checkout / "gui/__main__.py").write_text("import sys; print(sys.argv)")
        self.expected = f"{[str(checkout / 'gui'), '--from-launcher']}\n"
        return checkout

    @posix_only
    @pytest.mark.parametrize("name", ["glassbox.sh", "Glassbox.command"])
    def test_shell(self, checkout, name):
        file = checkout / "resources/launchers" / name
        assert file.stat().st_mode & stat.S_IXUSR
        done = subprocess.run([file], cwd="/", capture_output=True, text=True, check=True)
        assert done.stdout == self.expected

    @posix_only
    @pytest.mark.parametrize("is_uri", [False, True])
    def test_desktop_file(self, checkout, is_uri):
        """%k is "the location of the desktop file as either a URI or a local filename"."""
        file = checkout / "resources/launchers/Glassbox.desktop"
        command = command_line(entry_of(file.read_text()), file.as_uri() if is_uri else str(file))
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
        assert done.stdout == self.expected

    def test_windowed_python(self, checkout):
        file = checkout / "resources/launchers/Glassbox.pyw"
        done = subprocess.run([sys.executable, file], cwd=checkout.parent, capture_output=True, text=True, check=True)
        assert done.stdout == self.expected

    def test_batch_file_has_the_line_ends_of_windows(self):
        text = (ROOT / "resources/launchers/Glassbox.bat").read_bytes()
        assert text.count(b"\r\n") == text.count(b"\n") > 0
        assert b'"%~dp0..\\..\\gui" --from-launcher' in text


@pytest.mark.parametrize("width", launcher.ICON_WIDTHS)
def test_icons_are_the_drawing(qapp, width):
    """Every PNG is the SVG at its size (to make one anew: render glassbox.svg as done here, and save)."""
    renderer = QSvgRenderer(str(Paths.resource("icons", "glassbox.svg")))
    expected = QImage(width, width, QImage.Format.Format_ARGB32_Premultiplied)
    expected.fill(0)
    painter = QPainter(expected)
    renderer.render(painter)
    painter.end()
    stored = QImage(str(Paths.resource("icons", f"{width}.png"))).convertToFormat(expected.format())
    assert stored.size() == expected.size()
    difference = sum(abs(a - b) for a, b in zip(bytes(stored.constBits()), bytes(expected.constBits()), strict=True))
    assert difference <= 4 * width * width


def test_icon_files_are_read_back(qapp, tmp_path):
    """Qt reads our .ico in every size it was made from; the .icns is a chain of chunks whose sizes add up."""
    images = {}
    for width in (16, 32, 64, 256):
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image = QImage(width, width, QImage.Format.Format_ARGB32)
        image.fill(width)
        image.save(buffer, "PNG")
        images[width] = bytes(buffer.data())
    (tmp_path / "icon.ico").write_bytes(ico(images | {512: b"too wide"}))
    assert sorted(size.width() for size in QIcon(str(tmp_path / "icon.ico")).availableSizes()) == [16, 32, 64, 256]

    data, found, position = icns(images), {}, 8
    assert struct.unpack(">4sI", data[:8]) == (b"icns", len(data))
    while position < len(data):
        kind, size = struct.unpack_from(">4sI", data, position)
        found[kind] = data[position + 8 : position + size]
        position += size
    assert found == {b"ic11": images[32], b"ic12": images[64], b"ic08": images[256]}
