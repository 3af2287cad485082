"""Texts, the scene and the settings dialog as a whole, used with keys and mouse as a person does."""

from dataclasses import asdict, replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from gui.models.settings import Settings
from gui.theme import DARK, LIGHT, apply_theme
from tests.gui.settings_dialog.conftest import SCENE, SHOWN, Recorder, button, retype


class TestTexts:
    def test_typing_is_reported_once_when_the_hand_rests(self, dialog, qtbot):
        dialog.show_option("system_prompt")
        edit = dialog.field("system_prompt").edit
        recorder = Recorder(dialog)
        QTest.keyClicks(edit, "Be brief")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        QTest.keyClicks(edit, "!")
        assert recorder.changes == []
        qtbot.waitUntil(lambda: bool(recorder.changes))
        assert recorder.changes == [{"system_prompt": "Be brief\n!"}]

    def test_closing_reports_what_was_just_typed(self, dialog):
        dialog.show_option("system_prompt")
        recorder = Recorder(dialog)
        QTest.keyClicks(dialog.field("system_prompt").edit, "Hi")
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()
        assert recorder.changes == [{"system_prompt": "Hi"}]

    def test_closing_takes_a_number_not_yet_confirmed(self, dialog):
        recorder = Recorder(dialog)
        retype(dialog.field("temperature").box, "0.9")
        dialog.close()
        assert recorder.changes == [{"temperature": 0.9}]

    def test_turning_to_another_window_reports_what_was_just_typed(self, dialog, qtbot):
        """The next answer, started in the main window at once, is made with it."""
        dialog.show_option("system_prompt")
        recorder = Recorder(dialog)
        QTest.keyClicks(dialog.field("system_prompt").edit, "Hi")
        other = QWidget()
        qtbot.addWidget(other)
        other.show()
        other.activateWindow()
        qtbot.waitUntil(lambda: not dialog.isActiveWindow())
        assert recorder.changes == [{"system_prompt": "Hi"}]

    def test_text_that_no_model_could_hold_is_cut_and_said(self, dialog, qtbot):
        dialog.show_option("system_prompt")
        field = dialog.field("system_prompt")
        with qtbot.waitSignal(dialog.changed) as signal:
            field.edit.insertPlainText("ab" * 10_001)
        assert signal.args == [{"system_prompt": "ab" * 10_000}]
        shown = [label.text() for label in field.findChildren(QLabel) if label.isVisible()]
        assert shown == ["This is too long: only the first 20,000 of 20,002 characters are used."]

    def test_exotic_characters_survive(self, make):
        text = "no\u00a0break 海盗 🏴‍☠️\n\ttab"
        dialog = make(replace(Settings(), system_prompt=text))
        assert dialog.field("system_prompt").value == text

    def test_tab_leaves_a_text(self, dialog):
        dialog.show_option("system_prompt")
        edit = dialog.field("system_prompt").edit
        QTest.keyClick(edit, Qt.Key.Key_Tab)
        assert not edit.hasFocus()
        assert edit.toPlainText() == ""


class TestScene:
    def test_the_models_scene_is_shown_and_can_be_edited(self, dialog, qtbot):
        dialog.set_model_scene(SCENE)
        dialog.show_option("scene")
        field = dialog.field("scene")
        assert field.isEnabled()
        assert field.edit.placeholderText() == SCENE
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.mouseClick(field.start, Qt.MouseButton.LeftButton)
        assert signal.args == [{"scene": SCENE}]
        assert not field.start.isEnabled()
        assert field.edit.hasFocus()

    def test_a_model_with_a_template_needs_none_and_says_so(self, make):
        dialog = make(replace(Settings(), scene="Mine"))
        recorder = Recorder(dialog)
        dialog.set_model_scene("")
        dialog.show_option("scene")
        assert not dialog.field("scene").isEnabled()
        assert dialog.field("scene").value == "Mine", "it is kept for the next model"
        assert any("chat template, which sets up" in label.text() for label in dialog.findChildren(QLabel) if label.isVisible())
        dialog.set_model_scene(SCENE)
        assert dialog.field("scene").isEnabled()
        assert not any("chat template, which sets up" in label.text() for label in dialog.findChildren(QLabel))
        assert recorder.changes == []


