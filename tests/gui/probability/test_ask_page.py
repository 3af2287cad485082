"""Ask for a token: exact text goes out, only its own answer is shown, chains are multiplied without vanishing."""

import math

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QTableView, QWidget

from gui.theme import LIGHT
from gui.views.probability.ask_field import AskField
from gui.views.probability.ask_page import AskPage
from gui.views.probability.ask_words import chain_sentence, chance, drawn_sentence
from gui.views.probability.small_button import SmallButton
from inference.types import AskAnswered, AskedToken, TokenNumbers

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def asked_token(token_id, data, model, sampling, rank, removed_by="") -> AskedToken:
    surprise = -math.log2(model) if model else math.inf
    return AskedToken(token_id, data, TokenNumbers(model, sampling, surprise, 4.0, rank), removed_by)


SNAPE = (asked_token(5, b" Sn", 0.0125, 0.02, 12), asked_token(6, b"ape", 0.8, 0.9, 1))
CUT = (asked_token(7, b"Sn", 0.00002, 0.0, 4812, "top-p"), asked_token(6, b"ape", 0.8, 0.9, 1))


class Asked:
    """The page and what it emitted."""

    def __init__(self, qtbot):
        self.page = AskPage(LIGHT)
        qtbot.addWidget(self.page)
        self.page.resize(370, 320)
        QWidget.show(self.page)
        qtbot.waitExposed(self.page)
        self.questions, self.tokens, self.texts = [], [], []
        self.page.asked.connect(self.questions.append)
        self.page.token_taken.connect(lambda *token: self.tokens.append(token))
        self.page.text_taken.connect(self.texts.append)
        self.edit = self.page.findChild(QLineEdit)
        self.field = self.page.findChild(AskField)
        self.table = self.page.findChild(QTableView)

    def shown(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel) if label.isVisible())

    def button(self, start: str) -> SmallButton:
        return next(b for b in self.page.findChildren(SmallButton) if b.isVisible() and b.accessibleName().startswith(start))

    def buttons(self) -> list[str]:
        return [b.accessibleName() for b in self.page.findChildren(SmallButton) if b.isVisible()]

    def cells(self, row: int) -> list[str]:
        model = self.table.model()
        return [model.index(row, column).data() for column in range(model.columnCount())]


@pytest.fixture
def asked(qtbot):
    return Asked(qtbot)


def test_typing_asks_once_with_the_exact_text(asked, qtbot):
    """A leading space is typed like any letter, is seen on the button, and one question follows the last key."""
    asked.page.setFocus()
    assert asked.edit.hasFocus()
    qtbot.keyClicks(asked.edit, " Snape")
    assert asked.questions == []
    assert asked.field.space.isChecked()
    qtbot.waitUntil(lambda: asked.questions != [], timeout=1000)
    qtbot.wait(200)
    assert asked.questions == [" Snape"]


def test_return_does_not_wait_and_does_not_ask_twice(asked, qtbot):
    """Return asks at once; the pause that was running asks no second time."""
    qtbot.keyClicks(asked.edit, "a")
    qtbot.keyClick(asked.edit, Qt.Key.Key_Return)
    assert asked.questions == ["a"]
    qtbot.wait(220)
    assert asked.questions == ["a"]


def test_space_and_line_break_have_buttons(asked, qtbot):
    """The buttons put exactly one space before the text, take it away again, and put a line break at the cursor."""
    asked.edit.setText("Snape")
    qtbot.keyClick(asked.field.space, Qt.Key.Key_Space)
    assert asked.page.text == " Snape"
    qtbot.keyClick(asked.field.space, Qt.Key.Key_Space)
    assert asked.page.text == "Snape"
    qtbot.keyClick(asked.field.line_break, Qt.Key.Key_Space)
    assert asked.page.text == "Snape\n"


def test_the_table_shows_tokens_probabilities_ranks_and_rules(asked):
    """Each token is a row; a removed one names the rule; tiny numbers are a power of ten."""
    asked.edit.setText("Snape")
    asked.page.show(AskAnswered(1, "Snape", CUT))
    assert asked.cells(0) == ["Sn", "2.0×10⁻⁵", "cut by top-p", "4,812"]
    assert asked.cells(1) == ["ape", "80.0\u00a0%", "90.0\u00a0%", "1"]
    assert "It could not be drawn: “Sn” is cut by top-p." in asked.shown()
    assert "“␣Snape” is another token" in asked.shown()


