"""The panel's sentence, as it is wrapped."""

import math
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextLayout, QTextOption
from PySide6.QtWidgets import QApplication

from gui.views.probability.words import no_draw_reason, sentence
from inference.types import SamplingParams
from tests.gui.scripted import make_trace


def wrapped(text: str, width: float) -> list[str]:
    """The lines of a text in this width (px)."""
    layout = QTextLayout(text, QApplication.font())
    layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
    layout.beginLayout()
    lines = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        lines.append(text[line.textStart() : line.textStart() + line.textLength()])
    layout.endLayout()
    return lines


def special_trace(**changes):
    trace = make_trace(65, 1)
    return replace(trace, token_bytes=(b"<|end|>",), draw_u=0.2, **changes)


def test_no_line_breaks_inside_a_special_token(qtbot):
    """Its bars would be places for a break; the quotation marks stay with it too."""
    text = sentence(special_trace(), 20)
    for width in range(120, 500, 10):
        assert any("“<|end|>”" in line.replace("\u2060", "") for line in wrapped(text, width)), width


def test_a_space_before_a_word_is_marked(qtbot):
    """As in the rows: a plain one reads like a mistake inside quotation marks."""
    trace = replace(make_trace(65, 1), token_bytes=(b" dragon",), draw_u=0.2)
    assert "“␣dragon”" in sentence(trace, 20)


def test_without_a_draw_nothing_is_called_the_likeliest_that_is_not(qtbot):
    """After a repetition penalty the token taken at temperature 0 may be another than the model's likeliest."""
    trace = special_trace(params=SamplingParams(temperature=0), chosen_rank=2)
    trace = replace(trace, draw_u=math.nan)
    assert no_draw_reason(trace) == "Temperature 0: no draw."
    assert "after the repetition penalty" in sentence(trace, 20)
