"""The scrolling column of messages: only those near the reader exist as widgets, and nothing jumps when one is built."""

import time
from collections.abc import Callable

from PySide6.QtCore import QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from gui.views.transcript.heights import Heights
from gui.views.transcript.message import MessageView

TEXT_WIDTH = 792  # 760 for the text, and its insets
SIDE = 24
TOP = 16
BOTTOM = 16
AT_BOTTOM = 8  # pixels from the end that still count as being there
BUILT_SCREENS = 1  # above and below what is seen
KEPT_SCREENS = 3
BUILDS_PER_TURN = 3
QUICK_REFIT_S = 0.012  # a slower one waits until resizing pauses
RESIZE_PAUSE_MS = 120


class MessageColumn(QScrollArea):
    """Rows of messages under a header. `make_view` builds a row, `estimate` guesses its height for a width until then.

    Emits `moved` when it scrolled or its contents grew.
    """

    moved = Signal()

    def __init__(self, make_view: Callable[[int, QWidget], MessageView], estimate: Callable[[int, int], int], parent: QWidget):
        super().__init__(parent)
        self._make_view, self._estimate = make_view, estimate
        self._heights = Heights()
        self._views: dict[int, MessageView] = {}
        self._canvas = QWidget()
        self._header: QWidget | None = None
        self._width = 0
        self._follows = True  # the reader is at the end and stays there
        self._is_arranging = False
        self._refit_s = 0.0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self._canvas)
        self.viewport().setAutoFillBackground(False)
        self._canvas.setAutoFillBackground(False)
        self._later = self._timer(0, self._on_later)
        self._resized = self._timer(RESIZE_PAUSE_MS, self.refit)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def _timer(self, interval_ms: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    # -- rows ----------------------------------------------------------------------------------------------------------

    @property
    def views(self) -> dict[int, MessageView]:
        """The rows that exist as widgets, by index."""
        return self._views

    @property
    def row_count(self) -> int:
        """All rows, built or not."""
        return len(self._heights)

    def set_header(self, header: QWidget) -> None:
        """What stands above the first row; while there are no rows it gets the whole height."""
        self._header = header
        header.setParent(self._canvas)
        self.arrange()

    def add_row(self) -> None:
        """A message was added at the end; its widget is built in the same turn of the event loop."""
        self._heights.append(self._estimate(self.row_count, self._width))
        self._later.start()

    def replace_rows(self, first: int, count: int) -> None:
        """From row `first` on there are `count` others now; what the reader looks at stays where it is."""
        anchor = self._anchor_beside(first, count)
        for row in [row for row in self._views if row >= first]:
            self._drop(row)
        self._heights.cut(first)
        for row in range(first, first + count):
            self._heights.append(self._estimate(row, self._width))
        if anchor is None:
            self.arrange()
            return
        self._follows = False
        self.arrange(anchor)
        self._follows = self._is_at_end()

    def clear(self) -> None:
        """Remove all rows."""
        for row in list(self._views):
            self._drop(row)
        self._heights.clear()
        self._follows = True
        self.arrange()

    def row_changed(self, row: int) -> None:
        """The contents of a row may have changed its height."""
        view = self._views.get(row)
        height = view.fit(self._width) if view else self._estimate(row, self._width)
        if height != self._heights[row]:
            anchor = self._anchor()
            self._heights[row] = height
            self.arrange(anchor)

    # -- scrolling -----------------------------------------------------------------------------------------------------

    @property
    def is_at_bottom(self) -> bool:
        """Whether the end of the conversation is seen."""
        return self._follows

    def scroll_to_bottom(self) -> None:
        """Show the end and follow it."""
        self._follows = True
        self.arrange()

    def follow(self) -> None:
        """Show the end from the next turn of the event loop on."""
        self._follows = True
        self._later.start()

    def first_visible_row(self) -> int:
        """The topmost row that is seen; 0 where there is none."""
        top = self.verticalScrollBar().value()
        return next(iter(self._heights.rows_between(top, top + self.viewport().height())), 0)

    def bring(self, row: int) -> MessageView | None:
        """The widget of a row, built and placed, with its beginning in sight if it was far; None before the column is shown."""
        if not self.isVisible() or not self._width:
            return None
        if row not in self._views:
            self._follows = False
            self._is_arranging = True
            self.verticalScrollBar().setValue(self._heights.top(row) - SIDE)
            self._is_arranging = False
            self._build(row)
            self.arrange((row, 0.0, SIDE))
        return self._views[row]

    def show_part(self, row: int, part: QRect) -> None:
        """Scroll as little as needed to see this part of a row; far ones come to a third of the height."""
        top = self._heights.top(row) + part.top()
        bottom = top + part.height()
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if top - SIDE < bar.value() or bottom + SIDE > bar.value() + height:
            near = bar.value() - height < top and bottom < bar.value() + 2 * height
            if not near:
                bar.setValue(top - height // 3)
            elif top - SIDE < bar.value():
                bar.setValue(top - 2 * SIDE)
            else:
                bar.setValue(bottom + 2 * SIDE - height)

    # -- arranging -----------------------------------------------------------------------------------------------------

    def arrange(self, anchor: tuple[int, float, int] | None = None) -> None:
        """Build what is seen, place it, and keep the reader's place: the end, or `anchor`, or what is topmost."""
        if self._is_arranging or not self.isVisible() or not self._width:
            return
        self._is_arranging = True
        anchor = anchor or self._anchor()
        self._fit_header()
        self._restore(anchor)
        while self._build_visible():
            self._restore(anchor)
        self._drop_far()
        self._place()
        self._is_arranging = False
        if self._missing(BUILT_SCREENS):
            self._later.start()
        self.moved.emit()

    def _anchor(self) -> tuple[int, float, int] | None:
        """(row, fraction, pixels): the part of the row and of its rest at the top edge; None: stay at the end."""
        if self._follows or not self.row_count:
            return None
        row, value = self._steady_row(), self.verticalScrollBar().value()
        into = value - self._heights.top(row)
        if into < 0:
            return (row, 0.0, -into)
        return (row, into / max(1, self._heights[row]), 0)

    def _steady_row(self) -> int:
        """The topmost row that is seen and whose height is no longer a guess."""
        return next((row for row in self._seen(0) if row in self._views), self.first_visible_row())

    def _anchor_beside(self, first: int, count: int) -> tuple[int, float, int] | None:
        """What stays in place when the rows from `first` on are replaced: that row's top edge, if it is not below the view."""
        bar = self.verticalScrollBar()
        if not self.isVisible() or not self._width or first >= self.row_count:
            return self._anchor()
        below_top = self._heights.top(first) - bar.value()
        if below_top >= self.viewport().height():
            return self._anchor()
        if count == 0:
            return None if first == 0 else (first - 1, 1.0, self.viewport().height())
        is_above = below_top + self._heights[first] <= 0
        return (first, 0.0, SIDE if is_above else below_top)

    def _is_at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - AT_BOTTOM

    def _restore(self, anchor: tuple[int, float, int] | None) -> None:
        self._canvas.resize(self.viewport().width(), max(self._heights.total + BOTTOM, self.viewport().height()))
        bar = self.verticalScrollBar()
        if self._follows or anchor is None:
            bar.setValue(bar.maximum())
        else:
            row, fraction, above = anchor
            bar.setValue(round(self._heights.top(row) + fraction * self._heights[row] - above))

    def _seen(self, screens: float) -> range:
        top, height = self.verticalScrollBar().value(), self.viewport().height()
        return self._heights.rows_between(round(top - screens * height), round(top + (1 + screens) * height))

    def _missing(self, screens: float) -> list[int]:
        return [row for row in self._seen(screens) if row not in self._views]

    def _build_visible(self) -> bool:
        missing = self._missing(0)
        for row in missing:
            self._build(row)
        return bool(missing)

    def _build(self, row: int) -> None:
        view = self._make_view(row, self._canvas)
        self._views[row] = view
        self._heights[row] = view.fit(self._width)

    def _drop_far(self) -> None:
        kept = self._seen(KEPT_SCREENS)
        for row in [row for row, view in self._views.items() if row not in kept and not view.is_pinned]:
            self._drop(row)

    def _drop(self, row: int) -> None:
        view = self._views.pop(row)
        view.hide()
        view.deleteLater()

    def _place(self) -> None:
        left = self._left()
        for row, view in self._views.items():
            view.setGeometry(left, self._heights.top(row), self._width, self._heights[row])
            view.show()

    def _left(self) -> int:
        return max(0, (self.width() - self._width) // 2)

    def _fit_header(self) -> None:
        height = 0
        if self._header:
            layout = self._header.layout()
            height = layout.totalHeightForWidth(self._width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
            if not self.row_count:
                height = max(height, self.viewport().height() - TOP - BOTTOM)
            self._header.setGeometry(self._left(), TOP, self._width, height)
        self._heights.offset = TOP + height

    @Slot()
    def _on_later(self) -> None:
        """Build what is missing around the visible part, a few rows a turn."""
        anchor = self._anchor()
        for row in self._missing(BUILT_SCREENS)[:BUILDS_PER_TURN] if self.isVisible() and self._width else ():
            self._build(row)
        self.arrange(anchor)

    @Slot()
    def _on_scrolled(self) -> None:
        if not self._is_arranging:
            self._follows = self._is_at_end()
            self.arrange()

    # -- resizing ------------------------------------------------------------------------------------------------------

    @Slot()
    def refit(self) -> None:
        """Place everything anew, wrapped at the width there is now."""
        begin = time.perf_counter()
        anchor = self._anchor()
        self._width = min(TEXT_WIDTH, self.width() - 2 * SIDE)
        for row in range(self.row_count):
            view = self._views.get(row)
            self._heights[row] = view.fit(self._width) if view else self._estimate(row, self._width)
        self._refit_s = time.perf_counter() - begin
        self.arrange(anchor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap at the new width, at once where that is quick; stay at the end if the reader was there."""
        super().resizeEvent(event)
        if min(TEXT_WIDTH, self.width() - 2 * SIDE) == self._width:
            self.arrange()
        elif self._refit_s < QUICK_REFIT_S or not self._width:
            self.refit()
        else:
            self.arrange()
            self._resized.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Nothing is built before it can be seen."""
        super().showEvent(event)
        self.arrange()
