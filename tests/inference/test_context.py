"""Which messages leave the model's view."""

from hypothesis import given
from hypothesis import strategies as st

from inference.context import forgotten
from inference.types import Message


def conversation(turns: int, system: bool = False) -> list[Message]:
    messages = [Message("system", "s")] if system else []
    for _ in range(turns):
        messages += [Message("user", "u"), Message("assistant", "a")]
    return messages[:-1]  # the last user message waits for its answer


def test_nothing_leaves_while_everything_fits():
    assert forgotten(conversation(3), [10] * 5, 50) == ()


def test_whole_turns_leave_oldest_first():
    """Five messages of 10 in a limit of 40: room is made to 30, and what is left begins with a user message."""
    assert forgotten(conversation(3), [10] * 5, 40) == (0, 1)


def test_the_system_prompt_and_the_last_message_stay():
    messages = conversation(3, system=True)
    gone = forgotten(messages, [30, 10, 10, 10, 10, 100], 50)
    assert gone == (1, 2, 3, 4)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=25), st.integers(20, 200), st.booleans())
def test_what_was_forgotten_stays_forgotten(sizes: list[int], limit: int, system: bool):
    """A longer conversation forgets at least what its beginning forgot, never begins with an answer, keeps its ends."""
    messages = conversation(40, system)[: len(sizes)]
    before: tuple[int, ...] = ()
    ends = [end for end in range(1, len(messages) + 1) if messages[end - 1].role == "user"]
    for end in ends:
        gone = forgotten(messages[:end], sizes[:end], limit)
        assert gone[: len(before)] == before
        assert end - 1 not in gone
        kept = [i for i in range(end) if i not in gone and messages[i].role != "system"]
        assert messages[kept[0]].role == "user"
        if len(kept) > 1:
            assert sum(sizes[i] for i in range(end) if i not in gone) <= limit
        before = gone
