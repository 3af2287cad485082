"""Temperatures side by side: one beginning, continued at several temperatures with the same dice."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gui.models.display import display_text
from gui.models.plain_tooltip import tooltip
from gui.theme import Theme, control_style
from gui.views.compare.column import Column
from gui.views.compare.legend import Legend
from gui.views.compare.run_settings import RunSettings
from gui.views.compare.words import start_text
from inference.types import ColumnEnded, ColumnToken, RunFinished

FIRST_SIZE = (1080, 660)
MINIMUM_SIZE = (760, 500)
FIRST_TEMPERATURES = (0.0, 0.5, 0.8, 1.2, 2.0)
FLUSH_MS = 20  # one column at a time: no pause of the window is longer than one column's layout
TOOLTIP_CHARACTERS = 2000


class CompareDialog(QDialog):
    """A window beside the conversation.

    Emits `run_requested` (temperatures as a tuple, tokens for each column at most), `stop_requested` (the button, Esc, or
    closing the window while it runs) and `branch_requested` (a column, from 0).
    """

    run_requested = Signal(object, int)
    stop_requested = Signal()
    branch_requested = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_running = False
        self._has_results = False
        self._next = 0  # the column whose turn it is
        self._said = ("", False)
        self.columns: list[Column] = []
        self.setWindowTitle(self.tr("Temperatures side by side"))
        self.setModal(False)
        self.resize(*FIRST_SIZE)
        self.setMinimumSize(*MINIMUM_SIZE)
        self.start = self._label(self.tr("The beginning that all columns share"))
        self.settings = RunSettings(self)
        self.message = self._label(self.tr("State"))
        self.run = QPushButton(self)
        self.run.setDefault(True)
        self._timer = QTimer(self)
        self._timer.setInterval(FLUSH_MS)
        self._timer.timeout.connect(self._on_flush)
        self._lay_out()
        self.settings.changed.connect(self._on_settings_changed)
        self.run.clicked.connect(self._on_run)
        self.set_theme(theme)
        self.set_start("", FIRST_TEMPERATURES)
        self.settings.setFocus()

    # -- what the owner says -------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.setStyleSheet(
            control_style(theme) + f"#column {{ background: {theme.surface}; border: 1px solid {theme.border};"
            f" border-radius: 8px; }} #column QPlainTextEdit {{ border: 1px solid transparent; padding: 0; }}"
            f"#column QPlainTextEdit:focus {{ border-color: {theme.accent}; }}"
            f"#start {{ border: none; border-left: 3px solid {theme.accent}; padding: 2px 0 2px 10px; }}"
            "#columns, #columns > QWidget > QWidget { background: transparent; }"
            "QScrollBar:horizontal { height: 10px; margin: 0; border: none; background: transparent; }"
            f"QScrollBar::handle:horizontal {{ min-width: 32px; margin: 2px; border-radius: 3px; background: {theme.border}; }}"
            f"QScrollBar::handle:horizontal:hover {{ background: {theme.muted}; }}"
            "QScrollBar::add-line:horizontal, QScrollBar::sub-line:horizontal { width: 0; }"
            "QScrollBar::add-page:horizontal, QScrollBar::sub-page:horizontal { background: transparent; }"
        )
        for column in self.columns:
            column.set_theme(theme)
        self._say(*self._said)

    def set_start(self, text_before: str, temperatures: Sequence[float]) -> None:
        """The text that every column continues, and the temperatures of the next run. Stops a run that is going on."""
        self._on_stop()
        self._is_running = self._has_results = False
        self.start.setText(display_text(start_text(text_before)))
        self.start.setToolTip(tooltip(text_before[-TOOLTIP_CHARACTERS:]))
        self.settings.set_temperatures(temperatures)
        self._show_columns(self.settings.temperatures)
        self._say(self.tr("Every column continues this beginning with the same dice; only the temperature differs."))
        self._show_run()

    def begin(self, columns: Sequence[float]) -> None:
        """A run with these temperatures begins."""
        self._is_running = self._has_results = True
        self._show_columns(columns)
        for column in self.columns:
            column.begin()
        self._say(self.tr("Reading the beginning…"))
        self._show_run()

    def add(self, events: Sequence[ColumnToken]) -> None:
        """Tokens came, in the order in which they were drawn. Shown within the next frames."""
        if not self._is_running:
            return
        for event in events:
            self.columns[event.column].add(event.event)
        if events:
            self._say(self.tr("Running…"))
            self._wake()

    def end_column(self, ended: ColumnEnded) -> None:
        """A column is complete."""
        if self._is_running:
            self.columns[ended.column].end(ended)
            self._wake()

    def finish(self, finished: RunFinished) -> None:
        """The run is over."""
        self._end(self.tr("Stopped.") if finished.reason == "cancelled" else self.tr("Done."))

    def tell(self, text: str) -> None:
        """Say what has come of a column."""
        self._say(text)

    def fail(self, text: str) -> None:
        """The run failed, and why; what came before stays."""
        self._end(text, is_error=True)

    def _wake(self) -> None:
        """Have news shown; a timer that runs already is not put off."""
        if not self._timer.isActive():
            self._timer.start()

    # -- the parts -----------------------------------------------------------------------------------------------------

    def _end(self, text: str, *, is_error: bool = False) -> None:
        if self._is_running:
            for column in self.columns:
                column.stop(has_failed=is_error)
            self._wake()
        self._is_running = False
        self._say(text, is_error)
        self._show_run()

    def _show_columns(self, temperatures: Sequence[float]) -> None:
        """As many empty columns as temperatures."""
        while len(self.columns) > len(temperatures):
            column = self.columns.pop()
            self._row.removeWidget(column)
            column.hide()
            column.deleteLater()
        while len(self.columns) < len(temperatures):
            column = Column(len(self.columns), self._theme, self)
            column.branch_requested.connect(self.branch_requested)
            self.columns.append(column)
            self._row.addWidget(column, 1)
            column.show()
        left = None
        for column, temperature in zip(self.columns, temperatures, strict=True):
            column.restart(temperature, left)
            left = column
        self._next = 0

    def _say(self, text: str, is_error: bool = False) -> None:
        self._said = (text, is_error)
        shown = f"⚠  {text}" if is_error else text
        if shown != self.message.text():
            self.message.setText(shown)
            self.message.setAccessibleDescription(shown)
        role = QPalette.ColorRole.BrightText if is_error else QPalette.ColorRole.PlaceholderText
        self.message.setForegroundRole(role)

    def _show_run(self) -> None:
        self.run.setText(self.tr("&Stop") if self._is_running else self.tr("&Run"))
        self.run.setAccessibleName(self.tr("Stop the run") if self._is_running else self.tr("Run all columns"))
        self.run.setToolTip(self.tr("Stop the run (Esc)") if self._is_running else self.tr("Run all columns (Enter)"))
        self.run.setEnabled(True)
        # Enter in a number box begins a run and never ends one.
        self.run.setAutoDefault(not self._is_running)
        self.run.setDefault(not self._is_running)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setAccessibleName(name)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        return label

    def _lay_out(self) -> None:
        self.start.setObjectName("start")
        self.start.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        columns = QWidget(self)
        self._row = QHBoxLayout(columns)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(10)
        area = QScrollArea(self)
        area.setObjectName("columns")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidgetResizable(True)
        area.setWidget(columns)
        bottom = QHBoxLayout()
        bottom.setSpacing(14)
        bottom.addWidget(self.message, 1)
        bottom.addWidget(self.run)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        column.addWidget(self.settings)
        column.addWidget(self.start)
        column.addWidget(area, 1)
        column.addWidget(Legend(self))
        column.addLayout(bottom)

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot()
    def _on_flush(self) -> None:
        """Show what came for the next column that has something."""
        for _ in self.columns:
            column = self.columns[self._next % len(self.columns)]
            self._next += 1
            if column.has_news:
                column.flush()
                return
        self._timer.stop()

    @Slot()
    def _on_settings_changed(self) -> None:
        if not self._has_results:
            self._show_columns(self.settings.temperatures)
        elif not self._is_running:
            self._say(self.tr("Run shows what you changed."))

    @Slot()
    def _on_run(self) -> None:
        if self._is_running:
            self._on_stop()
        else:
            self.run_requested.emit(self.settings.temperatures, self.settings.max_tokens)

    @Slot()
    def _on_stop(self) -> None:
        """Once for a run; it ends when its owner says so."""
        if self._is_running and self.run.isEnabled():
            self.run.setEnabled(False)
            self.stop_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc stops a run, and closes the window otherwise."""
        if event.key() == Qt.Key.Key_Escape and self._is_running:
            self._on_stop()
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody reads along when the window is closed."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._on_stop()
