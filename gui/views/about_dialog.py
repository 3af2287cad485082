"""What Glassbox is, which model is loaded, and whose work it stands on, with the licences."""

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFont, QIcon, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from inference.types import ModelSpec

translate = QCoreApplication.translate  # under this name lupdate finds the texts

# (name, its key among the versions, licence as SPDX names it), checked against the packages' own metadata.
PARTS = (
    ("Python", "python", "PSF-2.0"),
    ("Qt", "qt", "LGPL-3.0"),
    ("PySide6", "PySide6-Essentials", "LGPL-3.0"),
    ("PyTorch", "torch", "BSD-3-Clause"),
    ("tiktoken", "tiktoken", "MIT"),
    ("safetensors", "safetensors", "Apache-2.0"),
    ("NumPy", "numpy", "BSD-3-Clause"),
    ("Jinja", "jinja2", "BSD-3-Clause"),
    ("platformdirs", "platformdirs", "MIT"),
    ("tomlkit", "tomlkit", "MIT"),
)
WIDTH = 580
DESCRIPTION_CHARACTERS = 280  # it comes from the model's files
ICON_SIZE = 64
GAP = 14


class AboutDialog(QDialog):
    """Plain text only: a model's name and description come from its files."""

    def __init__(self, spec: ModelSpec | None, versions: Mapping[str, str], parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Glassbox"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 18)
        column.setSpacing(6)
        column.addLayout(self._top(versions.get("glassbox", "")))
        column.addSpacing(GAP)
        column.addWidget(self._heading(self.tr("The model")))
        for text in model_lines(spec):
            column.addWidget(self._text(text))
        column.addSpacing(GAP)
        column.addWidget(self._heading(self.tr("Built with")))
        column.addLayout(self._parts(versions))
        column.addWidget(self._text(self._licence_note(), is_muted=True))
        column.addSpacing(GAP)
        column.addWidget(buttons)
        self.setMinimumSize(WIDTH, column.totalHeightForWidth(WIDTH))

    def _top(self, version: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(18)
        icon = QApplication.windowIcon().pixmap(ICON_SIZE)
        if not icon.isNull():
            picture = QLabel(self)
            picture.setPixmap(icon)
            row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._heading("Glassbox", 1.6))
        if version:
            words.addWidget(self._text(self.tr("Version {version} · MIT licence").format(version=version), is_muted=True))
        words.addWidget(
            self._text(
                self.tr(
                    "A chat program in which nothing is hidden. A language model runs on this computer, and beside its "
                    "words you see what else it could have said, and how likely that was. Nothing you write leaves this "
                    "computer."
                )
            )
        )
        row.addLayout(words, 1)
        return row

    def _parts(self, versions: Mapping[str, str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(1)
        half = (len(PARTS) + 1) // 2
        grid.setColumnMinimumWidth(3, GAP)
        for i, (name, key, licence) in enumerate(PARTS):
            row, first_column = i % half, i // half * 4
            for column, text in enumerate((name, versions.get(key, ""), licence)):
                grid.addWidget(self._text(text, is_muted=column > 0), row, first_column + column)
        grid.setColumnStretch(7, 1)
        return grid

    def _licence_note(self) -> str:
        return self.tr(
            "Qt and PySide6 are used under the GNU Lesser General Public License, version 3: they are separate libraries, "
            "which you may replace with your own builds; their source code is at code.qt.io. The full texts of all licences "
            "are in the folders of the installed packages."
        )

    def _heading(self, text: str, scale: float = 1.0) -> QLabel:
        label = QLabel(text, self)
        font = QFont(label.font())
        font.setPointSizeF(font.pointSizeF() * scale)
        font.setBold(True)
        label.setFont(font)
        return label

    def _text(self, text: str, is_muted: bool = False) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setText(text)
        label.setWordWrap(len(text) > 40)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if is_muted:
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        return label


def model_lines(spec: ModelSpec | None) -> list[str]:
    """Name, description and size of the loaded model."""
    if spec is None:
        return [translate("AboutDialog", "No model is loaded.")]
    description = " ".join(spec.description.split())
    if len(description) > DESCRIPTION_CHARACTERS:
        description = f"{description[:DESCRIPTION_CHARACTERS]}…"
    size = translate(
        "AboutDialog", "{parameters} parameters · {layers} layers · vocabulary {vocabulary} · context {context} tokens"
    ).format(
        parameters=f"{spec.parameter_count:,}",
        layers=spec.n_layers,
        vocabulary=f"{spec.vocab_size:,}",
        context=f"{spec.context_tokens:,}",
    )
    place = translate("AboutDialog", "{megabytes} MB of weights · {dtype} on {device}").format(
        megabytes=f"{spec.weights_bytes / 1e6:,.1f}", dtype=spec.dtype, device=spec.device
    )
    return [line for line in (spec.name, description, size, place) if line]
