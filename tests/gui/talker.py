"""The program without a screen, talking on and on: prints each message once it is acknowledged, until it is killed.

`python3 -m tests.gui.talker PROFILE`; the same texts as `message_text`, so that whoever reads knows what to look for.
"""

import itertools
import os
import sys
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from gui.app import Glassbox
from gui.paths import Paths
from tests.gui.scripted import ScriptedEngine, ScriptedWorker


def message_text(number: int) -> str:
    """The message of that number, with something in it that takes more than a byte."""
    return f"message {number} 😀 " + "long " * (number % 50)


def talk(profile: Path) -> None:
    """Send, acknowledge, let the engine answer; now and then by steps, once more beside the first answer, or in a new chat."""
    application = QApplication([])
    workers: list[ScriptedWorker] = []

    def make_worker(post: object) -> ScriptedWorker:
        workers.append(ScriptedWorker(post, ScriptedEngine("An answer. " * 8)))
        return workers[-1]

    program = Glassbox(application, Paths(profile), Path("/scripted"), make_worker)
    program.journal._timer.setInterval(10)  # many saves of a growing answer, so that some are hit
    program.start()
    for number in itertools.count():
        program.chat.send(message_text(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        if number % 3 == 1:
            step_through(program, workers[0])
        wait_for_answer(program, workers[0])
        if number % 3 == 2:
            program.chat.answer_again(len(program.conversation.messages) - 1)
            wait_for_answer(program, workers[0])
        if number % 20 == 19:
            program.chat.new_chat()


def step_through(program: Glassbox, worker: ScriptedWorker) -> None:
    """Pause the answer, draw some of its tokens one by one, choose one, and let it go on."""
    worker.run(8)
    program.chat.pause()
    wait_for_answer(program, worker)
    for _ in range(4):
        program.chat.step()
        wait_for_answer(program, worker)
    program.chat.take((ord("!"),))
    wait_for_answer(program, worker)
    program.chat.resume()


def wait_for_answer(program: Glassbox, worker: ScriptedWorker) -> None:
    """Let the engine speak until it has nothing more to say."""
    while program.chat.is_busy:
        worker.run(10)
        QCoreApplication.processEvents()
        time.sleep(0.002)


if __name__ == "__main__":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    talk(Path(sys.argv[1]))
