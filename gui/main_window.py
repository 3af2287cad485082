"""The window: puts header, transcript, composer and panel together, and shows what the chat is doing."""

import time

from PySide6.QtCore import QSettings, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QMainWindow, QSplitter, QVBoxLayout, QWidget

from gui.actions import fill_menu_bar, make_actions
from gui.chat import Chat
from gui.models.conversation import Conversation
from gui.theme import Theme
from gui.views.banner import Banner
from gui.views.composer.composer import Composer
from gui.views.header import Header
from gui.views.probability.panel import ProbabilityPanel
from gui.views.tint_legend import TintLegend
from gui.views.transcript.view import Transcript
from inference.types import LoadProgress, RunFailed, RunStats

MINIMUM_SIZE = QSize(900, 600)
FIRST_SIZE = QSize(1240, 800)
PANEL_WIDTH = 370
TITLE_CHARACTERS = 80
SPEED_EVERY_S = 0.25


class MainWindow(QMainWindow):
    """Everything on screen but the dialogs. What its commands do is connected by the application."""

    closed = Signal()
    escape_pressed = Signal()

    def __init__(self, chat: Chat, conversation: Conversation, theme: Theme, state: QSettings):
        super().__init__()
        self._chat, self._conversation, self._state = chat, conversation, state
        self.setWindowTitle("Glassbox")
        self.setMinimumSize(MINIMUM_SIZE)
        self.actions_by_key = make_actions(self)
        self.menus = fill_menu_bar(self.menuBar(), self.actions_by_key)
        self.header = Header(theme, self.menus["model"], self)
        self.banner = Banner(theme, self)
        self.transcript = Transcript(conversation, theme, self)
        self.legend = TintLegend(theme, self)
        self.composer = Composer(theme, self)
        self.panel = ProbabilityPanel(theme, self)
        self._lay_out()
        self._activity, self._speed, self._place = QLabel(self), QLabel(self), QLabel(self)
        self._fill_status_bar()
        self._style_frame(theme)
        self._views = (self.header, self.banner, self.transcript, self.legend, self.composer, self.panel)
        self._loading = ""
        self._speed_shown_s = 0.0
        chat.changed.connect(self.refresh)
        chat.tokens_added.connect(self.show_speed)
        chat.answer_ended.connect(self._on_answer_ended)
        conversation.message_added.connect(self._on_message_added)
        conversation.cleared.connect(self._on_cleared)
        self._restore()
        self.refresh()
        self.composer.focus()

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        for view in self._views:
            view.set_theme(theme)
        self._style_frame(theme)

    def _style_frame(self, theme: Theme) -> None:
        """Colours of what has no view of its own. Not a style sheet of the window: it would undo its views' palettes."""
        self._edge.setStyleSheet(f"background: {theme.border};")
        self.statusBar().setStyleSheet(f"QStatusBar::item {{ border: none; }} QLabel {{ color: {theme.muted}; }}")

    def _lay_out(self) -> None:
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        strip = QVBoxLayout()
        strip.setContentsMargins(20, 0, 16, 0)  # in line with the header
        strip.addWidget(self.banner)
        column.addLayout(strip)
        column.addWidget(self.transcript, 1)
        column.addWidget(self.legend)
        column.addWidget(self.composer)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self._with_edge(self.panel))
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setCollapsible(0, False)
        self.splitter.setCollapsible(1, False)
        self.splitter.setHandleWidth(3)
        self.setCentralWidget(self.splitter)
        self.setTabOrder(self.composer.switch, self.panel)

    def _with_edge(self, panel: QWidget) -> QWidget:
        """The panel behind a line that parts it from the conversation."""
        self._edge = QWidget(self)
        self._edge.setFixedWidth(1)
        self._side = QWidget(self)
        row = QHBoxLayout(self._side)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._edge)
        row.addWidget(panel, 1)
        return self._side

    def _fill_status_bar(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(18, 0, 14, 4)
        for label, name in (
            (self._activity, self.tr("Activity")),
            (self._speed, self.tr("Speed")),
            (self._place, self.tr("Device and number format")),
        ):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAccessibleName(name)
        bar.addWidget(self._activity, 1)
        self._speed.setContentsMargins(0, 0, 18, 0)
        bar.addPermanentWidget(self._speed)
        bar.addPermanentWidget(self._place)

    def _restore(self) -> None:
        self.resize(FIRST_SIZE)
        self.splitter.setSizes([FIRST_SIZE.width() - PANEL_WIDTH, PANEL_WIDTH])
        geometry, splitter = self._state.value("geometry"), self._state.value("splitter")
        if geometry is not None:
            self.restoreGeometry(geometry)
        if splitter is not None:
            self.splitter.restoreState(splitter)
        shown = self._state.value("panel", True, type=bool)
        self.actions_by_key["panel"].setChecked(shown)
        self.show_panel(shown)

    def _save(self) -> None:
        self._state.setValue("geometry", self.saveGeometry())
        self._state.setValue("splitter", self.splitter.saveState())
        self._state.setValue("panel", self.actions_by_key["panel"].isChecked())

    @Slot(bool)
    def show_panel(self, shown: bool) -> None:
        """Open or close the panel; while it is closed nothing is explained."""
        self._side.setVisible(shown)
        self._chat.requests.is_traced = shown

    def set_tint(self, kind: str) -> None:
        """Tint the conversation, with a legend below it; "off" for neither."""
        self.transcript.set_tint(kind)
        self.legend.set_tint(kind)
        self.legend.setVisible(kind != "off")

    @Slot()
    def refresh(self) -> None:
        """Show the chat's state: what can be done, the model, the context in use."""
        spec, busy = self._chat.spec, self._chat.is_busy
        self.actions_by_key["stop"].setEnabled(busy)
        self.actions_by_key["find"].setEnabled(len(self._conversation.messages) > 0)
        self._enable_by_tokens()
        self.composer.set_busy(busy)
        self.header.set_title(self._title())
        self.setWindowTitle(self.tr("{title} – Glassbox").format(title=self.header.title))
        self.transcript.set_scene(self._chat.scene or None)
        if spec is None:
            self.header.set_model(self._loading or self.tr("No model"), self.tr("Choose a model"))
            self.header.set_context(0, 0)
            self._place.setText("")
            return
        self._loading = ""
        details = self.tr("{name}: {count} parameters, context of {context} tokens\n{description}").format(
            name=spec.name, count=f"{spec.parameter_count:,}", context=f"{spec.context_tokens:,}", description=spec.description
        )
        self.header.set_model(spec.name, details.strip())
        self.header.set_context(self._chat.used_tokens, spec.context_tokens)
        self._place.setText(f"{spec.device} · {spec.dtype}")
        paused = self.tr("Paused") if self._chat.is_stepping or self._chat.paused is not None else ""
        self._activity.setText(paused or (self.tr("Answering…") if busy else self.tr("Ready")))

    @Slot(object)
    def show_loading(self, progress: LoadProgress) -> None:
        """Say how far the model is."""
        texts = {
            "engine": self.tr("Starting the engine…"),
            "config": self.tr("Reading the model's configuration…"),
            "tokenizer": self.tr("Reading the tokenizer…"),
        }
        text = texts.get(
            progress.stage, self.tr("Loading the weights: {percent} %").format(percent=round(100 * progress.fraction))
        )
        self._activity.setText(text)
        if self._chat.spec is None:
            self._loading = self.tr("Loading…")
            self.header.set_model(self._loading, text)

    def show_load_failure(self, failure: RunFailed, *, can_use_bundled: bool) -> None:
        """Say why there is no model and offer the way out, if there is one."""
        self._loading = ""
        self._activity.setText(self.tr("No model is loaded"))
        self.banner.show_message(failure.message, self.tr("Use the bundled model") if can_use_bundled else "")
        self.refresh()

    @Slot(int)
    def show_speed(self, _message: int) -> None:
        """Say how fast tokens arrive, and how full the context is, a few times a second."""
        self._enable_by_tokens()
        now = time.perf_counter()
        if now - self._speed_shown_s > SPEED_EVERY_S and self._chat.tokens_per_s:
            self._speed_shown_s = now
            self._speed.setText(self.tr("{speed} tokens/s").format(speed=f"{self._chat.tokens_per_s:,.0f}"))
            self.header.set_context(self._chat.used_tokens, self._chat.spec.context_tokens if self._chat.spec else 0)

    def _enable_by_tokens(self) -> None:
        """What an answer can be used for as soon as it has begun."""
        self.actions_by_key["inspect"].setEnabled(self._conversation.last_token() is not None)
        newest = next((message for message in reversed(self._conversation.messages) if message.role == "assistant"), None)
        self.actions_by_key["copy_answer"].setEnabled(newest is not None and newest.length > 0)

    def last_answer(self) -> str:
        """Text of the newest answer; "" where there is none."""
        answers = (message.text for message in reversed(self._conversation.messages) if message.role == "assistant")
        return next(answers, "")

    @Slot()
    def edit(self) -> None:
        """Cut, copy, paste or select all, as the menu entry says, where the keyboard is."""
        edits = {"cut": "cut", "copy": "copy", "paste": "paste", "select_all": "selectAll"}
        command = getattr(QApplication.focusWidget(), edits[self.sender().objectName()], None)
        if command is not None:
            command()

    @Slot()
    def copy_last_answer(self) -> None:
        """Put the newest answer on the clipboard."""
        QGuiApplication.clipboard().setText(self.last_answer())

    def _title(self) -> str:
        first = self._conversation.messages[0].text if self._conversation.messages else ""  # a message, or a text to be continued
        return first[:TITLE_CHARACTERS] or self.tr("New chat")

    @Slot(int)
    def _on_answer_ended(self, message: int) -> None:
        """What the model had to read for it, and how fast it wrote; the speed of a single step says nothing."""
        stats = self._conversation.messages[message].stats
        if stats is None or not stats.new_tokens:
            return
        read = self.tr("read {new}, {reused} from the cache").format(
            new=f"{stats.prompt_tokens - stats.reused_tokens:,}", reused=f"{stats.reused_tokens:,}"
        )
        speed = self.tr("{speed} tokens/s").format(speed=f"{stats.tokens_per_s:,.0f}")
        self._speed.setText(f"{read} · {speed}" if stats.new_tokens > 1 else read)
        self._speed.setToolTip(self._run_summary(stats))

    def _run_summary(self, stats: RunStats) -> str:
        text = self.tr("{new} tokens in {decode} s; read {prompt} tokens in {prefill} s, {reused} of them from the cache")
        return text.format(
            new=f"{stats.new_tokens:,}",
            decode=f"{stats.decode_s:.1f}",
            prompt=f"{stats.prompt_tokens:,}",
            prefill=f"{stats.prefill_s:.2f}",
            reused=f"{stats.reused_tokens:,}",
        )

    @Slot(int)
    def _on_message_added(self, index: int) -> None:
        if self._conversation.messages[index].is_active:  # one that is restored waits for nothing
            self._activity.setText(self.tr("Answering…") if self._chat.spec else self.tr("Waiting for the model…"))

    @Slot()
    def _on_cleared(self) -> None:
        self._speed.setText("")
        self.composer.focus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no child wanted: Esc, those that take another word for the one held, and letters of the next message."""
        if event.key() == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        elif self.transcript.isAncestorOf(QApplication.focusWidget()) and self.panel.take_key(event):
            return
        elif is_typed(event):
            self.composer.take_key(event)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember place and size."""
        self._save()
        self.closed.emit()
        super().closeEvent(event)


def is_typed(event: QKeyEvent) -> bool:
    """Whether a key writes something: a character, and no command."""
    command = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    return event.text().isprintable() and event.text() != "" and not event.modifiers() & command
