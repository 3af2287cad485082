"""Takes what is shown elsewhere: a step or an answer as CSV or JSON, the panel as a picture."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.inspector import Inspector
from gui.models.conversation import ChatMessage, Conversation
from gui.models.export import Origin, message_csv, message_json, step_csv, step_json
from gui.views.panel_image import Caption, save_png, save_svg, to_clipboard
from inference.types import StepDetails, StepExplained, StepTrace


class Exporting(QObject):
    """Emits `told` with a sentence for the status line, and `failed` with one for the banner."""

    told = Signal(str)
    failed = Signal(str)

    def __init__(self, conversation: Conversation, inspector: Inspector, panel: QWidget, window: QWidget):
        super().__init__(window)
        self._conversation, self._inspector, self._panel, self._window = conversation, inspector, panel, window

    @Slot()
    def copy_step_csv(self) -> None:
        """Put the step that the panel shows on the clipboard as CSV."""
        self._copy_step(lambda trace, origin, _details: step_csv(trace, origin))

    @Slot()
    def copy_step_json(self) -> None:
        """Put the step that the panel shows on the clipboard as JSON."""
        self._copy_step(step_json)

    def _copy_step(self, export: Callable[[StepTrace, Origin, StepDetails | None], str]) -> None:
        shown = self._inspector.shown()
        if shown is None:
            self.told.emit(self.tr("There is no step to copy: hold a token first."))
            return
        message, token, known = shown
        trace, details = (known.trace, known.details) if isinstance(known, StepExplained) else (known, None)
        QGuiApplication.clipboard().setText(export(trace, self._origin(message, token), details))
        self.told.emit(self.tr("The step was copied."))

    def _origin(self, message: ChatMessage, token: int) -> Origin:
        return Origin(
            message.author, message.weights_hash, message.request and message.request.seed, token if token >= 0 else None
        )

    def save_message(self, index: int, kind: str) -> None:
        """Ask for a file and write the message there; `kind` is "csv" or "json"."""
        message = self._conversation.messages[index]
        path = self._ask_for_file(self.tr("Save the message"), f"glassbox-message.{kind}", f"*.{kind}")
        if path:
            text = message_csv(message) if kind == "csv" else message_json(message, with_steps=True)
            self._try(lambda: _write_text(Path(path), text), path)

    @Slot()
    def copy_picture(self) -> None:
        """Put the panel on the clipboard as a picture."""
        self._try(lambda: to_clipboard(self._panel), "")

    @Slot()
    def save_picture(self) -> None:
        """Ask for a file and save the panel there, as SVG or PNG by its name."""
        path = self._ask_for_file(self.tr("Save the panel"), "glassbox-step.png", "*.png *.svg")
        if path:
            save = save_svg if path.lower().endswith(".svg") else save_png
            self._try(lambda: save(self._panel, path, caption=self._caption()), path)

    def _caption(self) -> Caption:
        shown = self._inspector.shown()
        if shown is None:
            return Caption(self.tr("Next token"))
        message, token, _known = shown
        return Caption(self.tr("Next token"), message.author, self.tr("Step {number}").format(number=token + 1))

    def _ask_for_file(self, title: str, name: str, pattern: str) -> str:
        path, _filter = QFileDialog.getSaveFileName(self._window, title, str(Path.home() / name), pattern)
        return path

    def _try(self, write: Callable[[], None], path: str) -> None:
        try:
            write()
        except OSError as error:
            self.failed.emit(
                str(error)
                if error.errno is None
                else self.tr("{path} was not written: {reason}.").format(path=path, reason=error.strerror)
            )
        else:
            self.told.emit(self.tr("Saved as {path}").format(path=path) if path else self.tr("The panel was copied."))


def _write_text(path: Path, text: str) -> None:
    """Write beside the file, then replace it: whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        # With the mark a spreadsheet reads CSV as the UTF-8 it is; in JSON it would be an error.
        part.write_text(text, encoding="utf-8-sig" if path.suffix == ".csv" else "utf-8", newline="")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
