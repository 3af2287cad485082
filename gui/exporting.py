"""Takes what is shown elsewhere: a step or an answer as CSV or JSON, the panel as a picture."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from gui.inspector import Inspector
from gui.models.conversation import ChatMessage, Conversation
from gui.models.export import Origin, message_csv, message_json, step_csv, step_json
from gui.views.save_dialog import SaveDialog
from inference.types import StepDetails, StepExplained, StepTrace

if TYPE_CHECKING:
    from gui.views.panel_image import Caption


class Exporting(QObject):
    """Emits `told` with a sentence for the status line, and `failed` with one for the banner."""

    told = Signal(str)
    failed = Signal(str)

    def __init__(self, conversation: Conversation, inspector: Inspector, panel: QWidget, window: QWidget):
        super().__init__(window)
        self._conversation, self._inspector, self._panel, self._window = conversation, inspector, panel, window
        self._folder = Path.home()  # where the last file was saved

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
        names = {"json": self.tr("JSON"), "csv": self.tr("CSV table")}
        path = self._ask_for_file(self.tr("Save the message"), "glassbox-message", {kind: names[kind]})
        if path is not None:
            text = message_csv(message) if kind == "csv" else message_json(message, with_steps=True)
            self._try(lambda: _write_text(path, text), path)

    @Slot()
    def copy_picture(self) -> None:
        """Put the panel on the clipboard as a picture."""
        from gui.views.panel_image import to_clipboard  # with Qt's SVG library, which nothing else needs

        self._try(lambda: to_clipboard(self._panel))

    @Slot()
    def save_picture(self) -> None:
        """Ask for a file and save the panel there, as SVG or PNG by its name."""
        from gui.views.panel_image import save_png, save_svg

        kinds = {"png": self.tr("PNG picture"), "svg": self.tr("SVG drawing")}
        path = self._ask_for_file(self.tr("Save the panel"), "glassbox-step", kinds)
        if path is not None:
            save = save_svg if path.suffix.lower() == ".svg" else save_png
            self._try(lambda: save(self._panel, str(path), caption=self._caption()), path)

    def _caption(self) -> "Caption":
        from gui.views.panel_image import Caption

        shown = self._inspector.shown()
        if shown is None:
            return Caption(self.tr("Next token"))
        message, token, _known = shown
        return Caption(self.tr("Next token"), message.author, self.tr("Step {number}").format(number=token + 1))

    def _ask_for_file(self, title: str, stem: str, kinds: Mapping[str, str]) -> Path | None:
        dialog = SaveDialog(title, self._folder, stem, kinds, self._window)
        path = dialog.ask()
        dialog.deleteLater()
        return path

    def _try(self, write: Callable[[], None], path: Path | None = None) -> None:
        """Do it and say so; None where it goes to the clipboard."""
        try:
            write()
        except OSError as error:
            self.failed.emit(
                str(error)
                if error.errno is None
                else self.tr("{path} was not written: {reason}.").format(path=path, reason=error.strerror)
            )
        else:
            self._folder = path.parent if path else self._folder
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
