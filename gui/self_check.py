"""`python3 -m gui --self-check`: the real program off screen, measured; one JSON document, or what is broken.

Sends the same prompt again and again with fixed seeds, in turn with everything closed, with the panel open, and with the
text tinted as well, and records how long the UI thread was ever kept from answering.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Slot

from gui import diagnostics
from gui.app import Glassbox, make_application
from gui.garbage import GarbagePolicy
from gui.paths import Paths
from inference.types import RunFailed

PROMPT = "Tell me a story about a dragon."
FIRST_ANSWER_TOKENS = 64
ANSWER_TOKENS = 192  # long enough for the panel to change as it does in use
STATES = ("closed", "panel", "tint")
ROUNDS = 36  # after a first one in each state that warms up
TICK_MS = 5
TIMEOUT_MS = 300_000


class PauseMeter(QObject):
    """A timer that notes how late it is called: the pauses of the UI thread, in milliseconds."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self.pauses_ms: list[float] = []
        self._due_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Begin to measure."""
        self._due_s = time.perf_counter() + TICK_MS / 1000
        self._timer.start()

    def stop(self) -> None:
        """Measure no more."""
        self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        now = time.perf_counter()
        self.pauses_ms.append(max(0.0, 1000 * (now - self._due_s)))
        self._due_s = now + TICK_MS / 1000


class SelfCheck(QObject):
    """Drives the program through its rounds; `report` is complete, or `error` says what is broken, when it quits."""

    def __init__(self, program: Glassbox):
        super().__init__(program)
        self.error = ""
        self.report: dict[str, object] = {}
        self._program = program
        self._meter = PauseMeter(self)
        self._round = 0
        self._sent_s = 0.0
        self._first_token_s: list[float] = []
        self._tokens: list[int] = []  # of each answer; a model may end one early
        self._rates: dict[str, list[float]] = {state: [] for state in STATES}
        program.window.installEventFilter(self)
        program.host.model_ready.connect(self._on_model_ready)
        program.host.load_failed.connect(self._on_failed)
        program.host.run_failed.connect(self._on_failed)
        program.chat.tokens_added.connect(self._on_tokens_added)
        program.chat.answer_ended.connect(self._on_answer_ended)
        QTimer.singleShot(TIMEOUT_MS, self, self._on_timeout)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notes when the window is first painted."""
        if event.type() == QEvent.Type.Paint and "first_window_s" not in self.report:
            self.report["first_window_s"] = round(diagnostics.process_age_s(), 3)
            self._program.window.removeEventFilter(self)
        return super().eventFilter(watched, event)

    @Slot(object)
    def _on_model_ready(self, spec: object) -> None:
        self.report["model_ready_s"] = round(diagnostics.process_age_s(), 3)
        self._meter.start()
        self._next_round()

    @property
    def _state(self) -> str:
        """One after the other, each group of rounds beginning with another: no state has the better place."""
        group, place = divmod(self._round, len(STATES))
        return STATES[(group + place) % len(STATES)]

    def _next_round(self) -> None:
        """One answer; the rounds of a group share a seed."""
        self._program.chat.new_chat()
        state = self._state
        self._program.window.actions_by_key["panel"].setChecked(state != "closed")
        self._program.preferences.update(
            {
                "tint": "surprise" if state == "tint" else "off",
                "strips": "hidden" if state == "closed" else "shown",
                "seed": self._round // len(STATES),
            }
        )
        tokens = ANSWER_TOKENS if self._round else FIRST_ANSWER_TOKENS
        self._program.preferences.update({"max_new_tokens": tokens})
        self._sent_s = time.perf_counter()
        self._program.chat.send(PROMPT)

    @Slot(int)
    def _on_tokens_added(self, _message: int) -> None:
        if len(self._first_token_s) <= self._round:
            self._first_token_s.append(time.perf_counter() - self._sent_s)

    @Slot(int)
    def _on_answer_ended(self, message: int) -> None:
        answer = self._program.conversation.messages[message]
        if answer.status == "failed":  # run_failed tells why
            return
        stats = answer.stats
        if stats is None or not stats.new_tokens:
            self.give_up(f"the answer of round {self._round} has no tokens")
            return
        self._tokens.append(stats.new_tokens)
        if self._round >= len(STATES):  # the first group warms up
            self._rates[self._state].append(stats.tokens_per_s)
        self._round += 1
        if self._round < ROUNDS + len(STATES):
            QTimer.singleShot(0, self, self._next_round)
        else:
            self._finish()

    def _finish(self) -> None:
        self._meter.stop()
        spec = self._program.chat.spec
        pauses = sorted(self._meter.pauses_ms)
        self.report |= {
            "first_answer_tokens": self._tokens[0],
            "all_answers_tokens": sum(self._tokens),
            "time_to_first_token_s": round(statistics.median(self._first_token_s), 4),
            "tokens_per_s": self._rate("panel"),
            "tokens_per_s_panel_closed": self._rate("closed"),
            "tokens_per_s_tinted": self._rate("tint"),
            "ui_pause_p99_ms": round(pauses[int(0.99 * (len(pauses) - 1))], 2),
            "ui_pause_max_ms": round(pauses[-1], 2),
            "panel_cost_percent": self._cost_percent("panel"),
            "panel_and_tint_cost_percent": self._cost_percent("tint"),
            "peak_rss_bytes": diagnostics.peak_rss_bytes(),
            "device": spec.device,
            "dtype": spec.dtype,
            "model": spec.name,
            "weights_hash": spec.weights_hash,
            "versions": diagnostics.package_versions(),
        }
        QCoreApplication.quit()

    def _rate(self, state: str) -> float:
        return round(statistics.median(self._rates[state]), 1)

    def _cost_percent(self, state: str) -> float:
        """What a state costs, of the tokens per second with everything closed: the median over pairs of one seed."""
        pairs = zip(self._rates[state], self._rates["closed"], strict=True)
        return round(100 * (1 - statistics.median(on / off for on, off in pairs)), 2)

    @Slot(object)
    def _on_failed(self, failure: RunFailed) -> None:
        self.give_up(failure.message)

    @Slot()
    def _on_timeout(self) -> None:
        self.give_up(f"no result after {TIMEOUT_MS // 1000} seconds, in round {self._round}")

    def give_up(self, error: str) -> None:
        """End the check; the first error is the one to tell."""
        self.error = self.error or error
        QCoreApplication.quit()


def check(paths: Paths, model: Path | None) -> int:
    """Run the program once; prints the report or the error, returns the exit code."""
    program = Glassbox(make_application(paths), paths, model)
    program.preferences.update({"seed_mode": "fixed", "temperature": 0.7})
    garbage = GarbagePolicy(program.is_busy, program)
    program.host.model_ready.connect(garbage.freeze)
    checker = SelfCheck(program)
    diagnostics.install_handlers(checker.give_up)  # a slot that fails is something broken, too
    if (model or paths.bundled_model()) is None:
        checker.error = "this copy has no bundled model; name one with --model"
    else:
        program.start()
        QCoreApplication.exec()
    is_closed = program.close()
    garbage.release()
    if checker.error or not is_closed:
        print(f"self-check failed: {checker.error or 'the engine thread did not end'}", file=sys.stderr)
        return 1
    print(json.dumps(checker.report, indent=2))
    return 0


def run(model: Path | None) -> int:
    """The self-check with settings of its own, so that nothing of the user's is touched."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="glassbox-check-") as folder:
        return check(Paths(Path(folder)), model)
