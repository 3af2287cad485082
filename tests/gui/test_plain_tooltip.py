"""Tooltips show text as text."""

from PySide6.QtGui import QTextDocument

from gui.models.plain_tooltip import tooltip


def test_what_looks_like_markup_is_shown_as_it_is(qtbot):
    """Qt decides by the look of a text whether it is HTML: ours always is, and says exactly the text."""
    text = "<b>bold</b> & <img src='http://example.org/x.png'>\nsecond   line"
    assert tooltip(text).startswith("<qt>")
    document = QTextDocument()
    document.setHtml(tooltip(text))
    assert document.toPlainText() == text


def test_no_text_is_no_tooltip():
    assert tooltip("") == ""
