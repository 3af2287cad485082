"""The composer with real keys: what sends, what does not, and what happens to the text."""

import time

import pytest
from PySide6.QtCore import QMimeData, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.theme import DARK, LIGHT
from gui.views.composer.composer import DRAFT_PAUSE_MS, Composer
from gui.views.composer.message_edit import MAX_LINES

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def composer(qtbot):
    widget = Composer(LIGHT)
    qtbot.addWidget(widget)
    widget.resize(700, widget.sizeHint().height())
    widget.show()
    qtbot.waitExposed(widget)
    widget.focus()
    return widget


def submitted(composer):
    texts = []
    composer.submitted.connect(texts.append)
    return texts


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_sends_and_empties_the_field(composer, key):
    """The text leaves exactly as typed, on both Enter keys."""
    texts = submitted(composer)
    QTest.keyClicks(composer.edit, " Hello  ")
    QTest.keyClick(composer.edit, key)
    assert texts == [" Hello  "] and composer.text() == ""


def test_shift_enter_breaks_the_line(composer):
    """A message can have lines; "\\n" between them, no U+2028."""
    texts = submitted(composer)
    QTest.keyClicks(composer.edit, "a")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return, SHIFT)
    QTest.keyClicks(composer.edit, "b")
    assert composer.text() == "a\nb" and texts == []
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == ["a\nb"]


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\t \u00a0"])
def test_nothing_to_say_is_not_sent(composer, text):
    """Whitespace is no message: neither Enter nor the button sends it."""
    texts = submitted(composer)
    composer.set_text(text)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == [] and composer.text() == text and not composer.button.isEnabled()


def test_enter_belongs_to_the_input_method_while_it_composes(composer):
    """Choosing a candidate with Enter neither sends nor breaks the line; after the commit Enter sends."""
    texts = submitted(composer)
    QTest.keyClicks(composer.edit, "a")
    QApplication.sendEvent(composer.edit, QInputMethodEvent("ni hao", []))
    assert composer.edit.is_composing
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return, SHIFT)
    assert texts == [] and composer.text() == "a"
    commit = QInputMethodEvent("", [])
    commit.setCommitString("你好")
    QApplication.sendEvent(composer.edit, commit)
    assert composer.text() == "a你好" and not composer.edit.is_composing
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == ["a你好"]


def test_while_the_model_answers_enter_keeps_the_text_and_says_why(composer):
    """Nothing is sent and nothing lost; the usual hint is back when the answer is done."""
    texts = submitted(composer)
    composer.set_hint("Enter sends")
    composer.set_busy(True)
    QTest.keyClicks(composer.edit, "next question")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == [] and composer.text() == "next question"
    assert composer.hint.text() == "The model is answering: Esc stops it"
    composer.set_busy(False)
    assert composer.hint.text() == "Enter sends"
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == ["next question"]


def test_one_button_sends_or_stops(qtbot, composer):
    """Its text, its name and what it does follow set_busy; stopping keeps the draft."""
    texts = submitted(composer)
    composer.set_text("Hi")
    assert (composer.button.text(), composer.button.accessibleName()) == ("Send", "Send the message")
    QTest.mouseClick(composer.button, Qt.MouseButton.LeftButton)
    assert texts == ["Hi"]
    composer.set_text("draft")
    composer.set_busy(True)
    assert (composer.button.text(), composer.button.accessibleName()) == ("Stop", "Stop the answer")
    with qtbot.waitSignal(composer.stop_requested):
        QTest.mouseClick(composer.button, Qt.MouseButton.LeftButton)
    assert texts == ["Hi"] and composer.text() == "draft"


def test_stop_is_possible_with_an_empty_field(composer):
    """The button is off only where it would send nothing."""
    assert not composer.button.isEnabled()
    composer.set_busy(True)
    assert composer.button.isEnabled()
    composer.set_busy(False)
    assert not composer.button.isEnabled()


def test_holding_enter_down_sends_once(composer):
    """Auto-repeat of the key is no second message."""
    texts = submitted(composer)
    composer.set_text("Hi")
    QTest.keyPress(composer.edit, Qt.Key.Key_Return)
    composer.set_text("typed later")
    QTest.simulateEvent(composer.edit, True, Qt.Key.Key_Return.value, Qt.KeyboardModifier.NoModifier, "\r", True)
    assert texts == ["Hi"] and composer.text() == "typed later"


