"""What Qt needs of a Linux desktop, checked before Qt would abort without a word that helps: a display and libraries."""

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping

from gui.bootstrap.errors import SetupError

# Libraries that the PySide6 wheels use and do not bring, and the Debian packages that do. tests/gui/test_desktop.py
# compares them with what the installed files ask for.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
XCB_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
WAYLAND_LIBRARIES = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}


def is_checked(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether Qt will open windows in an X or Wayland session; the user may have chosen another platform."""
    chosen = environ.get("QT_QPA_PLATFORM", "").partition(";")[0].partition(":")[0]
    return sys.platform.startswith("linux") and chosen in ("", "xcb", "wayland")


def require_display(environ: Mapping[str, str] = os.environ) -> None:
    """Raise SetupError where there is no session to open a window in; costs nothing, so it comes before set-up."""
    if is_checked(environ) and not environ.get("DISPLAY") and not environ.get("WAYLAND_DISPLAY"):
        raise SetupError(
            "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Start Glassbox from a desktop session, "
            "or check the installation without one: python3 -m gui --self-check"
        )


def require_libraries(*, with_window: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Raise SetupError naming every system library that Qt would not find, and the packages that bring them."""
    if not sys.platform.startswith("linux"):
        return
    lacking = absent_libraries(QT_LIBRARIES)
    if with_window and is_checked(environ):
        lacking += _absent_for_session(environ)
    if lacking:
        packages = sorted({_package(library) for library in lacking})
        raise SetupError(
            f"Qt needs system libraries that are not installed ({', '.join(lacking)}). "
            f"On Debian or Ubuntu: sudo apt install {' '.join(packages)}"
        )


def require_connection(environ: Mapping[str, str] = os.environ) -> None:
    """Raise SetupError where DISPLAY names an X server that does not answer, and there is no other session."""
    if not is_checked(environ) or environ.get("WAYLAND_DISPLAY") or not environ.get("DISPLAY"):
        return
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    has_failed = xcb.xcb_connection_has_error(connection) != 0
    xcb.xcb_disconnect(connection)
    if has_failed:
        raise SetupError(
            f"The display DISPLAY={environ['DISPLAY']} does not answer. Start Glassbox from a desktop session, "
            "or check the installation without one: python3 -m gui --self-check"
        )


def absent_libraries(libraries: Iterable[str]) -> list[str]:
    """Those of the shared libraries that the dynamic linker does not find."""
    return [name for name in libraries if not _can_load(name)]


def _absent_for_session(environ: Mapping[str, str]) -> list[str]:
    """What the session's platform lacks; in a Wayland session with X beside it, one complete platform is enough."""
    platforms = []
    if environ.get("WAYLAND_DISPLAY"):
        platforms.append(absent_libraries(WAYLAND_LIBRARIES))
    if environ.get("DISPLAY"):
        platforms.append(absent_libraries(XCB_LIBRARIES))
    return min(platforms, key=len, default=[])


def _package(library: str) -> str:
    return {**QT_LIBRARIES, **XCB_LIBRARIES, **WAYLAND_LIBRARIES}[library]


def _can_load(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
