"""When something goes wrong: the log file, the last-resort handlers, and what a user can copy into a report."""

import logging
import logging.handlers
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler, qVersion
from PySide6.QtGui import QGuiApplication

from inference.types import ModelSpec

log = logging.getLogger(__name__)
qt_log = logging.getLogger("qt")

IMPORTED_S = time.perf_counter()
LOG_BYTES = 1_000_000
PACKAGES = ("torch", "tiktoken", "safetensors", "numpy", "jinja2", "regex", "PySide6-Essentials", "platformdirs", "tomlkit")
QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def start_logging(file: Path) -> None:
    """Log to `file` (two old files kept) and to the terminal; a folder that cannot be written costs only the file."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setLevel(logging.WARNING)
    try:
        handlers.append(logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8"))
    except OSError as error:
        print(f"No log file: {error}", file=sys.stderr)  # noqa: T201  the log itself is what is missing
    logging.basicConfig(level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def install_handlers(report: Callable[[str], None]) -> None:
    """Send uncaught exceptions of any thread and Qt's own messages to the log; `report` shows a sentence to the user."""

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("uncaught exception", exc_info=(kind, error, trace))
        if threading.current_thread() is threading.main_thread():
            report(f"{kind.__name__}: {error}")

    def on_thread_exception(arguments: threading.ExceptHookArgs) -> None:
        on_exception(arguments.exc_type, arguments.exc_value or arguments.exc_type(), arguments.exc_traceback)

    def on_qt_message(level: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        qt_log.log(QT_LEVELS[level], message)

    sys.excepthook = on_exception
    threading.excepthook = on_thread_exception
    qInstallMessageHandler(on_qt_message)


def package_versions() -> dict[str, str]:
    """Versions of Python, Qt and every package the program stands on."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms that the first window need not wait for

    versions = {"python": platform.python_version(), "qt": qVersion()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def process_age_s() -> float:
    """Seconds since the operating system started this process; since this module was imported where it does not tell."""
    try:
        ticks = float(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return up - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.perf_counter() - IMPORTED_S


def peak_rss_bytes() -> int:
    """Largest memory this process has held; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def system_information(spec: ModelSpec | None) -> str:
    """Plain text for a report: versions, screen and the loaded model; nothing personal, no paths."""
    screen = QGuiApplication.primaryScreen()
    lines = [f"{name}: {value}" for name, value in package_versions().items()]
    lines.append(f"system: {platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} processors")
    lines.append(f"screen: {QGuiApplication.platformName()}, scale {screen.devicePixelRatio() if screen else 0:g}")
    lines.append(f"peak memory: {peak_rss_bytes() / 2**20:.0f} MiB")
    if spec is None:
        lines.append("model: none")
    else:
        lines.append(
            f"model: {spec.name}, {spec.family}, {spec.parameter_count:,} parameters, {spec.dtype} on {spec.device}, "
            f"context {spec.context_tokens:,}, weights {spec.weights_hash[:12]}"
        )
    return "\n".join(lines)