def test_up_in_an_empty_field_recalls_the_last_message(composer):
    """In a field with text it moves the caret as ever."""
    QTest.keyClicks(composer.edit, "first")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    QTest.keyClick(composer.edit, Qt.Key.Key_Up)
    assert composer.text() == "first"
    composer.set_text("other")
    QTest.keyClick(composer.edit, Qt.Key.Key_Up)
    assert composer.text() == "other"


def test_undo_brings_back_what_was_sent(composer):
    """Ctrl+Z works on typing and after sending."""
    QTest.keyClicks(composer.edit, "precious")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert composer.text() == ""
    QTest.keyClick(composer.edit, Qt.Key.Key_Z, CONTROL)
    assert composer.text() == "precious"


def test_pasting_is_plain(composer):
    """Rich text from a browser comes in as its text; colours and images stay out."""
    data = QMimeData()
    data.setHtml("<b style='color:red'>Bold</b> <img src='http://evil.example/x.png'>")
    data.setText("Bold <b>")
    QGuiApplication.clipboard().setMimeData(data)
    QTest.keyClick(composer.edit, Qt.Key.Key_V, CONTROL)
    assert composer.text() == "Bold <b>"
    image = QMimeData()
    image.setImageData(QColor("red"))
    assert not composer.edit.canInsertFromMimeData(image)


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000, ("a line of text " * 5 + "\n") * 13_000])
def test_pasting_a_megabyte_does_not_freeze(composer, text):
    """A word of a million characters took Qt half a minute to wrap; it must be there within seconds on any machine."""
    QGuiApplication.clipboard().setText(text)
    begin = time.perf_counter()
    QTest.keyClick(composer.edit, Qt.Key.Key_V, CONTROL)
    QApplication.processEvents()
    QTest.keyClicks(composer.edit, "!")
    QApplication.processEvents()
    assert time.perf_counter() - begin < 5
    assert composer.text() == text + "!"
    assert composer.height() < 300


def test_the_field_grows_to_eight_lines(composer):
    """One line at first, as high as its lines up to the limit, then it scrolls; it shrinks again."""
    heights = []
    for lines in (1, 2, MAX_LINES, MAX_LINES + 1, 40):
        composer.set_text("\n".join("x" * lines))
        QApplication.processEvents()
        heights.append(composer.edit.height())
    line = round(composer.edit.document().firstBlock().layout().lineAt(0).height())
    assert heights[1] - heights[0] == line
    assert heights[2] - heights[0] == (MAX_LINES - 1) * line
    assert heights[2] == heights[3] == heights[4]
    composer.set_text("")
    assert composer.edit.height() == heights[0]


def test_wrapped_lines_count(composer):
    """A long line needs more height as well, and after a change of width the right one."""
    composer.set_text("many words " * 30)
    QApplication.processEvents()
    wide = composer.edit.height()
    assert wide > 2 * composer.edit.fontMetrics().lineSpacing()
    composer.resize(400, composer.height())
    QApplication.processEvents()
    assert composer.edit.height() > wide


def test_a_wide_composer_can_be_made_narrow_again(composer):
    """Its margins grow with the window, its smallest width does not."""
    narrow = composer.minimumSizeHint().width()
    composer.resize(1600, composer.height())
    QApplication.processEvents()
    assert composer.minimumSizeHint().width() == narrow < 560
    assert composer.edit.width() < 800


def test_the_draft_is_announced_when_typing_pauses(qtbot, composer):
    """Not once a key: one signal with the whole text; sending announces the empty field at once."""
    drafts = []
    composer.draft_changed.connect(drafts.append)
    QTest.keyClicks(composer.edit, "Hello")
    assert drafts == []
    qtbot.waitUntil(lambda: drafts == ["Hello"], timeout=20 * DRAFT_PAUSE_MS)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert drafts == ["Hello", ""]


def test_the_token_count(composer):
    """One token, many tokens, unknown; an empty field shows none."""
    composer.set_text("Hello")
    shown = []
    for count in (1, 12, 1234, None):
        composer.set_token_count(count)
        shown.append(composer.count.text())
    assert shown == ["1 token", "12 tokens", "1,234 tokens", ""]
    composer.set_token_count(12)
    composer.set_text("")
    assert composer.count.text() == ""
    composer.set_token_count(3)
    assert composer.count.text() == ""


def test_no_break_spaces_survive(composer):
    """What is sent is what was typed; toPlainText would have made it an ordinary space."""
    composer.set_text("10\u00a0km")
    assert composer.text() == "10\u00a0km"


