"""The waterfall: one bar for every rule, and between the bars the probability that flows on or ends."""

import math

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.models.token_text import percent
from gui.theme import Theme
from gui.views.probability.keys import row_steps
from gui.views.probability.segments import Piece, SegmentPainter
from gui.views.probability.stage_flow import OTHERS, Flow, Span, active_stages, bar_of, flow_into, needle_place
from gui.views.probability.stage_words import choice_name, choice_sentence, is_taken, rule_name, rule_value, stage_sentence
from gui.views.probability.style import MARGIN, PaintedWidget
from gui.views.probability.waterfall_layout import Layout, Line, entropy_heading, tokens_left_heading
from gui.views.probability.words import chosen_bytes
from inference.types import Stage, StepDetails, StepTrace

_STUB = 8.0  # px; how far removed probability still flows before it ends
_SHADE = 0.45  # opacity of what flows between two bars


class Waterfall(PaintedWidget):
    """Walked by keyboard and mouse: `line_reached` says that another line is the current one."""

    line_reached = Signal()
    step_by = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self._details: StepDetails | None = None
        self._lines: list[Line] = []
        self._current = -1  # -1: the last line, the choice
        self._hovered: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Path from belief to choice"))
        self.restyle()

    def set_step(self, trace: StepTrace, details: StepDetails) -> None:
        """Show a step. The line that was the current one stays it: so one rule can be followed from token to token."""
        self._trace, self._details = trace, details
        self._arrange()
        self._describe()

    @property
    def lines(self) -> list[Line]:
        """What is shown, top to bottom."""
        return self._lines

    def sentence(self) -> str:
        """What the line under the mouse, or else the current one, has to say."""
        if not self._lines:
            return ""
        line = self._lines[self._current if self._hovered is None else self._hovered]
        return choice_sentence(self._trace) if line.stage is None else stage_sentence(line.stage, self._trace)

    def restyle(self) -> None:
        """Lines and columns follow font and width."""
        self._segments = SegmentPainter(self.fonts, self.paints)
        self._hatch = QBrush(self.paints.muted, Qt.BrushStyle.FDiagPattern)
        self._layout = Layout(self.width(), self.fonts)
        self._arrange()

    def line_rect(self, index: int) -> QRect:
        """Where a line is, in this widget's coordinates."""
        return QRect(0, self._lines[index].top, self.width(), self._lines[index].height)

    def bar_rect(self, line: Line) -> QRectF:
        """The bar of a line."""
        return self._layout.bar(line)

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        last = self._lines[-1] if self._lines else None
        return QSize(300, last.top + last.height if last else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what flows, then the bars over it, then the words."""
        if not self._lines:
            return
        painter = QPainter(self)
        self._paint_current(painter)
        self._paint_heading(painter)
        self._paint_flows(painter)
        for line in self._lines:
            if not line.is_off:
                self._paint_bar(painter, line)
        for line in self._lines:
            self._paint_words(painter, line)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down walk the lines, Left and Right the tokens of the text."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(event.key(), 0) or row_steps(event)
        tokens = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key(), 0)
        if event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ControlModifier):
            super().keyPressEvent(event)
        elif steps and self._lines:
            self._move_to(self._current % len(self._lines) + steps)
        elif tokens and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step_by.emit(tokens)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click makes a line the current one."""
        index = self._line_at(event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and index is not None:
            self._move_to(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The sentence is that of the line under the mouse."""
        self._hover(self._line_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        """Back to the current line."""
        super().leaveEvent(event)
        self._hover(None)

    def _arrange(self) -> None:
        """Work out the lines."""
        self._lines = []
        if self._trace is None or self._details is None:
            return
        self._lines = self._layout.lines(self._details)
        self._hovered = None
        self.setFixedHeight(self._lines[-1].top + self._lines[-1].height)
        self.update()

    def _line_at(self, y: float) -> int | None:
        return next((i for i, line in enumerate(self._lines) if line.top <= y < line.top + line.height), None)

    def _move_to(self, index: int) -> None:
        last = len(self._lines) - 1
        index = min(max(index, 0), last)
        self._current = -1 if index == last else index
        self._hovered = None
        self._describe()
        self.line_reached.emit()
        self.update()

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self.line_reached.emit()
            self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription(self.sentence())

    def current_rect(self) -> QRect:
        """Where the current line is."""
        return self.line_rect(self._current % len(self._lines))

    def _paint_current(self, painter: QPainter) -> None:
        shown = self._current if self._hovered is None else self._hovered
        rect = QRectF(self.line_rect(shown % len(self._lines))).adjusted(MARGIN / 2, 0, -1, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.paints.accent, 1.5) if self.hasFocus() and self._hovered is None else Qt.PenStyle.NoPen)
        painter.setBrush(self.paints.surface)
        painter.drawRoundedRect(rect, 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_heading(self, painter: QPainter) -> None:
        painter.setFont(self.fonts.small.font)
        painter.setPen(self.paints.muted)
        baseline = self.fonts.small.ascent
        self.fonts.small.draw_to(painter, self._layout.count_right, baseline, tokens_left_heading())
        if self._layout.is_wide:
            self.fonts.small.draw_to(painter, self._layout.entropy_right, baseline, entropy_heading())

    def _paint_flows(self, painter: QPainter) -> None:
        lines = [line for line in self._lines if not line.is_off]
        stages = active_stages(self._details)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for place, stage in enumerate(stages[1:], 1):
            self._paint_flow(painter, flow_into(stage, stages[place - 1], self._trace), lines[place - 1], lines[place])
        self._paint_flow(painter, self._last_flow(bar_of(stages[-1])), lines[-2], lines[-1])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _last_flow(self, bar: tuple[Span, ...]) -> Flow:
        """From the last distribution to the one token chosen; nothing flows where nothing was drawn or taken."""
        trace = self._trace
        if trace.chosen_id < 0 or (math.isnan(trace.draw_u) and not is_taken(trace)):
            return Flow((), ())
        row = trace.ids.tolist().index(trace.chosen_id)
        removed = tuple(span for span in bar if span.row != row and span.high > span.low)
        return Flow(((bar[row], Span(row, 0.0, 1.0)),), removed)

    def _paint_flow(self, painter: QPainter, flow: Flow, above: Line, below: Line) -> None:
        source, target = self.bar_rect(above), self.bar_rect(below)
        for before, after in flow.kept:
            color = QColor(self._color(before.row))
            color.setAlphaF(_SHADE)
            painter.setBrush(color)
            painter.drawPath(_ribbon(source, before, target, after))
        for span in flow.removed:
            left = source.left() + span.low * source.width()
            stub = QRectF(left, source.bottom() + 1, (span.high - span.low) * source.width(), _STUB)
            painter.fillRect(stub, self.paints.removed)
            painter.fillRect(stub, self._hatch)

    def _color(self, row: int) -> QColor:
        if row != OTHERS and int(self._trace.ids[row]) == self._trace.chosen_id:
            return self.paints.accent
        return self.paints.segments[row % 2 if row != OTHERS else 1]

    def _paint_bar(self, painter: QPainter, line: Line) -> None:
        bar = self.bar_rect(line)
        if line.stage is not None:
            needle = self._needle(bar) if line.stage is active_stages(self._details)[-1] else None
            self._segments.paint(painter, bar, [self._piece(span) for span in bar_of(line.stage)], needle)
            if needle is not None:
                self._paint_needle(painter, bar, needle)
        elif self._trace.chosen_id >= 0:
            chosen = Piece(0.0, 1.0, 0, self._trace.chosen_id, chosen_bytes(self._trace), self._was_decided())
            self._segments.paint(painter, bar, [chosen])

    def _was_decided(self) -> bool:
        return not math.isnan(self._trace.draw_u) or is_taken(self._trace)

    def _piece(self, span: Span) -> Piece:
        if span.row == OTHERS:
            return Piece(span.low, span.high, -1)
        token_id = int(self._trace.ids[span.row])
        data = self._trace.token_bytes[span.row]
        return Piece(span.low, span.high, span.row, token_id, data, token_id == self._trace.chosen_id and span.high > span.low)

    def _needle(self, bar: QRectF) -> float | None:
        if math.isnan(self._trace.draw_u):
            return None
        return bar.left() + bar.width() * needle_place(self._trace, bar_of(active_stages(self._details)[-1]))

    def _paint_needle(self, painter: QPainter, bar: QRectF, x: float) -> None:
        painter.fillRect(QRectF(x - 2, bar.top(), 4, bar.height()), self.paints.window)
        painter.fillRect(QRectF(x - 1, bar.top() - 2, 2, bar.height() + 4), self.paints.text)

    def _paint_words(self, painter: QPainter, line: Line) -> None:
        small, stage = self.fonts.small, line.stage
        baseline = line.top + small.ascent + (0 if line.is_off else 1)
        painter.setFont(small.font)
        painter.setPen(self.paints.muted if line.is_off else self.paints.text)
        name = choice_name(self._trace) if stage is None else rule_name(stage.rule)
        small.draw(painter, MARGIN, baseline, self.tr("{rule} off").format(rule=name) if line.is_off else name)
        if line.is_off:
            return
        self._paint_numbers(painter, stage, baseline)
        painter.setPen(self.paints.muted)
        value = self._choice_value() if stage is None else rule_value(stage.rule, self._trace.params)
        painter.drawText(QPointF(MARGIN, baseline + small.height), value)

    def _choice_value(self) -> str:
        return "" if math.isnan(self._trace.draw_u) else f"u {self._trace.draw_u:.4f}"

    def _paint_numbers(self, painter: QPainter, stage: Stage | None, baseline: float) -> None:
        """Tokens left over the mass removed, and entropy over the tokens removed; the mass moved where none was removed."""
        if stage is None:
            return
        small = self.fonts.small
        small.draw_to(painter, self._layout.count_right, baseline, f"{stage.kept_count:,}")
        if self._layout.is_wide:
            small.draw_to(
                painter, self._layout.entropy_right, baseline, self.tr("{bits:.1f} bits").format(bits=stage.entropy_bits + 0.0)
            )
        painter.setPen(self.paints.muted)
        below = baseline + small.height
        if stage.removed_count:
            small.draw_to(painter, self._layout.count_right, below, f"−{percent(stage.removed_mass)}")
            if self._layout.is_wide:
                small.draw_to(painter, self._layout.entropy_right, below, f"−{stage.removed_count:,}")
        elif stage.rule in ("penalty", "temperature"):
            small.draw_to(painter, self._layout.count_right, below, f"↷ {percent(stage.moved_mass)}")


def _ribbon(source: QRectF, before: Span, target: QRectF, after: Span) -> QPainterPath:
    """What flows from a piece of one bar to a piece of the next, as wide at each end as the piece."""
    top, bottom = source.bottom() + 1, target.top() - 1
    middle = (top + bottom) / 2
    left_top, right_top = (source.left() + x * source.width() for x in before[1:])
    left_bottom, right_bottom = (target.left() + x * target.width() for x in after[1:])
    path = QPainterPath(QPointF(left_top, top))
    path.cubicTo(left_top, middle, left_bottom, middle, left_bottom, bottom)
    path.lineTo(right_bottom, bottom)
    path.cubicTo(right_bottom, middle, right_top, middle, right_top, top)
    path.closeSubpath()
    return path