def test_the_chain_is_multiplied():
    """Two tokens: the product of the conditional probabilities, and the sum of their surprises."""
    text = chain_sentence(SNAPE)
    assert text == (
        f"P(“␣Sn”) × P(“ape” | “␣Sn”) = 1.2\u00a0% × 80.0\u00a0% = 1.0\u00a0%, surprise {-math.log2(0.0125 * 0.8):.1f} bits."
    )
    assert drawn_sentence(SNAPE) == "Chance to be drawn: 1.8\u00a0%."


def test_a_long_chain_does_not_vanish():
    """400 tokens of 0.1 % each multiply to 10^-1200, far below what a float holds."""
    text = chain_sentence([asked_token(1, b"a", 0.001, 0.001, 5)] * 400)
    assert "= 1.0×10⁻¹²⁰⁰, surprise 3986.3 bits." in text
    assert text.startswith("P(“a”) × P(“a” | “a”) × … × P(“a” | …) = ")


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "100\u00a0%"),
        (0.25, "25.0\u00a0%"),
        (0.001, "0.1\u00a0%"),
        (0.0004, "1\u00a0in\u00a02,500"),
        (1 / 43478, "1\u00a0in\u00a043,478"),
        (2e-7, "2.0×10⁻⁷"),
        (9.96e-9, "1.0×10⁻⁸"),
    ],
)
def test_small_chances_stay_readable(probability, words):
    """Per cent, then 1 in N, then a power of ten."""
    assert chance(math.log2(probability)) == words


def test_an_impossible_token_has_no_chance():
    """Probability 0 is 0 %, its surprise infinite."""
    impossible = (asked_token(1, b"a", 0.0, 0.0, 9),)
    assert chain_sentence(impossible) == "P(“a”) = 0\u00a0%, surprise inf bits."


def test_an_answer_to_another_text_is_not_shown(asked):
    """Answers that come late belong to no text in the field."""
    asked.edit.setText(" Snape")
    asked.page.show(AskAnswered(1, " Sna", SNAPE))
    assert not asked.table.isVisible()
    asked.page.show(AskAnswered(2, " Snape", SNAPE))
    assert asked.table.isVisible()


def test_an_old_answer_goes_when_no_new_one_comes(asked, qtbot):
    """What was found of the text before cannot be taken any more, and is soon no longer shown."""
    asked.edit.setText(" Snape")
    asked.page.show(AskAnswered(1, " Snape", SNAPE))
    asked.edit.setText(" Snapes")
    assert not asked.button("Take “").isEnabled()
    qtbot.waitUntil(lambda: not asked.table.isVisible(), timeout=1000)
    assert "No answer yet" in asked.shown()


def test_clearing_clears_at_once(asked, qtbot):
    """An empty field asks for nothing more, shows the explanation again and no result."""
    asked.edit.setText(" Snape")
    asked.page.show(AskAnswered(1, " Snape", SNAPE))
    asked.edit.clear()
    assert asked.questions == [""]
    assert not asked.table.isVisible()
    assert "different tokens" in asked.shown()
    qtbot.wait(200)
    assert asked.questions == [""]


def test_the_example_explains_itself(asked, qtbot):
    """The empty page offers an example that begins with a space, and asks it."""
    example = asked.button("Try “␣once”")
    qtbot.keyClick(example, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: asked.questions == [" once"], timeout=1000)
    assert not example.isVisible()


def test_tokens_are_taken_by_keyboard(asked, qtbot):
    """The first token goes out with its bytes, the text as all its ids."""
    asked.edit.setText(" Snape")
    asked.page.show(AskAnswered(1, " Snape", SNAPE))
    qtbot.keyClick(asked.button("Take “␣Sn”"), Qt.Key.Key_Space)
    qtbot.keyClick(asked.button("Take all 2"), Qt.Key.Key_Space)
    assert asked.tokens == [(5, b" Sn")]
    assert asked.texts == [(5, 6)]
    asked.page.set_taking("")
    assert not any(name.startswith("Take") for name in asked.buttons())
    asked.page.set_taking("append")
    asked.page.show(AskAnswered(1, " Snape", SNAPE[:1]))
    assert [name for name in asked.buttons() if name.startswith("Take")] == ["Take “␣Sn”"]


def test_markup_in_tokens_is_text(asked, qtbot):
    """Tokens that look like markup are shown as they are, in labels, buttons and tooltips."""
    tokens = (asked_token(1, b"<b>a&b</b>", 0.5, 0.5, 1),)
    asked.edit.setText("<b>a&b</b>")
    asked.page.show(AskAnswered(1, "<b>a&b</b>", tokens))
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in asked.page.findChildren(QLabel))
    qtbot.waitUntil(lambda: asked.button("Take").text() == "Take “<b>a&&b</b>”")
    assert "&lt;b&gt;" in asked.table.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