class TestFromOutside:
    CHANGED = replace(
        Settings(),
        temperature=1.3,
        top_k=7,
        seed_mode="fixed",
        seed=5,
        system_prompt="a\nb",
        scene="c",
        theme="dark",
        panel_rows=30,
        threads=2,
    )

    def test_set_settings_shows_everything_and_emits_nothing(self, dialog, qtbot):
        recorder = Recorder(dialog)
        dialog.set_settings(self.CHANGED)
        qtbot.wait(600)
        assert recorder.changes == []
        assert {option.key: dialog.field(option.key).value for option in SHOWN} == {
            key: value for key, value in asdict(self.CHANGED).items() if key != "model_path"
        }
        assert dialog.field("temperature").slider.stop == 1.3
        assert dialog.field("seed").box.isEnabled()

    def test_a_value_between_two_stops_is_kept(self, make, qtbot):
        """Showing 0.123 does not round it to the slider's 0.10."""
        dialog = make(replace(Settings(), temperature=0.123))
        recorder = Recorder(dialog)
        assert dialog.field("temperature").box.text() == "0.123"
        assert dialog.field("temperature").slider.stop == 0.1
        qtbot.wait(300)
        assert recorder.changes == []

    def test_it_leaves_alone_what_the_user_is_just_changing(self, dialog, qtbot):
        """The panel's temperature may arrive in the middle of a word."""
        dialog.show_option("system_prompt")
        edit = dialog.field("system_prompt").edit
        recorder = Recorder(dialog)
        QTest.keyClicks(edit, "Be br")
        dialog.set_settings(replace(Settings(), temperature=1.1))
        QTest.keyClicks(edit, "ief")
        qtbot.waitUntil(lambda: bool(recorder.changes))
        assert recorder.changes == [{"system_prompt": "Be brief"}]
        assert dialog.field("temperature").value == 1.1

    def test_the_echo_of_a_change_keeps_cursor_and_undo(self, dialog, qtbot):
        dialog.show_option("system_prompt")
        edit = dialog.field("system_prompt").edit
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.keyClicks(edit, "abc")
            QTest.keyClick(edit, Qt.Key.Key_Left)
        dialog.set_settings(replace(Settings(), **signal.args[0]))
        assert edit.textCursor().position() == 2
        assert edit.document().isUndoAvailable()


class TestRestore:
    def test_restore_defaults_and_its_undo(self, make, qtbot):
        settings = replace(TestFromOutside.CHANGED, model_path="/models/mine")
        dialog = make(settings)
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.mouseClick(button(dialog, "Restore defaults"), Qt.MouseButton.LeftButton)
        defaults = asdict(Settings())
        assert signal.args == [{k: defaults[k] for k, v in asdict(settings).items() if v != defaults[k] and k != "model_path"}]
        assert all(dialog.field(option.key).value == option.default for option in SHOWN)
        dialog.set_settings(replace(Settings(), model_path="/models/mine"))
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.mouseClick(button(dialog, "Undo restore"), Qt.MouseButton.LeftButton)
        assert replace(Settings(), model_path="/models/mine", **signal.args[0]) == settings
        assert button(dialog, "Restore defaults").isEnabled()

    def test_nothing_to_restore(self, dialog):
        restore = button(dialog, "Restore defaults")
        assert not restore.isEnabled()
        QTest.keyClick(dialog.field("top_k").box, Qt.Key.Key_Up)
        assert restore.isEnabled()

    def test_a_change_after_restoring_ends_the_undo(self, make):
        dialog = make(replace(Settings(), top_k=40))
        QTest.mouseClick(button(dialog, "Restore defaults"), Qt.MouseButton.LeftButton)
        QTest.keyClick(dialog.field("temperature").box, Qt.Key.Key_Up)
        assert button(dialog, "Restore defaults").isEnabled()


