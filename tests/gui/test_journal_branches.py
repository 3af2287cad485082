"""The tree survives: branches, what is shown of them, the user's tokens and numbers; without the rest of the program."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gui.journal import Journal
from gui.models.conversation import Conversation
from gui.paths import Paths
from gui.store import Store, StoreError
from inference.types import PromptSpan, PromptTokens, TokenEvent, TokenNumbers

NUMBERS = TokenNumbers(0.5, 0.25, 1.0, 2.0, 3)


class Sessions:
    """Opens one profile again and again, as starts of the program do."""

    def __init__(self, profile: Path):
        self._profile = profile
        self.journal: Journal | None = None

    def start(self) -> Conversation:
        """End the session there is, and begin the next one."""
        self.close()
        self.conversation = Conversation()
        self.journal = Journal(self.conversation, self.conversation)
        assert self.journal.open(Paths(self._profile)) == []
        return self.conversation

    def kill(self) -> Conversation:
        """The same, but the session there is ends without a chance to save anything."""
        self.journal._timer.stop()
        self.journal._unsaved.clear()
        self.journal._saved_shown_id = self.journal._shown_id
        return self.start()

    def close(self) -> None:
        """End the session."""
        if self.journal is not None:
            self.journal.close()

    def rows(self, columns: str) -> list[tuple[object, ...]]:
        """What is in the file, in order; ends the session."""
        self.close()
        with closing(sqlite3.connect(self._profile / "data" / "conversations.db")) as connection:
            return connection.execute(f"SELECT {columns} FROM message ORDER BY position").fetchall()

    def change(self, statement: str) -> None:
        """Change the file between two sessions."""
        self.close()
        with closing(sqlite3.connect(self._profile / "data" / "conversations.db")) as connection:
            connection.execute(statement)
            connection.commit()


@pytest.fixture
def sessions(qapp: object, tmp_path: Path) -> Iterator[Sessions]:
    sessions = Sessions(tmp_path)
    yield sessions
    sessions.close()


def texts(talk: Conversation) -> list[str]:
    return [message.text for message in talk.messages]


def answer(talk: Conversation, text: str, index: int | None = None) -> int:
    index = talk.add_message("assistant", "", "queued") if index is None else talk.add_sibling(index)
    talk.append_tokens(index, [TokenEvent(1, i, ord(c), c.encode(), c, numbers=NUMBERS) for i, c in enumerate(text)])
    talk.set_status(index, "done")
    return index


def branched(talk: Conversation) -> None:
    """q - a - q2 - a2, and beside a: b - q3, which is on screen."""
    talk.add_message("user", "q")
    answer(talk, "a")
    talk.add_message("user", "q2")
    answer(talk, "a2")
    answer(talk, "b", 1)
    talk.add_message("user", "q3")


@pytest.mark.parametrize("end", [Sessions.start, Sessions.kill])
def test_the_path_on_screen_comes_back_and_so_do_the_others(sessions: Sessions, end: Callable[[Sessions], Conversation]):
    """A switch is saved at once; tokens keep their numbers on every branch."""
    talk = sessions.start()
    branched(talk)
    again = end(sessions)
    assert texts(again) == ["q", "b", "q3"] and again.siblings(1) == (2, 2)
    again.switch(1, -1)
    assert texts(again) == ["q", "a", "q2", "a2"]
    third = end(sessions)
    assert texts(third) == ["q", "a", "q2", "a2"]
    assert {token.numbers for message in third.messages for token in message.tokens} == {NUMBERS}
    third.switch(1, 1)
    assert texts(third) == ["q", "b", "q3"]


def test_messages_go_on_below_what_is_shown(sessions: Sessions):
    """Rows are in the order in which they were added, each with the one it follows."""
    branched(sessions.start())
    talk = sessions.start()
    talk.switch(1, -1)
    talk.add_message("user", "q4")
    rows = sessions.rows("position, id, parent, text")
    assert [(position, text) for position, _, _, text in rows] == list(enumerate(["q", "a", "q2", "a2", "b", "q3", "q4"]))
    names = {name: text for _, name, _, text in rows}
    assert [names.get(parent, "") for _, _, parent, _ in rows] == ["", "q", "a", "q2", "q", "b", "a2"]
    assert texts(sessions.start()) == ["q", "a", "q2", "a2", "q4"]


def test_a_sibling_is_in_the_file_before_the_engine_is_asked(sessions: Sessions):
    """Killed at once, the next start shows it, interrupted, in the place of the first answer."""
    talk = sessions.start()
    branched(talk)
    talk.add_sibling(1)
    again = sessions.kill()
    assert [(message.text, message.status) for message in again.messages] == [("q", "done"), ("", "stopped")]
    assert again.siblings(1) == (3, 3)


def test_a_paused_answer_is_paused_again(sessions: Sessions):
    talk = sessions.start()
    talk.add_message("user", "q")
    index = answer(talk, "a")
    talk.set_status(index, "paused", "Paused.")
    assert [(m.status, m.note) for m in sessions.kill().messages] == [("done", ""), ("paused", "Paused.")]


def test_the_growth_of_a_message_that_left_the_screen_is_saved(sessions: Sessions):
    """What was appended before the switch is not lost with the timer's next tick."""
    talk = sessions.start()
    talk.add_message("user", "q")
    answer(talk, "a")
    talk.append_tokens(1, [TokenEvent(1, 1, 98, b"b", "b")])
    talk.add_sibling(1, "done")
    again = sessions.start()
    again.switch(1, -1)
    assert texts(again) == ["q", "ab"]


