"""Canaries for the pair of Python and PySide6: releases are known in which ordinary Qt calls end the process."""

import subprocess
import sys

from PySide6.QtCore import QObject, QTimer

CALLS = 10_000
# Enough to use up every reference of None where each call drops one: the process then aborts.
STOP_MANY_TIMERS = """
from PySide6.QtCore import QCoreApplication, QTimer
application = QCoreApplication([])
timer = QTimer()
for _ in range(200_000):
    timer.stop()
print("alive")
"""


def test_qt_calls_keep_the_references_of_none():
    """PySide6 6.12.0 drops one reference of None per call that returns nothing (Python 3.11 and older abort at zero)."""
    thing, timer = QObject(), QTimer()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        thing.setObjectName("name")
        timer.stop()
    assert abs(sys.getrefcount(None) - before) < CALLS / 100


def test_a_long_run_of_qt_calls_survives():
    """The same fault as a user would meet it."""
    done = subprocess.run([sys.executable, "-c", STOP_MANY_TIMERS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-500:]
