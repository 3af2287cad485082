"""The whole window, driven by keys and clicks, with a scripted engine behind it."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from gui.paths import Paths
from gui.theme import DARK, LIGHT
from inference.types import GenerateRequest
from tests.gui.conftest import Stage
from tests.gui.scripted import make_spec


def send(stage: Stage, text: str) -> None:
    stage.window.composer.focus()
    stage.type(text)
    stage.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)


def requests(stage: Stage) -> list[GenerateRequest]:
    return [request for request in stage.engine.requests if isinstance(request, GenerateRequest)]


def test_typing_and_enter_streams_an_answer(stage: Stage):
    """The words appear as they come, the panel follows, the figures stand in the status bar, the context fills."""
    stage.ready()
    send(stage, "Hi")
    stage.run(3 + 5)  # prompt, prefill, five tokens
    assert stage.conversation.messages[1].text == "Hello"
    assert stage.conversation.messages[1].status == "streaming"
    stage.run()
    answer = stage.conversation.messages[1]
    assert (answer.text, answer.status) == ("Hello there.", "done")
    assert answer.request.messages[0].content == "Hi"
    assert answer.answer_ids == tuple(b"Hello there.")
    assert stage.program.chat.used_tokens == 2 + 12


def test_a_message_sent_while_the_model_loads_waits_visibly(stage: Stage):
    stage.program.start()
    stage.qtbot.wait(10)
    send(stage, "Early")
    waiting = stage.conversation.messages[1]
    assert waiting.status == "queued"
    assert "load" in waiting.note
    stage.run(5)  # two steps of loading, the model, prompt and prefill
    assert stage.window._activity.text() == "Answering…"
    stage.run()
    assert stage.conversation.messages[1].text == "Hello there."


def test_a_waiting_message_survives_a_failed_load(stage: Stage):
    """The failure is told in a banner; when another model loads, the message is answered."""
    stage.program.start()
    stage.worker.load_error = "The weights file is cut off after 12 bytes."
    stage.qtbot.wait(10)
    send(stage, "Early")
    stage.run()
    assert stage.window.banner.isVisible()
    assert "cut off" in stage.window.banner.text
    assert stage.conversation.messages[1].status == "queued"
    stage.worker.load_error = ""
    stage.program.chat.load("/other")
    stage.run()
    assert stage.conversation.messages[1].text == "Hello there."


def test_escape_stops_and_keeps_everything_received(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run(3 + 4)
    stage.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    stage.run()
    answer = stage.conversation.messages[1]
    assert answer.text == "Hell"
    assert answer.status == "stopped"
    assert answer.answer_ids == tuple(b"Hell")
    assert not stage.program.chat.is_busy


def test_the_next_request_carries_the_exact_ids_of_the_answer(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run()
    send(stage, "And?")
    stage.run()
    second = requests(stage)[1]
    assert [(m.role, m.token_ids) for m in second.messages] == [
        ("user", None),
        ("assistant", tuple(b"Hello there.")),
        ("user", None),
    ]


def test_ids_of_another_model_are_not_sent(stage: Stage):
    """After a change of model the answer goes back as text, since its ids mean something else there."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.engine.spec = make_spec(weights_hash="other")
    stage.program.chat.load("/other")
    stage.run()
    send(stage, "And?")
    stage.run()
    assert requests(stage)[1].messages[1].token_ids is None


def test_settings_apply_to_the_next_answer(stage: Stage):
    """A change while an answer streams leaves it alone."""
    stage.ready()
    send(stage, "Hi")
    stage.run(4)
    stage.window.panel.temperature_changed.emit(1.3)
    stage.program.preferences.update({"seed_mode": "fixed", "seed": 99, "top_k": 7, "system_prompt": "Be kind."})
    stage.run()
    send(stage, "More")
    stage.run()
    first, second = requests(stage)
    assert first.params.temperature == 0.7
    assert (second.params.temperature, second.params.top_k, second.seed) == (1.3, 7, 99)
    assert (second.messages[0].role, second.messages[0].content) == ("system", "Be kind.")


