"""Numbers and seeds in the settings dialog, used with keys and mouse as a person does."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.settings import Settings
from tests.gui.settings_dialog.conftest import SLIDERS, Recorder, button, retype


class TestNumbers:
    def test_typing_a_number_moves_the_slider_and_reports_once(self, dialog, qtbot):
        dialog.show_option("temperature")
        field = dialog.field("temperature")
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.keyClicks(field.box, "1.25")  # showing an option selects its number
            QTest.keyClick(field.box, Qt.Key.Key_Return)
        assert signal.args == [{"temperature": 1.25}]
        assert field.slider.stop == 1.25
        assert dialog.isVisible(), "Enter in a box presses no button"

    def test_half_a_number_is_not_reported(self, dialog, qtbot):
        recorder = Recorder(dialog)
        retype(dialog.field("temperature").box, "1.")
        qtbot.wait(300)
        assert recorder.changes == []

    def test_a_comma_is_a_point(self, dialog, qtbot):
        """Most keyboards of Europe have a comma on the number pad."""
        box = dialog.field("temperature").box
        with qtbot.waitSignal(dialog.changed) as signal:
            retype(box, "0,35")
            QTest.keyClick(box, Qt.Key.Key_Tab)
        assert signal.args == [{"temperature": 0.35}]
        assert box.text() == "0.35"

    @pytest.mark.parametrize("option", SLIDERS, ids=lambda option: option.key)
    def test_arrow_keys_on_the_slider_walk_every_stop_exactly(self, dialog, option):
        """Slider and box agree at each stop, and no stop shows noise such as 0.7000000001."""
        dialog.show_option(option.key)
        field = dialog.field(option.key)
        field.slider.setFocus()
        QTest.keyClick(field.slider, Qt.Key.Key_Home)
        for stop in option.stops()[:30]:
            assert field.value == stop
            assert field.box.text().removesuffix(f" {option.unit}") == option.describe(stop)
            QTest.keyClick(field.slider, Qt.Key.Key_Right)
        QTest.keyClick(field.slider, Qt.Key.Key_End)
        assert field.value == option.maximum
        assert isinstance(field.value, type(option.default))

    @pytest.mark.parametrize("option", SLIDERS, ids=lambda option: option.key)
    def test_up_in_the_box_is_one_step(self, dialog, option):
        dialog.show_option(option.key)
        field = dialog.field(option.key)
        field.set_value(option.minimum)
        for i in range(1, 12):
            QTest.keyClick(field.box, Qt.Key.Key_Up)
            assert field.value == option.exact(option.minimum + i * option.step)

    def test_dragging_the_slider_reports_the_end_only(self, dialog, qtbot):
        """The hand on its way is not a choice: no file is written and no model reloaded for it."""
        slider = dialog.field("temperature").slider
        recorder = Recorder(dialog)
        y = slider.height() // 2
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(self.handle_x(slider), y))
        for x in range(self.handle_x(slider), slider.width() - 2, 12):
            QTest.mouseMove(slider, QPoint(x, y))
        QTest.mouseMove(slider, QPoint(slider.width() + 40, y))
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() + 40, y))
        assert recorder.changes == []
        qtbot.waitUntil(lambda: bool(recorder.changes))
        assert recorder.changes == [{"temperature": 2.0}]
        assert dialog.field("temperature").box.text() == "2.00"

    @staticmethod
    def handle_x(slider):
        share = (slider.value() - slider.minimum()) / (slider.maximum() - slider.minimum())
        return round(8 + share * (slider.width() - 16))

    def test_there_and_back_reports_nothing(self, dialog, qtbot):
        recorder = Recorder(dialog)
        box = dialog.field("top_k").box
        QTest.keyClick(box, Qt.Key.Key_Up)
        QTest.keyClick(box, Qt.Key.Key_Down)
        qtbot.wait(300)
        assert recorder.changes == []

    @pytest.mark.parametrize(
        ("key", "typed", "value", "shown"),
        [
            ("top_k", "0", 0, "off"),
            ("top_p", "1", 1.0, "off"),
            ("min_p", "0", 0.0, "off"),
            ("repetition_penalty", "1", 1.0, "off"),
            ("threads", "0", 0, "automatic"),
            ("top_k", "off", 0, "off"),
            ("top_p", "off", 1.0, "off"),
            ("max_new_tokens", "1000", 1000, "1000 tokens"),
            ("max_new_tokens", "9999", 999, "999 tokens"),
            ("temperature", "0.123", 0.123, "0.123"),
            ("temperature", "0", 0.0, "0.00"),
        ],
    )
    def test_a_word_stands_for_off(self, make, key, typed, value, shown):
        dialog = make(replace(Settings(), top_k=40, top_p=0.5, min_p=0.1, threads=2))
        dialog.show_option(key)
        field = dialog.field(key)
        retype(field.box, typed)
        QTest.keyClick(field.box, Qt.Key.Key_Return)
        assert field.value == value
        assert field.box.text() == shown

    def test_a_digit_typed_into_the_word_replaces_it(self, dialog):
        box = dialog.field("top_k").box
        box.setFocus()
        box.lineEdit().setCursorPosition(3)
        QTest.keyClicks(box, "25")
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert dialog.field("top_k").value == 25

    def test_letters_are_not_taken(self, dialog):
        box = dialog.field("temperature").box
        retype(box, "abc1x.5")
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert dialog.field("temperature").value == 1.5

    def test_the_wheel_scrolls_the_page_and_not_a_value_in_passing(self, dialog):
        field = dialog.field("top_k")
        dialog.field("temperature").box.setFocus()
        for widget in (field.box, field.slider):
            middle = QPointF(widget.rect().center())
            wheel = QWheelEvent(
                middle,
                widget.mapToGlobal(middle),
                QPoint(0, 0),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(widget, wheel)
        assert field.value == 0


class TestSeed:
    def test_the_seed_can_be_set_only_while_it_is_fixed(self, dialog, qtbot):
        seed, new = dialog.field("seed"), button(dialog, "New seed")
        assert not seed.box.isEnabled()
        assert not new.isEnabled()
        with qtbot.waitSignal(dialog.changed) as signal:
            QTest.mouseClick(dialog.field("seed_mode").buttons["fixed"], Qt.MouseButton.LeftButton)
        assert signal.args == [{"seed_mode": "fixed"}]
        assert seed.box.isEnabled()
        assert new.isEnabled()
        QTest.mouseClick(dialog.field("seed_mode").buttons["random"], Qt.MouseButton.LeftButton)
        assert not seed.box.isEnabled()

    def test_new_seed_draws_one(self, make, qtbot):
        dialog = make(replace(Settings(), seed_mode="fixed"))
        drawn = set()
        for _ in range(4):
            with qtbot.waitSignal(dialog.changed) as signal:
                QTest.mouseClick(button(dialog, "New seed"), Qt.MouseButton.LeftButton)
            drawn.add(signal.args[0]["seed"])
        assert len(drawn) == 4
        assert all(0 <= seed < 2**32 for seed in drawn)

    def test_the_largest_seed_fits(self, make, qtbot):
        dialog = make(replace(Settings(), seed_mode="fixed"))
        box = dialog.field("seed").box
        with qtbot.waitSignal(dialog.changed) as signal:
            retype(box, "4294967295")
            QTest.keyClick(box, Qt.Key.Key_Return)
        assert signal.args == [{"seed": 2**32 - 1}]
        QTest.keyClick(box, Qt.Key.Key_Up)
        assert dialog.field("seed").value == 2**32 - 1
