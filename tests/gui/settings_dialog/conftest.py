"""A settings dialog on screen, and what its tests do with it."""

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from gui.models.option import NumberOption
from gui.models.settings import OPTIONS, Settings
from gui.theme import LIGHT
from gui.views.settings_dialog import SettingsDialog

SHOWN = [option for option in OPTIONS if option.group]


SLIDERS = [option for option in SHOWN if isinstance(option, NumberOption) and option.has_slider]


SCENE = "A conversation.\n\nUser: Hello\n"


class Recorder:
    """Collects what the dialog emits."""

    def __init__(self, dialog):
        self.changes = []
        dialog.changed.connect(self.changes.append)


@pytest.fixture
def make(qtbot):
    def make_dialog(settings=None, notes=(), theme=LIGHT):
        dialog = SettingsDialog(settings or Settings(), notes, theme)
        qtbot.addWidget(dialog)
        dialog.show()
        dialog.activateWindow()
        qtbot.waitUntil(dialog.isActiveWindow)
        return dialog

    return make_dialog


@pytest.fixture
def dialog(make):
    return make()


def button(dialog, text):
    found = [b for b in dialog.findChildren(QAbstractButton) if b.text().replace("&", "") == text]
    assert len(found) == 1, f"{text}: {len(found)} buttons"
    return found[0]


def retype(box, text):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