def test_temperature_in_panel_and_dialog_are_one(stage: Stage):
    stage.ready()
    stage.program.dialogs.show_settings()
    stage.window.panel.temperature_changed.emit(0.25)
    assert stage.program.preferences.settings.temperature == 0.25
    assert stage.program.dialogs.settings.field("temperature").value == 0.25
    stage.program.dialogs.settings.close()


def test_click_holds_arrows_walk_escape_releases(stage: Stage):
    """The held token's own trace is shown, its neighbours by the arrow keys, and Esc follows the newest again."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    shown = []
    show = stage.window.panel.show_trace
    stage.window.panel.show_trace = lambda trace, step, live, reason="": (
        shown.append((trace.chosen_id, step, live)),
        show(trace, step, live),
    )
    stage.window.transcript.token_clicked.emit(1, 4)
    stage.window.panel.step_by.emit(-1)
    stage.window.panel.step_by.emit(1)
    stage.qtbot.keyClick(stage.window, Qt.Key.Key_Escape)
    assert shown == [(ord("o"), 5, False), (ord("l"), 4, False), (ord("o"), 5, False), (ord("."), 12, True)]


def test_a_held_token_stays_while_text_streams(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run(3 + 3)
    stage.program.inspector.hold(1, 1)
    stage.run()
    assert stage.program.inspector.held == (1, 1)
    assert stage.conversation.messages[1].text == "Hello there."


def test_a_closed_panel_costs_nothing_and_asks_when_it_must(stage: Stage):
    """Closed: no traces are made. A token clicked later is explained from its exact ids."""
    stage.ready()
    stage.window.actions_by_key["panel"].trigger()
    send(stage, "Hi")
    stage.run()
    assert requests(stage)[0].trace_rows == 0
    stage.window.actions_by_key["panel"].trigger()
    stage.program.inspector.hold(1, 4)
    stage.run()
    question = stage.engine.requests[-1]
    assert question.context_ids == tuple(b"Hi" + b"Hell")
    assert question.token_id == ord("o")
    assert question.answer_start == 2
    assert stage.conversation.messages[1].tokens[4].trace.chosen_id == ord("o")


def test_an_answer_about_one_step_is_not_taken_for_another(stage: Stage):
    """A step without trace is asked about, then one with a trace is held: the late answer belongs to the first."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.window.panel.show_page(3)  # a page that asks nothing of its own about a step with a trace
    tokens = stage.conversation.messages[1].tokens
    tokens[4].trace = None
    kept = tokens[5].trace
    stage.program.inspector.hold(1, 4)
    stage.program.inspector.hold(1, 5)
    stage.run()
    assert tokens[5].trace is kept
    assert tokens[4].trace.chosen_id == ord("o")
    assert stage.program.inspector.held == (1, 5)


