"""`python3 -m gui` starts Glassbox, setting it up first where it must.

Up to the import of `gui.app` everything here runs on the standard library; this file is also read by Pythons that are
too old for the rest, to say so.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"Glassbox needs Python 3.11 or newer, and this is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Install a newer one and start with it, for example: python3.12 -m gui"
    )

import argparse
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
if not __package__:  # started as `python3 /path/to/gui`, from any folder
    sys.path[0] = str(CHECKOUT)

from gui import bootstrap  # noqa: E402  after the path is right
from gui.bootstrap.errors import SetupError  # noqa: E402


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m gui",
        description="Chat with a language model on your own computer, and see what else it could have said.",
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help="a model folder (Hugging Face layout, safetensors)")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="keep settings and data in DIR")
    parser.add_argument("--self-check", action="store_true", help="run the program off screen, measure it and print a report")
    parser.add_argument("--install-launcher", action="store_true", help="add Glassbox to the desktop's applications menu")
    parser.add_argument("--version", action="version", version=f"Glassbox {bootstrap.version()}")
    parser.add_argument("--from-launcher", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Set up what is missing, then do what the options say; raises SetupError when the program cannot start."""
    if options.install_launcher:
        return install_launcher()

    from gui.bootstrap import desktop

    if not options.self_check:
        desktop.require_display()
    bootstrap.prepare("gui", arguments, with_window=options.from_launcher)
    desktop.require_libraries(with_window=not options.self_check)
    if not options.self_check:
        desktop.require_connection()

    from gui.paths import FolderError

    try:
        return start(options)
    except FolderError as error:
        raise SetupError(str(error)) from error


def start(options: argparse.Namespace) -> int:
    """Import the program, now that it can be imported, and run it."""
    if options.self_check:
        from gui import self_check

        return self_check.run(options.model)

    from gui.app import main as open_window

    return open_window(options.model, options.profile)


def install_launcher() -> int:
    """Put Glassbox into the applications menu and say where."""
    from gui.launcher import install_launcher as install

    try:
        paths = install()
    except OSError as error:
        raise SetupError(f"The menu entry could not be made: {error}") from error
    sys.stdout.write(f"Glassbox is in the applications menu now: {paths[0]}\n")
    return 0


def main(arguments: Sequence[str]) -> int:
    """The program's exit code."""
    if sys.stderr is not None:  # a windowed Python has none
        import faulthandler

        faulthandler.enable()
    options = parse_arguments(arguments)
    try:
        return run(options, arguments)
    except SetupError as error:
        bootstrap.report(error, with_window=options.from_launcher)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