def test_names_for_screen_readers_and_tab_order(composer):
    """Field and button are named; Tab leaves the field for the button."""
    assert composer.edit.accessibleName() == "Message" and composer.edit.placeholderText() == "Message…"
    composer.set_text("x")
    QTest.keyClick(composer.edit, Qt.Key.Key_Tab)
    assert composer.text() == "x" and composer.button.hasFocus()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_focus_is_seen(composer, theme):
    """The frame has the accent colour while the field has the focus, in both themes."""
    composer.set_theme(theme)
    composer.set_text("")

    def frame_color():
        image = composer.grab().toImage()
        return image.pixelColor(image.width() // 2, composer._frame.geometry().top() + 1).name()

    assert composer.edit.hasFocus() and frame_color() == theme.accent
    composer.edit.clearFocus()
    assert frame_color() != theme.accent


@pytest.mark.parametrize("text", ["one\ntwo", "你好 😀\nnext line", "\n".join("abcdefgh"), "long words " * 40])
def test_it_grows_until_every_line_is_seen(composer, qtbot, text):
    """Also pasted at once and with letters of a higher font: up to MAX_LINES nothing is scrolled out."""
    data = QMimeData()
    data.setText(text)
    composer.edit.insertFromMimeData(data)
    qtbot.wait(1)
    composer.resize(700, composer.sizeHint().height())
    assert composer.edit.verticalScrollBar().maximum() == 0
    assert composer.edit.cursorRect().bottom() <= composer.edit.viewport().height()


def modes(composer):
    announced = []
    composer.mode_changed.connect(announced.append)
    return announced


def choose(composer, key):
    """Open the switch's menu by keyboard, press a key in it."""
    QTimer.singleShot(50, lambda: QTest.keyClick(QApplication.activePopupWidget(), key))  # the popup has to get the focus first
    QTest.keyClick(composer.switch, Qt.Key.Key_Space)


def test_continuing_a_text_says_what_it_does(composer):
    """Placeholder, names, the button and its tooltip; back in a chat everything is as before."""
    assert composer.mode == "chat"
    chat = words(composer)
    composer.set_mode("continue")
    assert words(composer) == (
        "Write the beginning of a text; the model continues it word for word.",
        "Beginning of a text",
        "Continue",
        "Continue the text",
        "Continue the text (Enter)",
        "Continue a text ▾",
    )
    composer.set_mode("chat")
    assert words(composer) == chat
    assert chat == ("Message…", "Message", "Send", "Send the message", "Send the message (Enter)", "Chat ▾")


def words(composer):
    edit, button = composer.edit, composer.button
    named = (edit.placeholderText(), edit.accessibleName(), button.text(), button.accessibleName(), button.toolTip())
    return (*named, composer.switch.text())


def test_the_mode_is_switched_by_keyboard(qtbot, composer):
    """A menu of two; only another choice is announced, the text stays, and the keyboard is back in the field."""
    announced = modes(composer)
    qtbot.waitUntil(composer.isActiveWindow)  # a popup of a window that is not yet active would keep the focus
    composer.set_text("Once upon")
    choose(composer, Qt.Key.Key_T)
    assert (composer.mode, announced, composer.text()) == ("continue", ["continue"], "Once upon")
    qtbot.waitUntil(composer.edit.hasFocus)
    choose(composer, Qt.Key.Key_T)
    assert announced == ["continue"] and composer.switch.mode == "continue"
    choose(composer, Qt.Key.Key_C)
    assert (composer.mode, announced) == ("chat", ["continue", "chat"])
    choose(composer, Qt.Key.Key_Escape)
    assert (composer.mode, announced) == ("chat", ["continue", "chat"])


def test_setting_the_mode_announces_nothing(composer):
    """Who sets it knows it; the menu shows it checked."""
    announced = modes(composer)
    composer.set_mode("continue")
    assert composer.switch.mode == composer.mode == "continue" and announced == []


def test_a_text_to_continue_leaves_exactly_as_typed(composer):
    """Spaces at its end matter; while the model writes, the button stops it as in a chat."""
    texts = submitted(composer)
    composer.set_mode("continue")
    QTest.keyClicks(composer.edit, "Once upon a ")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert texts == ["Once upon a "]
    composer.set_busy(True)
    assert composer.button.text() == "Stop"
    composer.set_busy(False)
    assert composer.button.text() == "Continue"


def test_the_switch_is_named_and_behind_the_button(composer):
    """Tab goes from the field to the button first: sending is what one does most."""
    assert composer.switch.accessibleName() and composer.switch.toolTip()
    composer.set_text("x")
    QTest.keyClick(composer.edit, Qt.Key.Key_Tab)
    QTest.keyClick(composer.button, Qt.Key.Key_Tab)
    assert composer.switch.hasFocus()