def test_new_chat_forgets_everything_even_in_mid_answer(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run(3 + 3)
    stage.window.actions_by_key["new_chat"].trigger()
    assert len(stage.conversation.messages) == 0
    stage.run()
    assert len(stage.conversation.messages) == 0
    send(stage, "Again")
    stage.run()
    assert stage.conversation.messages[1].text == "Hello there."
    assert [m.content for m in requests(stage)[-1].messages] == ["Again"]


def test_a_new_chat_can_be_typed_into_at_once(stage: Stage):
    """Also when the panel had the keyboard before."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.window.activateWindow()
    stage.window.actions_by_key["inspect"].trigger()
    assert stage.window.panel.isAncestorOf(QApplication.focusWidget())
    stage.window.actions_by_key["new_chat"].trigger()
    stage.type("abc")
    assert stage.window.composer.text() == "abc"


def test_a_letter_typed_anywhere_goes_into_the_message(stage: Stage):
    """With the focus on a token's message or the panel, typing writes; commands and arrows stay what they are."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.window.activateWindow()
    stage.window.actions_by_key["inspect"].trigger()
    stage.type("ok")
    assert stage.window.composer.text() == "ok"
    assert stage.window.composer.isAncestorOf(QApplication.focusWidget())
    body = stage.window.transcript.column.views[1].body
    body.setFocus()
    stage.qtbot.keyClick(body, Qt.Key.Key_B, Qt.KeyboardModifier.AltModifier)
    assert stage.window.composer.text() == "ok"
    stage.type("?")
    assert stage.window.composer.text() == "ok?"


def test_the_window_is_named_after_the_conversation(stage: Stage):
    stage.ready()
    assert stage.window.windowTitle() == "New chat – Glassbox"
    send(stage, "Hi")
    assert stage.window.windowTitle() == "Hi – Glassbox"
    stage.run()


def test_commands_that_would_do_nothing_are_disabled(stage: Stage):
    """Nothing to inspect, find, stop, or copy before the first message; nothing to follow while live."""
    stage.ready()

    def enabled() -> set[str]:
        keys = ("stop", "copy_answer", "find", "live", "inspect")
        return {key for key in keys if stage.window.actions_by_key[key].isEnabled()}

    assert enabled() == set()
    send(stage, "Hi")
    stage.run(3 + 3)
    assert enabled() >= {"stop", "find", "inspect"}
    stage.run()
    stage.program.inspector.hold(1, 1)
    assert enabled() == {"copy_answer", "find", "live", "inspect"}
    stage.program.inspector.release()
    assert "live" not in enabled()
    stage.window.actions_by_key["new_chat"].trigger()
    assert enabled() == set()


def test_a_message_longer_than_the_context_is_told_before_it_is_sent(stage: Stage):
    stage.engine.spec = make_spec(context_tokens=64)
    stage.ready()
    stage.window.composer.set_text("a" * 64)
    stage.qtbot.wait(200)
    stage.run()
    assert "64 tokens" in stage.window.composer.hint.text()
    stage.window.composer.set_text("a" * 60)
    stage.qtbot.wait(200)
    stage.run()
    assert stage.window.composer.hint.text() == ""


@pytest.mark.parametrize("has_bundled", [True, False])
def test_the_bundled_model_is_offered_only_where_there_is_one(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_bundled: bool
):
    """A failed load offers it, unless it does not exist or is itself what failed."""
    bundled = tmp_path / "bundled" if has_bundled else None
    monkeypatch.setattr(Paths, "bundled_model", staticmethod(lambda: bundled))
    stage.worker.load_error = "Broken."
    stage.ready()
    button = stage.window.banner.findChild(QPushButton)
    assert button.isVisible() is has_bundled
    stage.program.loading.use_bundled()
    stage.run()
    assert not button.isVisible()


def test_the_last_answer_is_copied(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.window.actions_by_key["copy_answer"].trigger()
    assert QGuiApplication.clipboard().text() == "Hello there."


def test_an_answer_is_copied_while_it_grows(stage: Stage):
    """Not before its first word: until then there is nothing to copy."""
    stage.ready()
    action = stage.window.actions_by_key["copy_answer"]
    stage.program.chat.send("Hi")
    stage.run(3)
    assert not action.isEnabled()
    stage.run(5)
    assert action.isEnabled()
    action.trigger()
    assert QGuiApplication.clipboard().text() == "Hello"


def test_the_edit_menu_acts_where_the_keyboard_is(stage: Stage):
    """Select all, cut and paste in the composer; with the panel focused they do nothing."""
    stage.ready()
    stage.window.activateWindow()
    stage.window.composer.focus()
    stage.type("some words")
    for key in ("select_all", "cut"):
        stage.window.actions_by_key[key].trigger()
    assert (stage.window.composer.text(), QGuiApplication.clipboard().text()) == ("", "some words")
    for _ in range(2):
        stage.window.actions_by_key["paste"].trigger()
    assert stage.window.composer.text() == "some wordssome words"
    stage.window.panel.setFocus()
    stage.window.actions_by_key["cut"].trigger()
    assert stage.window.composer.text() == "some wordssome words"


def test_the_draft_is_counted(stage: Stage):
    stage.ready()
    stage.window.composer.focus()
    stage.type("four")
    stage.qtbot.wait(200)
    stage.run()
    labels = [
        label.text() for label in stage.window.composer.findChildren(QWidget) if hasattr(label, "text") and callable(label.text)
    ]
    assert any("4 tokens" in text for text in labels)


def test_a_model_without_template_shows_its_scene(stage: Stage):
    stage.engine.spec = make_spec(has_chat_template=False, default_scene="A talk between a user and an assistant.")
    stage.ready()
    assert stage.window.transcript.front.scene.text.text() == "A talk between a user and an assistant."
    assert stage.window.transcript.front.scene.isVisible()
    stage.program.preferences.update({"scene": "My own scene."})
    assert stage.window.transcript.front.scene.text.text() == "My own scene."
    send(stage, "Hi")
    stage.run()
    assert requests(stage)[0].scene == "My own scene."


@pytest.mark.parametrize(("choice", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_the_theme_changes_at_once_everywhere(stage: Stage, choice: str, theme: object):
    stage.ready()
    stage.program.preferences.update({"theme": choice})
    stage.qtbot.wait(30)
    image = stage.window.grab().toImage()
    assert image.pixelColor(stage.window.width() // 2, 60).name() == theme.window
    panel_edge = stage.window.panel.mapTo(stage.window, stage.window.panel.rect().topLeft())
    assert image.pixelColor(panel_edge.x() + 3, panel_edge.y() + 3).name() == theme.window


def test_it_fits_900_by_600(stage: Stage):
    """Nothing forces the window wider or higher, and nothing is cut off at its edges."""
    stage.ready()
    stage.window.resize(900, 600)
    send(stage, "Hi " * 50)
    stage.run()
    assert (stage.window.width(), stage.window.height()) == (900, 600)
    for view in (stage.window.header, stage.window.transcript, stage.window.composer, stage.window.panel):
        corner = view.mapTo(stage.window, view.rect().bottomRight())
        assert corner.x() < 900
        assert corner.y() < 600


def test_every_control_can_be_reached_and_has_a_name(stage: Stage):
    """Tab visits the composer, the buttons and the panel; whatever takes the focus says what it is."""
    stage.ready()
    seen = []
    first = widget = stage.window.focusWidget()
    while not seen or widget is not first:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
            seen.append(widget)
        widget = widget.nextInFocusChain()
    nameless = {w for w in seen if not (w.accessibleName() or getattr(w, "text", lambda: "")())}
    assert not nameless
    assert len(set(seen)) >= 6


def test_place_and_panel_are_remembered(stage: Stage, tmp_path: Path):
    stage.ready()
    stage.window.resize(900, 640)  # no wider: the offscreen screen is small
    stage.window.actions_by_key["panel"].trigger()
    stage.window.close()
    again = Stage(stage.qtbot, tmp_path / "profile")
    assert (again.window.width(), again.window.height()) == (900, 640)
    assert not again.window.actions_by_key["panel"].isChecked()
    again.program.close()
    again.window.deleteLater()


def test_a_broken_settings_file_is_told(qtbot: object, tmp_path: Path):
    profile = tmp_path / "profile"
    stage = Stage(qtbot, profile)
    stage.program.preferences.update({"temperature": 1.5})
    stage.program.close()
    stage.window.deleteLater()
    files = list(profile.rglob("settings.toml"))
    files[0].write_text("temperature = [broken", encoding="utf-8")
    again = Stage(qtbot, profile).ready()
    assert again.program.preferences.settings.temperature == 0.7
    assert again.window.banner.isVisible()
    assert "settings" in again.window.banner.text
    again.program.close()
    again.window.close()
    again.window.deleteLater()


def test_closing_ends_the_worker(stage: Stage):
    stage.ready()
    send(stage, "Hi")
    stage.run(4)
    assert stage.program.close()
    assert stage.worker.is_closed
