"""Puts Glassbox, with its own icon, into the applications menu of the desktop; standard library only.

What is installed starts the checkout by absolute paths, from any working directory, and sets up what is missing.
"""

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gui.icon_files import icns, ico
from gui.paths import RESOURCES

APPLICATION_ID = "org.glassbox.Glassbox"
CHECKOUT = RESOURCES.parent
ICON_WIDTHS = (16, 22, 24, 32, 48, 64, 128, 256, 512)
SUMMARY = "Chat with a language model on this computer and see what else it could have said"

# The values come in by the environment, where no quoting can go wrong.
MAKE_SHORTCUT = """
$ErrorActionPreference = 'Stop'
$shortcut = (New-Object -ComObject WScript.Shell).CreateShortcut($env:GLASSBOX_LINK)
$shortcut.TargetPath = $env:GLASSBOX_TARGET
$shortcut.Arguments = $env:GLASSBOX_ARGUMENTS
$shortcut.WorkingDirectory = $env:GLASSBOX_FOLDER
$shortcut.IconLocation = $env:GLASSBOX_ICON
$shortcut.Description = $env:GLASSBOX_SUMMARY
$shortcut.Save()
"""


class LauncherError(OSError):
    """The system did not take the menu entry; the text says why."""


def install_launcher(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Install the menu entry for this user; returns the files written, the entry first. Raises OSError."""
    python = interpreter()
    if sys.platform == "win32":
        return install_shortcut(python, CHECKOUT, environ)
    if sys.platform == "darwin":
        return install_bundle(python, CHECKOUT, Path.home() / "Applications")
    return install_desktop_entry(python, CHECKOUT, data_home(environ))


def interpreter() -> Path:
    """The Python to start with: this one, or the one that the checkout's own environment was made from.

    The environment may be deleted and made again at any time; the Python behind it can do that.
    """
    is_ours = os.path.realpath(sys.prefix) == os.path.realpath(CHECKOUT / ".venv")
    return Path(sys._base_executable if is_ours else sys.executable)


def data_home(environ: Mapping[str, str]) -> Path:
    """The folder of the user's data by the XDG base directory specification, which ignores relative paths."""
    chosen = environ.get("XDG_DATA_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else Path.home() / ".local" / "share"


def install_desktop_entry(python: Path, checkout: Path, data_folder: Path) -> list[Path]:
    """Linux and the BSDs: a desktop entry, and the icon in every size."""
    entry = data_folder / "applications" / f"{APPLICATION_ID}.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_bytes(os.fsencode(desktop_entry(python, checkout)))
    theme = data_folder / "icons" / "hicolor"
    icons = [_copy_icon(f"{width}.png", theme / f"{width}x{width}") for width in ICON_WIDTHS]
    icons.append(_copy_icon("glassbox.svg", theme / "scalable"))
    os.utime(theme)  # tells desktops that cache the theme to look again
    update = shutil.which("update-desktop-database")
    if update:  # only speeds up what desktops find by themselves, so that a failure does no harm
        subprocess.run([update, str(entry.parent)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return [entry, *icons]


def desktop_entry(python: Path, checkout: Path) -> str:
    """The text of the entry: https://specifications.freedesktop.org/desktop-entry-spec/latest/"""
    command = " ".join([quote_exec(str(python)), quote_exec(str(checkout / "gui")), "--from-launcher"])
    if "%" in str(python):  # GLib looks for the program before it reads "%%" as "%", and drops the entry
        command = f"env {command}"
    return f"""[Desktop Entry]
Type=Application
Version=1.4
Name=Glassbox
GenericName=Language Model Chat
Comment={SUMMARY}
Keywords=chat;AI;LLM;transformer;probability;tokens;
Exec={escape_value(command)}
Icon={APPLICATION_ID}
Terminal=false
Categories=Education;Science;Utility;
StartupNotify=true
StartupWMClass=Glassbox
"""


def quote_exec(argument: str) -> str:
    """An argument of the Exec key: in double quotes, with the characters escaped that stay special there."""
    for character in ("\\", '"', "`", "$"):  # the backslash first
        argument = argument.replace(character, f"\\{character}")
    return f'"{argument}"'.replace("%", "%%")


def escape_value(text: str) -> str:
    """A string as the value of any key; for Exec this comes on top of the quoting."""
    for character, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(character, escape)
    return text


def install_bundle(python: Path, checkout: Path, applications: Path) -> list[Path]:
    """macOS: an application bundle whose program is a script."""
    bundle = applications / "Glassbox.app"
    contents = bundle / "Contents"
    information = contents / "Info.plist"
    program = contents / "MacOS" / "Glassbox"
    icon = contents / "Resources" / "Glassbox.icns"
    for file in (program, icon):
        file.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(os.fsencode(f"#!/bin/sh\nexec {shlex.join([str(python), str(checkout / 'gui'), '--from-launcher'])}\n"))
    program.chmod(0o755)
    icon.write_bytes(icns(_images()))
    keys = {
        "CFBundleName": "Glassbox",
        "CFBundleIdentifier": APPLICATION_ID,
        "CFBundleExecutable": program.name,
        "CFBundleIconFile": icon.name,
        "CFBundlePackageType": "APPL",
        "NSHighResolutionCapable": True,
    }
    information.write_bytes(plistlib.dumps(keys))
    return [bundle, program, icon, information]


def install_shortcut(python: Path, checkout: Path, environ: Mapping[str, str]) -> list[Path]:
    """Windows: a shortcut in the Start menu, made by PowerShell since only its shell objects can write one."""
    try:
        link = Path(environ["APPDATA"], "Microsoft", "Windows", "Start Menu", "Programs", "Glassbox.lnk")
        icon = Path(environ["LOCALAPPDATA"], "Glassbox", "glassbox.ico")
    except KeyError as error:
        raise LauncherError(f"Windows does not say where the Start menu is: {error} is not set.") from error
    icon.parent.mkdir(parents=True, exist_ok=True)
    icon.write_bytes(ico(_images()))
    windowed = python.with_name("pythonw.exe")
    values = {
        "GLASSBOX_LINK": str(link),
        "GLASSBOX_TARGET": str(windowed if windowed.exists() else python),
        "GLASSBOX_ARGUMENTS": subprocess.list2cmdline([str(checkout / "gui"), "--from-launcher"]),
        "GLASSBOX_FOLDER": str(checkout),
        "GLASSBOX_ICON": str(icon),
        "GLASSBOX_SUMMARY": SUMMARY,
    }
    command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", MAKE_SHORTCUT]
    made = subprocess.run(command, env={**environ, **values}, capture_output=True, text=True, errors="replace", check=False)
    if made.returncode != 0 or not link.exists():
        reason = (made.stderr.strip().splitlines() or [f"PowerShell ended with code {made.returncode}"])[0]
        raise LauncherError(f"Windows did not make the shortcut {link}: {reason}")
    return [link, icon]


def _copy_icon(name: str, folder: Path) -> Path:
    target = folder / "apps" / f"{APPLICATION_ID}{Path(name).suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(RESOURCES / "icons" / name, target)
    return target


def _images() -> dict[int, bytes]:
    return {width: (RESOURCES / "icons" / f"{width}.png").read_bytes() for width in ICON_WIDTHS}
