"""All chips in a scroll area that lays them out once for a width and paints only those in view."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.raw_view.chip import Chip, describe, ids_text
from gui.views.raw_view.flow import Texts, flow_of
from gui.views.raw_view.layout import ChipLayout
from gui.views.raw_view.painter import ChipFonts, ChipPainter

ROW_GAP = 9
TOP = 10
SIDE = 12
GUTTER_GAP = 10  # between positions and chips


class ChipArea(QAbstractScrollArea):
    """The chips, walked by keyboard. Emits `chip_clicked` (index; click or Enter) and `moved` (the current chip in words)."""

    chip_clicked = Signal(int)
    moved = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chips: Sequence[Chip] = ()
        self._limit = 0
        self._has_ids = True
        self._held: int | None = None
        self._current = 0
        self._anchor: int | None = None  # where a selection began
        self._pressed: int | None = None
        self._restyle()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # lets Qt move what is painted when it scrolls
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Tokens"))

    # -- what it shows -------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self._painter = ChipPainter(theme, self._fonts)
        self.viewport().update()

    def show_chips(self, chips: Sequence[Chip], limit: int) -> None:
        """Show these chips; a view that was at the end stays there, any other keeps its place."""
        bar = self.verticalScrollBar()
        at_end = bool(self._chips) and bar.value() == bar.maximum() > 0
        self._chips, self._limit = chips, limit
        self._held = None
        self._anchor = self._pressed = None
        self._current = min(self._current, max(len(chips) - 1, 0))
        self._measure()
        if at_end:
            bar.setValue(bar.maximum())
        self._announce()

    def set_ids_shown(self, shown: bool) -> None:
        """Whether every chip has its id under its text."""
        if shown != self._has_ids:
            top = self._top_chip()
            self._has_ids = shown
            self._restyle()
            self._scroll_to_top(top)

    def set_held(self, index: int | None) -> None:
        """Mark the chip that the panel holds, and bring it into view."""
        self._held = index if index is not None and 0 <= index < len(self._chips) else None
        if self._held is not None:
            self._current, self._anchor = self._held, None
            self._reveal(self._held)
        self._announce()

    @property
    def current(self) -> int:
        """The chip that the keyboard is at."""
        return self._current

    @property
    def selection(self) -> range:
        """The selected chips; empty without a selection."""
        if self._anchor is None or not self._chips:
            return range(0)
        return range(min(self._anchor, self._current), max(self._anchor, self._current) + 1)

    def copy_ids(self) -> None:
        """Put the ids of the selected chips, or of all, on the clipboard."""
        chosen = self.selection or range(len(self._chips))
        QGuiApplication.clipboard().setText(ids_text(self._chips[chosen.start : chosen.stop]))

    # -- layout --------------------------------------------------------------------------------------------------------

    def _restyle(self) -> None:
        self._fonts = ChipFonts(self.font())
        self._painter = ChipPainter(self._theme, self._fonts)
        self._texts = Texts(self._fonts, self._has_ids)
        self._measure()

    def _measure(self) -> None:
        """Widths of all chips; then the rows."""
        self._flow = flow_of(self._chips, self._texts, self._fonts, self._limit)
        self._place()

    def _place(self) -> None:
        """The rows, for the present width."""
        widest = f"{max((chip.position or 0 for chip in self._chips[-1:]), default=0):,}"
        self._gutter = SIDE + self._fonts.number_metrics.horizontalAdvance(widest)
        self._layout = ChipLayout(self._flow, self._gutter + GUTTER_GAP, self.viewport().width() - SIDE)
        bar = self.verticalScrollBar()
        bar.setSingleStep(self._row_height)
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, 2 * TOP + self._layout.row_count * self._row_height - self.viewport().height()))
        bar.setEnabled(bar.maximum() > 0)
        self.viewport().update()

    @property
    def _row_height(self) -> int:
        return self._fonts.chip_height(self._has_ids) + ROW_GAP

    def chip_rect(self, index: int) -> QRect:
        """Where a chip is, in the viewport."""
        y = TOP + self._layout.row_of(index) * self._row_height + ROW_GAP // 2 - self.verticalScrollBar().value()
        return QRect(self._layout.lefts[index], y, self._flow.widths[index], self._row_height - ROW_GAP)

    def chip_at(self, point: QPoint) -> int | None:
        """The chip at a point of the viewport."""
        row = (point.y() + self.verticalScrollBar().value() - TOP) // self._row_height
        return self._layout.chip_at(row, point.x()) if 0 <= row < self._layout.row_count else None

    def _rows_between(self, top: int, bottom: int) -> range:
        offset = self.verticalScrollBar().value() - TOP
        start = max((top + offset) // self._row_height, 0)
        return range(start, min((bottom + offset) // self._row_height + 1, self._layout.row_count))

    def _top_chip(self) -> int:
        row = self.verticalScrollBar().value() // self._row_height
        return self._layout.row_starts[min(row, self._layout.row_count - 1)] if self._layout.row_count else 0

    def _scroll_to_top(self, chip: int) -> None:
        if chip:
            self.verticalScrollBar().setValue(self._layout.row_of(chip) * self._row_height)

    def _reveal(self, chip: int) -> None:
        bar = self.verticalScrollBar()
        top = self._layout.row_of(chip) * self._row_height
        bar.setValue(max(min(bar.value(), top), top + self._row_height + 2 * TOP - self.viewport().height()))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted; only what comes into view is painted anew."""
        self.viewport().scroll(dx, dy)

    # -- painting ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that are in view."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), self._painter.ground)
        if not self._chips:
            painter.setPen(self._painter.muted)
            text = self.tr("The model has read nothing yet. Its tokens appear here with the first answer.")
            area = self.viewport().rect().adjusted(3 * SIDE, 0, -3 * SIDE, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        # Ring, band and marker reach into the gap between rows.
        for row in self._rows_between(event.rect().top() - ROW_GAP, event.rect().bottom() + ROW_GAP):
            if row in self._layout.divider_rows:
                self._paint_divider(painter, row)
            else:
                self._paint_row(painter, row)
        painter.end()

    def _paint_row(self, painter: QPainter, row: int) -> None:
        chips = self._layout.chips_of(row)
        self._paint_position(painter, chips)
        selection = self.selection
        for index in chips:
            chip, rect = self._chips[index], self.chip_rect(index)
            if lead := self._flow.leads[index]:
                self._painter.paint_tag(painter, rect.adjusted(-lead, 0, -rect.width(), 0), chip.kind)
            self._painter.paint(painter, rect, chip.kind, self._texts.of(chip), held=index == self._held, dim=chip.is_forgotten)
            if index in selection:
                self._painter.paint_selection(painter, rect)
        if self._current in chips and (self.hasFocus() or not selection):
            self._painter.paint_current(painter, self.chip_rect(self._current), self.hasFocus())

    def _paint_position(self, painter: QPainter, chips: range) -> None:
        """The position of a row's first token, in the margin."""
        chip = self._chips[chips.start]
        if chip.position is not None:
            rect = self.chip_rect(chips.start)
            rect.setLeft(SIDE // 2)
            rect.setWidth(self._gutter - SIDE // 2)
            painter.setFont(self._fonts.number)
            painter.setPen(self._painter.muted)
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{chip.position:,}")

    def _paint_divider(self, painter: QPainter, row: int) -> None:
        text = self._layout.divider_rows[row]
        y = TOP + row * self._row_height - self.verticalScrollBar().value()
        area = QRect(SIDE, y, self.viewport().width() - 2 * SIDE, self._row_height)
        painter.setFont(self._fonts.tag)
        shown = self._fonts.tag_metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width() - 80)
        half = self._fonts.tag_metrics.horizontalAdvance(shown) // 2 + 10
        middle = area.center()
        painter.fillRect(area.left(), middle.y(), middle.x() - half - area.left(), 2, self._painter.warning)
        painter.fillRect(middle.x() + half, middle.y(), area.right() - middle.x() - half, 2, self._painter.warning)
        painter.setPen(self._painter.text)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, shown)

    # -- events --------------------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        """Say where the keyboard is."""
        if self._chips:
            text = describe(self._chips[self._current], is_held=self._current == self._held)
            if len(self.selection) > 1:
                text = self.tr("{count} tokens selected").format(count=f"{len(self.selection):,}") + " · " + text
        else:
            text = ""
        self.setAccessibleDescription(text)
        self.moved.emit(text)
        self.viewport().update()

    def _go_to(self, chip: int | None, *, extend: bool) -> None:
        if not self._chips or chip is None:
            return
        if not extend:
            self._anchor = None
        elif self._anchor is None:
            self._anchor = self._current
        self._current = min(max(chip, 0), len(self._chips) - 1)
        self._reveal(self._current)
        self._announce()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home, End and Page keys walk, with Shift they select; Enter holds; Ctrl+C copies ids, Ctrl+A selects all."""
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_ids()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self._anchor, self._current = 0, max(len(self._chips) - 1, 0)
            self._announce()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self._chips:
                self.chip_clicked.emit(self._current)
        elif (target := self._target_of(event)) is not None:
            self._go_to(target, extend=extend)
        else:
            super().keyPressEvent(event)

    def _target_of(self, event: QKeyEvent) -> int | None:
        """The chip that a key leads to; None for a key that leads nowhere."""
        if not self._chips:
            return None
        row, key = self._layout.row_of(self._current), event.key()
        page = max(self.viewport().height() // self._row_height - 1, 1)
        if rows := {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page}.get(key):
            return self._in_row(row + rows, 1 if rows > 0 else -1)
        has_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        chips = range(len(self._chips)) if has_control else self._layout.chips_of(row)
        targets = {
            Qt.Key.Key_Left: self._current - 1,
            Qt.Key.Key_Right: self._current + 1,
            Qt.Key.Key_Home: chips[0],
            Qt.Key.Key_End: chips[-1],
        }
        return targets.get(key)

    def _in_row(self, row: int, direction: int) -> int:
        """The chip below or above the current one; dividers are passed over."""
        row = min(max(row, 0), self._layout.row_count - 1)
        if row in self._layout.divider_rows:
            row = min(max(row + direction, 0), self._layout.row_count - 1)
        x = self._layout.lefts[self._current] + self._flow.widths[self._current] / 2
        chip = self._layout.nearest(row, x)
        return self._current if chip is None else chip

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press takes the keyboard to a chip, with Shift it selects up to there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self.chip_at(event.position().toPoint())
            self._go_to(self._pressed, extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Dragging selects."""
        chip = self.chip_at(event.position().toPoint())
        if self._pressed is not None and chip is not None and chip != self._current:
            self._go_to(chip, extend=True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click, if it ends where it began and selected nothing."""
        chip, self._pressed = self._pressed, None
        if event.button() == Qt.MouseButton.LeftButton and chip is not None and not self.selection:
            self.chip_clicked.emit(chip)

    def viewportEvent(self, event: QEvent) -> bool:
        """Explain the chip under the pointer."""
        if not isinstance(event, QHelpEvent):
            return super().viewportEvent(event)
        chip = self.chip_at(event.pos())
        if chip is None:
            QToolTip.hideText()
        else:
            text = describe(self._chips[chip], is_held=chip == self._held).replace(" · ", "\n")
            QToolTip.showText(event.globalPos(), tooltip(text), self.viewport(), self.chip_rect(chip))
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width makes other rows; what was at the top stays there."""
        super().resizeEvent(event)
        top = self._top_chip()
        self._place()
        if event.oldSize().width() != event.size().width():
            self._scroll_to_top(top)

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change of the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._restyle()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The ring becomes a thin one."""
        super().focusOutEvent(event)
        self.viewport().update()
