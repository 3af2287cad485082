"""Story openings as requests."""

import random

from inference.training.continuations import chats, continuations, shortened

TALE = "There was once a king who had a golden bird. It sang every day. Nobody knew why."


def test_a_fairy_tale_opening_becomes_the_usual_one():
    pairs = list(continuations(TALE, random.Random(1)))
    assert pairs[0] == ("Once upon a time there was a", "king who had a golden bird. It sang every day. Nobody knew why.")


def test_every_pair_is_the_text_itself():
    """What the user writes and how it goes on are the tale, cut between two words."""
    for seed in range(20):
        begin, rest = list(continuations(TALE, random.Random(seed)))[-1]
        assert f"{begin} {rest}" == TALE
        assert 4 <= len(begin.split()) <= 9


def test_an_answer_ends_with_a_sentence():
    assert shortened("One two. Three four. Five", 24) == "One two. Three four."
    assert shortened("no end at all", 10) == ""


def test_only_tales_are_used():
    documents = [{"source": "wikipedia", "text": TALE * 3}, {"source": "aesop", "text": TALE * 3}]
    found = list(chats(documents, 1))
    assert {chat["source"] for chat in found} == {"glassbox-story-requests"}
    assert len(found) == 2
