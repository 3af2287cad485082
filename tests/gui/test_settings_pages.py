"""What the pages of the settings dialog say besides their options."""

import pytest
from PySide6.QtWidgets import QLabel

from gui.models.settings import Settings
from gui.theme import LIGHT
from gui.views.settings_dialog.dialog import SettingsDialog


@pytest.mark.parametrize(
    ("key", "waits"), [("top_p", True), ("system_prompt", True), ("theme", False), ("threads", False), ("seed", True)]
)
def test_only_what_waits_for_the_next_answer_says_so(qtbot, key, waits):
    """A theme changes at once and threads load the model again: there the footer would be wrong."""
    dialog = SettingsDialog(Settings(), (), LIGHT)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.show_option(key)
    said = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert ("A change applies from the next answer on." in said) is waits