class TestWindow:
    def test_it_does_not_block_the_chat(self, dialog):
        assert not dialog.isModal()

    def test_it_fits_a_screen_of_900_by_600(self, make):
        dialog = make(notes=["A note that says what was wrong with the settings file. " * 3] * 2)
        assert dialog.width() <= 900
        assert dialog.height() <= 600 - 30
        assert dialog.minimumSizeHint().width() <= 600
        assert dialog.minimumSizeHint().height() <= 400

    def test_it_says_when_a_change_applies(self, dialog):
        texts = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
        assert "A change applies from the next answer on." in texts

    def test_notes_of_a_broken_file_are_in_sight_as_plain_text(self, make):
        dialog = make(notes=["<b>threads</b> is 500", "second"])
        label = next(label for label in dialog.findChildren(QLabel) if "threads" in label.text() and "500" in label.text())
        assert label.isVisible()
        assert label.text() == "<b>threads</b> is 500\nsecond"
        assert label.textFormat() == Qt.TextFormat.PlainText

    def test_many_notes_leave_room_for_the_options(self, make):
        dialog = make(notes=[f"note {i}" for i in range(40)])
        label = next(label for label in dialog.findChildren(QLabel) if "note 0" in label.text())
        assert label.text().splitlines() == ["note 0", "note 1", "note 2", "note 3", "… and 36 more."]
        assert dialog.height() <= 570

    def test_every_page_shows_its_options_without_sideways_clipping(self, dialog):
        """At the smallest size each control still lies within its page."""
        dialog.resize(dialog.minimumSize())
        for option in SHOWN:
            dialog.show_option(option.key)
            QApplication.processEvents()
            field = dialog.field(option.key)
            page = field.parentWidget().parentWidget()
            left = field.mapTo(page, QPoint(0, 0)).x()
            assert field.isVisible()
            assert left >= 0
            assert left + field.width() <= page.width()

    def test_ctrl_page_down_turns_pages(self, dialog):
        assert dialog.field("temperature").isVisible()
        QTest.keyClick(dialog, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
        assert dialog.field("system_prompt").isVisible()
        QTest.keyClick(dialog, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(dialog, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
        assert dialog.field("threads").isVisible()

    def test_mnemonics_reach_the_controls(self, dialog):
        QTest.keyClick(dialog, Qt.Key.Key_K, Qt.KeyboardModifier.AltModifier)
        assert dialog.field("top_k").box.hasFocus()
        QTest.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
        assert dialog.field("seed_mode").buttons["random"].hasFocus()
        QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Right)
        assert dialog.field("seed_mode").value == "fixed"
        QTest.keyClick(dialog, Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
        assert dialog.field("seed").box.hasFocus()

    def test_tab_visits_every_control_of_a_page_in_order(self, make):
        dialog = make(replace(Settings(), seed_mode="fixed"))
        expected = []
        for key in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty"):
            expected += [dialog.field(key).slider, dialog.field(key).box]
        expected += [dialog.field("seed_mode").buttons["fixed"], dialog.field("seed").box, button(dialog, "New seed")]
        expected += [dialog.field("max_new_tokens").slider, dialog.field("max_new_tokens").box]
        expected += [button(dialog, "Restore defaults"), button(dialog, "Close")]
        expected[0].setFocus()
        visited = []
        for _ in expected:
            visited.append(dialog.focusWidget())
            QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        assert visited == expected

    def test_everything_that_takes_the_focus_has_a_name(self, dialog):
        """What a screen reader says, asked the way it asks; controls of options have their help as well."""
        dialog.set_model_scene(SCENE)
        checked = 0
        for option in SHOWN:
            dialog.show_option(option.key)
            for widget in dialog.findChildren(QWidget):
                if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
                    accessible = QAccessible.queryAccessibleInterface(widget)
                    assert accessible.text(QAccessible.Text.Name).strip(), widget
                    checked += 1
            if option.help:
                described = [w for w in dialog.field(option.key).findChildren(QWidget) if w.accessibleDescription()]
                assert described, option.key
        assert checked > 40

    @pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
    def test_both_themes_paint_their_ground_and_accent(self, make, qapp, theme):
        """A theme set later reaches every part: the page's ground, the list's, and the filled part of a slider."""
        before = qapp.palette()
        try:
            dialog = make(replace(Settings(), temperature=2.0), theme=LIGHT)
            apply_theme(qapp, theme)
            dialog.set_theme(theme)
            QApplication.processEvents()
            image = dialog.grab().toImage()
            slider = dialog.field("temperature").slider
            on_groove = slider.mapTo(dialog, QPoint(slider.width() // 2, slider.height() // 2))
            assert image.pixelColor(on_groove).name() == theme.accent
            assert image.pixelColor(dialog.width() - 16, 60).name() == theme.window
            assert image.pixelColor(20, dialog.height() // 2).name() == theme.surface
        finally:
            qapp.setPalette(before)
