"""`python3 -m tests [pytest arguments]` runs the tests, setting everything up first where it must.

Paths among the arguments are relative to the checkout.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"The tests of Glassbox need Python 3.11 or newer, and this is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Install a newer one and start with it, for example: python3.12 -m tests"
    )

import os
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
if not __package__:  # started as `python3 /path/to/tests`, from any folder
    sys.path[0] = str(CHECKOUT)

from gui import bootstrap  # noqa: E402  after the path is right
from gui.bootstrap.errors import SetupError  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """The exit code of pytest, or 1 when the set-up fails."""
    from gui.bootstrap import desktop

    try:
        bootstrap.prepare("tests", arguments, extras=["test"])
        desktop.require_libraries(with_window=False)
    except SetupError as error:
        bootstrap.report(error)
        return 1

    import pytest

    os.chdir(CHECKOUT)
    return pytest.main(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