def read_prompt(talk: Conversation) -> None:
    index = talk.add_message("assistant", "", "reading")
    talk.messages[index].weights_hash = "w"
    spans = (PromptSpan(0, 1, "special"), PromptSpan(1, 3, "content", 0), PromptSpan(3, 4, "template"))
    prompt = PromptTokens(1, (1, 72, 105, 2), spans, 0, token_bytes=(b"<s>", b"H", b"i", b"\n"))
    talk.set_prompt(index, prompt, [talk.messages[0].message_id])
    talk.set_prompt_numbers(index, 1, [NUMBERS])
    talk.set_status(index, "streaming")


def test_the_users_tokens_and_numbers_are_saved_with_the_answers_state(sessions: Sessions):
    """And with the exact ids before them."""
    talk = sessions.start()
    talk.add_message("user", "Hi")
    read_prompt(talk)
    user, reply = sessions.kill().messages
    assert [(t.token_id, t.start, t.end, t.numbers) for t in user.tokens] == [(72, 0, 1, NUMBERS), (105, 1, 2, None)]
    assert (user.prompt_ids, user.weights_hash, user.read_for) == ((1,), "w", reply.message_id)
    assert (reply.prompt_ids, len(reply.spans), reply.status) == ((1, 72, 105, 2), 3, "stopped")


def test_numbers_that_come_later_are_saved_soon(sessions: Sessions):
    talk = sessions.start()
    talk.add_message("user", "Hi")
    read_prompt(talk)
    talk.set_prompt_numbers(1, 2, [NUMBERS])
    assert sessions.journal._timer.isActive()
    assert [token.numbers for token in sessions.start().messages[0].tokens] == [NUMBERS, NUMBERS]


def test_marks_of_another_path_do_not_come_back(sessions: Sessions):
    """What a switch unmarked is unmarked in the file, the messages it brought on screen included."""
    talk = sessions.start()
    branched(talk)
    talk.set_forgotten([0, 1])
    talk.switch(1, -1)
    talk.set_forgotten([0, 2])
    talk.switch(1, 1)
    again = sessions.start()
    assert [message.is_forgotten for message in again.messages] == [False, False, False]
    again.switch(1, -1)
    assert not any(message.is_forgotten for message in again.messages)


def test_an_unknown_leaf_shows_the_newest_messages(sessions: Sessions):
    """So do parents that are not there: no damage to the tree hides the end of the conversation."""
    branched(sessions.start())
    sessions.change("UPDATE conversation SET shown = 'lost'")
    assert texts(sessions.start()) == ["q", "b", "q3"]
    sessions.change("UPDATE message SET parent = 'lost' WHERE text = 'q3'")
    sessions.change("UPDATE message SET parent = id WHERE text = 'q'")
    assert texts(sessions.start()) == ["q", "b", "q3"]


def test_what_follows_a_hidden_message_stays_below_it_in_the_file(sessions: Sessions):
    """A version that can show it shows it between those it was between."""
    talk = sessions.start()
    talk.add_message("user", "q")
    answer(talk, "a")
    sessions.change("UPDATE message SET role = 'oracle' WHERE text = 'a'")
    again = sessions.start()
    again.add_message("user", "q2")
    assert texts(sessions.start()) == ["q", "q2"]
    sessions.change("UPDATE message SET role = 'assistant' WHERE text = 'a'")
    assert texts(sessions.start()) == ["q", "a", "q2"]


def test_a_switch_that_could_not_be_saved_is_saved_with_the_next_change(sessions: Sessions, monkeypatch: pytest.MonkeyPatch):
    talk = sessions.start()
    branched(talk)

    def fail(*_arguments: object) -> None:
        raise StoreError("the cable is out.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", fail)
        talk.switch(1, -1)
    talk.append_text(3, "!")
    assert texts(sessions.start()) == ["q", "a", "q2", "a2!"]


def test_a_new_chat_begins_a_tree_of_its_own(sessions: Sessions):
    talk = sessions.start()
    branched(talk)
    talk.clear()
    talk.add_message("user", "new")
    again = sessions.kill()
    assert (texts(again), again.siblings(0)) == (["new"], (1, 1))
    assert [position for (position,) in sessions.rows("position")] == [0, 0, 1, 2, 3, 4, 5]
