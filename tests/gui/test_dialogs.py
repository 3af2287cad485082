"""The about and shortcuts dialogs: what they say, and that a model's text stays text."""

import re
from dataclasses import replace
from importlib.metadata import metadata

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from gui.models.known_models import KNOWN_MODELS
from gui.views.about_dialog import PARTS, AboutDialog
from gui.views.models_dialog import ModelsDialog
from gui.views.shortcuts_dialog import ShortcutsDialog
from inference.types import ModelSpec

VERSIONS = {"glassbox": "0.1.0", "python": "3.11.7", "qt": "6.11.3", "torch": "2.13.0", "PySide6-Essentials": "6.11.3"}
SPEC = ModelSpec(
    name="Owl",
    path="/home/someone/models/owl",
    family="llama",
    parameter_count=13_300_123,
    vocab_size=8192,
    context_tokens=1024,
    n_layers=8,
    n_heads=8,
    width=512,
    device="cpu",
    dtype="float32",
    weights_bytes=53_200_000,
    weights_hash="ab" * 32,
    has_chat_template=True,
    load_s=1.0,
    description="A small English model.",
)
ROWS = [("Send the message", "Enter"), ("Settings", "Ctrl+,"), ("Keyboard shortcuts", "F1")]


def texts(dialog):
    return [label.text() for label in dialog.findChildren(QLabel)]


@pytest.fixture
def about(qtbot):
    def make(spec=SPEC, versions=VERSIONS):
        dialog = AboutDialog(spec, versions)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


class TestAbout:
    def test_it_names_program_model_parts_and_licences(self, about):
        dialog = about()
        said = "\n".join(texts(dialog))
        for part in (
            "Version 0.1.0 · MIT licence",
            "Owl",
            "A small English model.",
            "13,300,123 parameters",
            "context 1,024 tokens",
            "53.2 MB of weights · float32 on cpu",
            "PyTorch\n2.13.0\nBSD-3-Clause",
            "PySide6\n6.11.3\nLGPL-3.0",
            "tiktoken\n\nMIT",
            "GNU Lesser General Public License, version 3",
        ):
            assert part in said
        assert SPEC.path not in said

    def test_without_a_model(self, about):
        assert "No model is loaded." in texts(about(spec=None))

    def test_text_of_a_model_is_plain_and_bounded(self, about):
        """A description cannot draw, load a picture, or grow the window."""
        dialog = about(replace(SPEC, name="<h1>x</h1>", description="<img src='file:///x.png'>\n" + "word " * 50_000))
        assert "<h1>x</h1>" in texts(dialog)
        assert all(label.textFormat() == Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel) if "<" in label.text())
        assert max(map(len, texts(dialog))) < 400
        assert dialog.height() <= 570
        assert dialog.width() <= 900

    def test_nothing_is_clipped(self, about):
        dialog = about()
        for label in dialog.findChildren(QLabel):
            needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
            assert label.height() >= needed, label.text()
            if not label.wordWrap():
                assert label.width() >= label.sizeHint().width(), label.text()

    @pytest.mark.parametrize(("name", "key", "licence"), [part for part in PARTS if part[1] not in ("python", "qt")])
    def test_licences_are_those_of_the_installed_packages(self, name, key, licence):
        """Read from each package's own metadata, in the words that package uses."""
        data = metadata(key)
        said = " ".join([data.get("License-Expression") or "", data.get("License") or "", *(data.get_all("Classifier") or [])])
        family = re.split(r"-\d", licence)[0]
        assert family.removesuffix("-Clause") in said, f"{name}: {said[:200]}"

    def test_esc_closes(self, about):
        dialog = about()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()


class TestShortcuts:
    @pytest.fixture
    def dialog(self, qtbot):
        dialog = ShortcutsDialog(ROWS)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    def test_it_lists_the_rows(self, dialog):
        table = dialog.findChild(QTableWidget)
        assert [tuple(table.item(row, column).text() for column in (0, 1)) for row in range(table.rowCount())] == ROWS

    def test_rows_are_equally_high_and_keys_are_not_clipped(self, dialog):
        table = dialog.findChild(QTableWidget)
        assert len({table.rowHeight(row) for row in range(table.rowCount())}) == 1
        widest = max(table.fontMetrics().horizontalAdvance(keys) for _, keys in ROWS)
        assert table.columnWidth(1) >= widest + 16
        assert table.columnWidth(0) + table.columnWidth(1) <= table.viewport().width()

    def test_keys_walk_it_and_esc_closes_it(self, dialog):
        table = dialog.findChild(QTableWidget)
        table.setFocus()
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.currentRow() == 1
        QTest.keyClick(table, Qt.Key.Key_F2)
        assert table.state() == QTableWidget.State.NoState, "cells cannot be edited"
        QTest.keyClick(table, Qt.Key.Key_Escape)
        assert not dialog.isVisible()

    def test_no_rows_is_no_error(self, qtbot):
        dialog = ShortcutsDialog([])
        qtbot.addWidget(dialog)
        dialog.show()
        assert dialog.findChild(QTableWidget).rowCount() == 0


def test_other_models_are_named_with_an_address_to_copy(qtbot: QtBot):
    """One button for each; the folder of one that is there already is a click away, and nothing is fetched."""
    dialog = ModelsDialog(KNOWN_MODELS)
    qtbot.addWidget(dialog)
    copies = [button for button in dialog.findChildren(QPushButton) if button.property("address")]
    assert [button.property("address") for button in copies] == [model.address for model in KNOWN_MODELS]
    copies[1].click()
    copies[0].click()
    assert QGuiApplication.clipboard().text() == KNOWN_MODELS[0].address
    assert [button.text() for button in copies[:2]] == ["Copied", "Copy address"]
    opened: list[bool] = []
    dialog.open_requested.connect(lambda: opened.append(True))
    next(button for button in dialog.findChildren(QPushButton) if "folder" in button.text()).click()
    assert opened == [True]
