"""The commands of the menus: their keys, which message they mean, and what is said where they cannot be done."""

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.actions import ACTIONS, MENUS
from gui.models.tint import TINT_KINDS
from tests.gui.conftest import Stage


@pytest.fixture
def answered(stage: Stage) -> Stage:
    """One exchange."""
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run()
    return stage


def test_every_key_means_one_command():
    keys = Counter(QKeySequence(keys).toString() for spec in ACTIONS for keys in spec.shortcuts)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("make", [QLineEdit, QTextEdit])
def test_no_field_keeps_the_key_of_a_command_for_itself(qtbot: QtBot, make: type[QWidget]):
    """A field asks for the keys that edit its text before any command gets them; no command may have such a key."""
    field = make()
    qtbot.addWidget(field)
    kept = []
    for spec in ACTIONS:
        for keys in spec.shortcuts:
            key = QKeySequence(keys)[0]
            event = QKeyEvent(QEvent.Type.ShortcutOverride, key.key(), key.keyboardModifiers())
            event.ignore()
            QApplication.sendEvent(field, event)
            kept += [keys] if event.isAccepted() else []
    assert kept == []


def test_every_letter_of_a_menu_means_one_entry(stage: Stage):
    for name, menu in (*stage.window.menus.items(), ("bar", stage.window.menuBar())):
        letters = [text[text.index("&") + 1].lower() for text in (action.text() for action in menu.actions()) if text]
        assert [letter for letter, count in Counter(letters).items() if count > 1] == [], name
    assert set(MENUS) <= set(stage.window.menus)


def test_the_menu_tints_the_text(stage: Stage):
    """Menu, legend and settings say the same, also where the next tint is chosen by key."""
    actions = stage.window.actions_by_key
    for kind in TINT_KINDS:
        actions[f"tint_{kind}"].trigger()
        assert stage.program.preferences.settings.tint == stage.window.legend.kind == kind
    actions["tint_rank"].trigger()
    assert actions["tint_rank"].isChecked()
    actions["tint"].trigger()
    assert [kind for kind in TINT_KINDS if actions[f"tint_{kind}"].isChecked()] == ["off"]
    assert actions["tints"].menu() is stage.window.menus["tints"]


def test_the_context_in_use_is_that_of_the_version_on_screen(answered: Stage):
    """An answer of another length took another part of the context."""
    whole = answered.program.chat.used_tokens
    answered.engine.text = "Hey."
    answered.program.chat.answer_again(1)
    answered.run()
    short = answered.program.chat.used_tokens
    assert short < whole
    answered.program.chat.show_sibling(1, -1)
    assert answered.program.chat.used_tokens == whole
    answered.program.chat.show_sibling(1, 1)
    assert answered.program.chat.used_tokens == short


def test_version_keys_act_where_there_are_versions(answered: Stage):
    """The last message that has some, the user's too, unless the reader holds a token of another that has some."""
    actions, chat, conversation = answered.window.actions_by_key, answered.program.chat, answered.conversation
    assert not actions["previous_version"].isEnabled()
    chat.send_instead(0, "Hello")
    answered.run()
    assert actions["previous_version"].isEnabled() and not actions["next_version"].isEnabled()
    actions["previous_version"].trigger()
    assert conversation.messages[0].text == "Hi"
    actions["next_version"].trigger()
    assert conversation.messages[0].text == "Hello"
    chat.answer_again(1)
    answered.run()
    answered.program.inspector.hold(0, 0)
    actions["previous_version"].trigger()
    assert conversation.messages[0].text == "Hi"


def test_f2_writes_the_last_message_differently_and_gives_the_draft_back(answered: Stage):
    """What was being written is there again after sending and after leaving it, in the mode it was written in."""
    composer = answered.window.composer
    composer.set_mode("continue")
    composer.set_text("a draft")
    answered.qtbot.keyClick(composer.edit, Qt.Key.Key_F2)
    assert (composer.text(), composer.mode) == ("Hi", "chat")
    answered.qtbot.keyClick(composer.edit, Qt.Key.Key_Escape)
    assert (composer.text(), composer.mode) == ("a draft", "continue")
    answered.qtbot.keyClick(composer.edit, Qt.Key.Key_F2)
    composer.set_text("Hello")
    answered.qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    answered.run()
    assert answered.conversation.messages[0].text == "Hello"
    assert answered.conversation.siblings(0) == (2, 2)
    assert (composer.text(), composer.mode) == ("a draft", "continue")


@pytest.mark.parametrize("command", ["continue", "compare", "raw", "replay"])
def test_what_needs_another_model_is_told_and_not_silently_left(answered: Stage, command: str):
    answer = answered.conversation.messages[1]
    answer.weights_hash = "another"
    asked = len(answered.engine.requests)
    answered.window.transcript.command_requested.emit(command, 1, 0)
    assert answered.window.statusBar().currentMessage() == f"This needs the model that gave the answer, {answer.author}."
    assert len(answered.engine.requests) == asked


def test_a_window_of_a_continued_text_is_named_after_it(stage: Stage):
    stage.ready()
    stage.program.chat.continue_text("Once upon a time")
    stage.run()
    assert stage.window.windowTitle().startswith("Once upon a time")


def test_nothing_of_a_step_can_be_taken_before_there_is_one(stage: Stage):
    stage.ready()
    keys = ("step_csv", "step_json", "copy_picture", "save_picture")
    assert not any(stage.window.actions_by_key[key].isEnabled() for key in keys)
    stage.program.chat.send("Hi")
    stage.run()
    assert all(stage.window.actions_by_key[key].isEnabled() for key in keys)


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
def test_the_keyboard_goes_round_the_whole_window(answered: Stage, key: Qt.Key):
    """No part keeps it: from the composer Tab comes by the rows, the temperature, the messages and the model, and back."""
    window = answered.window
    window.composer.focus()
    seen = []
    while not seen or (seen[-1] is not window.composer.edit and len(seen) < 40):
        answered.qtbot.keyClick(QApplication.focusWidget(), key)
        seen.append(QApplication.focusWidget())
    assert seen[-1] is window.composer.edit
    bodies = {view.body for view in window.transcript.column.views.values()}
    assert bodies | {window.composer.switch, window.panel.focusProxy()} < set(seen)
