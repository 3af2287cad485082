"""What is taken elsewhere arrives there whole, or a sentence says why not."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog

from gui.views.save_dialog import SaveDialog
from tests.gui.conftest import Stage

TEXT = "Hello there."


@pytest.fixture
def answered(stage: Stage) -> Stage:
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run()
    return stage


@pytest.fixture
def save_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[tuple[str, str]]]:
    """Answers the next questions for a file; the list gets (folder, file) that they began with."""

    def answer(path: Path) -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = []

        def accept(dialog: SaveDialog) -> int:
            asked.append((dialog.directory().absolutePath(), dialog.selectedFiles()[0]))
            dialog.setDirectory(str(path.parent))
            dialog.selectFile(path.name)
            return QFileDialog.DialogCode.Accepted

        monkeypatch.setattr(SaveDialog, "exec", accept)
        return asked

    return answer


def test_an_answer_is_saved_as_json_and_csv(answered: Stage, save_as: Callable[[Path], list], tmp_path: Path):
    """All its tokens, with a suffix if none was written; the second question begins where the first file was saved."""
    actions = answered.window.actions_by_key
    save_as(tmp_path / "answer")
    actions["export_json"].trigger()
    saved = json.loads((tmp_path / "answer.json").read_text("utf-8"))
    assert (saved["text"], len(saved["tokens"])) == (TEXT, len(answered.conversation.messages[1].tokens))
    assert answered.window.statusBar().currentMessage() == f"Saved as {tmp_path / 'answer.json'}"
    asked = save_as(tmp_path / "answer.csv")
    actions["export_csv"].trigger()
    assert asked == [(str(tmp_path), str(tmp_path / "glassbox-message.csv"))]
    lines = list(csv.DictReader((tmp_path / "answer.csv").read_text("utf-8-sig").splitlines()))
    assert [int(line["token_id"]) for line in lines] == [token["token_id"] for token in saved["tokens"]]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["answer.csv", "answer.json"]


@pytest.mark.parametrize("key", ["export_json", "export_csv", "save_picture"])
def test_a_folder_that_takes_no_file_is_told(answered: Stage, save_as: Callable[[Path], list], tmp_path: Path, key: str):
    """Nothing is left behind, and the banner names the file."""
    file = tmp_path / "file"
    file.write_text("a file, not a folder")
    answered.program.exporting._ask_for_file = lambda *_question: file / "saved.png"
    answered.window.actions_by_key[key].trigger()
    assert not answered.window.banner.isHidden()
    assert str(file / "saved.png") in answered.window.banner.text
    assert file.read_text() == "a file, not a folder"


def test_the_panel_is_saved_as_a_picture_and_as_a_drawing(answered: Stage, save_as: Callable[[Path], list], tmp_path: Path):
    """By the suffix: PNG at twice the size on screen, SVG at that size."""
    panel, save = answered.window.panel, answered.window.actions_by_key["save_picture"]
    save_as(tmp_path / "step.png")
    save.trigger()
    assert QImage(str(tmp_path / "step.png")).size() == 2 * panel.size()
    save_as(tmp_path / "step.svg")
    save.trigger()
    assert QSvgRenderer(QByteArray((tmp_path / "step.svg").read_bytes())).viewBox().size() == panel.size()


def test_a_step_is_copied(answered: Stage):
    answered.window.actions_by_key["step_json"].trigger()
    assert json.loads(QGuiApplication.clipboard().text())["format"] == "glassbox-step"
    answered.window.actions_by_key["step_csv"].trigger()
    assert QGuiApplication.clipboard().text().startswith("row,tokens,token_id")


def test_another_kind_of_file_changes_the_suffix(qtbot: object, tmp_path: Path):
    """Also of a name without one, which a file is saved under only with it."""
    dialog = SaveDialog("Save", tmp_path, "step", {"png": "PNG picture", "svg": "SVG drawing"})
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    assert dialog.selectedFiles() == [str(tmp_path / "step.png")]
    dialog.selectNameFilter("SVG drawing (*.svg)")
    dialog.filterSelected.emit("SVG drawing (*.svg)")
    assert dialog.selectedFiles() == [str(tmp_path / "step.svg")]
    dialog.selectFile("other")
    assert dialog.selectedFiles() == [str(tmp_path / "other.svg")]
    dialog.deleteLater()
