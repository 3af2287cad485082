"""A transcript on screen, and what its tests ask of it."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.conversation import Conversation
from gui.theme import LIGHT
from gui.views.transcript.view import Transcript
from inference.types import TokenEvent, TokenNumbers

STORY = ["Once", " upon", " a", " time", " there", " was", " a", " dragon", ".", "\n\n", "It", " lived", " 🐉", "", "龙", " on."]


def events(texts, numbers=None, given=()):
    """Tokens of these texts; `numbers` of a step, or None, come from a function."""
    make = numbers or (lambda step: None)
    return [
        TokenEvent(1, step, step, text.encode() or b"\xe9", text, numbers=make(step), is_given=step in given)
        for step, text in enumerate(texts)
    ]


def bits(surprise, sampling=math.nan):
    """Numbers with this surprise."""
    return TokenNumbers(2.0**-surprise, sampling, surprise, surprise / 2, 1 + int(min(surprise, 1e5)))


def tell(talk, texts=STORY, status="done", numbers=None, given=()):
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, events(texts, numbers, given))
    talk.set_status(index, status)
    return index


@pytest.fixture
def talk():
    return Conversation()


@pytest.fixture
def transcript(qtbot, talk):
    widget = Transcript(talk, LIGHT)
    qtbot.addWidget(widget)
    widget.resize(700, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def shown(transcript, index):
    """The widget of a message, once the event loop has built it."""
    QApplication.processEvents()
    QTest.qWait(20)
    return transcript.column.views[index]


def fill(talk, count, text="A line of text that is there to be read. " * 6):
    for index in range(count):
        talk.add_message("assistant" if index % 2 else "user", f"{index}: {text}")


def point_of(view, token):
    """The middle of a token, in the body's viewport."""
    record = view._message.tokens[token]
    rect = view.body.rect_of(record.start, record.end)
    return QPoint(rect.center().x(), rect.center().y())


def pixels(widget, color, tolerance=2):
    """How many pixels of a widget have this colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    blue_green_red = np.array(QColor(color).getRgb()[2::-1])
    return int((abs(rows[:, : image.width(), :3].astype(int) - blue_green_red) <= tolerance).all(axis=2).sum())
