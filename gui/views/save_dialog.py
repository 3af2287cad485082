"""Asks for the file in which something is saved."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QWidget


class SaveDialog(QFileDialog):
    """`kinds` are suffixes with their names, the first one chosen; the file's name always has the suffix of its kind."""

    def __init__(self, title: str, folder: Path, stem: str, kinds: Mapping[str, str], parent: QWidget | None = None):
        super().__init__(parent, title, str(folder))
        self._suffixes = {f"{name} (*.{suffix})": suffix for suffix, name in kinds.items()}
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setFileMode(QFileDialog.FileMode.AnyFile)
        self.setNameFilters(list(self._suffixes))
        first = next(iter(kinds))
        self.setDefaultSuffix(first)
        self.selectFile(f"{stem}.{first}")
        self.filterSelected.connect(self._on_filter_selected)

    def ask(self) -> Path | None:
        """The file, None if the reader wants none. An existing one is only given after a question."""
        return Path(self.selectedFiles()[0]) if self.exec() == QFileDialog.DialogCode.Accepted else None

    @Slot(str)
    def _on_filter_selected(self, name_filter: str) -> None:
        suffix = self._suffixes[name_filter]
        self.setDefaultSuffix(suffix)
        self.selectFile(Path(self.selectedFiles()[0]).with_suffix(f".{suffix}").name)
