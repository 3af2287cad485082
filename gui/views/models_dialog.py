"""Where larger models are found, and how they get into the program, which downloads nothing by itself."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtGui import QFont, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.models.known_models import KnownModel

TEXT_WIDTH = 520


class ModelsDialog(QDialog):
    """Lists models with their size, licence and address. Emits `open_requested` for a folder that is there already."""

    open_requested = Signal()

    def __init__(self, models: Sequence[KnownModel], parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("Other models"))
        self._copied: QPushButton | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 16)
        column.setSpacing(14)
        column.addWidget(
            self._label(
                self.tr(
                    "The bundled model is tiny: it chats, it does not know. These are larger, still run on an ordinary computer, "
                    "and can be looked into in the same way. Download the files of one (config.json, the tokenizer's files and "
                    "the weights as safetensors) into a folder, and open that folder. Glassbox itself downloads nothing."
                )
            )
        )
        column.addLayout(self._table(models))
        column.addWidget(self._buttons())

    def _table(self, models: Sequence[KnownModel]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        for row, model in enumerate(models):
            name = self._label(model.name, weight=QFont.Weight.DemiBold)
            details = self.tr("{kind}\n{parameters} parameters, about {size} MB, context of {context} tokens, {licence}").format(
                kind=QCoreApplication.translate("models", model.kind),
                parameters=model.parameters,
                size=f"{model.weights_megabytes:,}",
                context=f"{model.context_tokens:,}",
                licence=model.licence,
            )
            text = self._label(details)
            text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            button = QPushButton(self.tr("Copy address"), self)
            button.setAccessibleName(self.tr("Copy the address of {name}").format(name=model.name))
            button.setProperty("address", model.address)
            button.clicked.connect(self._on_copy)
            grid.addWidget(name, 2 * row, 0)
            grid.addWidget(text, 2 * row + 1, 0)
            grid.addWidget(button, 2 * row, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
            grid.setRowMinimumHeight(2 * row, name.sizeHint().height() + 14)
        return grid

    def _label(self, text: str, weight: QFont.Weight = QFont.Weight.Normal) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setMinimumWidth(TEXT_WIDTH)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = label.font()
        font.setWeight(weight)
        label.setFont(font)
        return label

    def _buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        box.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        box.rejected.connect(self.reject)
        open_folder = box.addButton(self.tr("&Open a model folder…"), QDialogButtonBox.ButtonRole.ActionRole)
        open_folder.clicked.connect(self._on_open)
        return box

    @Slot()
    def _on_copy(self) -> None:
        """Put the address on the clipboard, and say so on the button."""
        button = self.sender()
        QGuiApplication.clipboard().setText(button.property("address"))
        if self._copied is not None:
            self._copied.setText(self.tr("Copy address"))
        button.setText(self.tr("Copied"))
        self._copied = button

    @Slot()
    def _on_open(self) -> None:
        self.accept()
        self.open_requested.emit()
