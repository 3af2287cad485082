"""The program's voice: the hand-written exchanges are sound, and their expansion into chats loses none of them."""

import json
import re
from collections import Counter

import pytest

from inference.training.voice import DATA, MAX_EXCHANGES, Exchange, all_pairs, expand, read_exchanges

EXCHANGES = read_exchanges()
SMALL = [
    Exchange(("Hi.", "Hello."), ("Hello!",), "first"),
    Exchange(("A?", "B?", "C?"), ("Yes.", "Yes, it is.")),
    Exchange(("D?", "E?", "F?"), ("No.",)),
    Exchange(("Bye.",), ("Goodbye!",), "last"),
]


def bare(text: str) -> str:
    """What is left when casing and closing marks are ignored, as a hurried typist does."""
    return re.sub(r"[^a-z0-9+\-*/=' ]", "", text.lower()).strip()


def exchanges_of(chat: dict) -> list[tuple[str, str]]:
    """(user, assistant) texts of a chat."""
    contents = [message["content"] for message in chat["messages"]]
    return list(zip(contents[::2], contents[1::2], strict=True))


def test_every_line_holds_phrasings_and_answers():
    """Each line is an object with three to eight phrasings, one to three answers, and perhaps a place."""
    for line in DATA.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        assert set(fields) - {"place"} == {"ask", "answer"}, line
        assert 3 <= len(fields["ask"]) <= 8, line
        assert 1 <= len(fields["answer"]) <= 3, line


def test_there_are_enough_exchanges():
    """The bundled model needs at least 220 subjects to talk about."""
    assert len(EXCHANGES) >= 220


def test_the_data_is_plain_ascii():
    """Straight quotes and no odd characters, which the small vocabulary would spell in bytes."""
    text = DATA.read_bytes()
    assert text.isascii()
    assert text.endswith(b"}\n")


def test_no_phrasing_leads_to_two_exchanges():
    """A question asked in the same words, in any casing, has answers in one place only."""
    counts = Counter(text for exchange in EXCHANGES for text in {bare(ask) for ask in exchange.ask})
    assert [text for text, count in counts.items() if count > 1] == []


def test_every_answer_is_a_finished_sentence():
    """Answers start clean, end with punctuation and stay short."""
    for exchange in EXCHANGES:
        for answer in exchange.answer:
            assert answer[-1] in ".!?", answer
            assert answer == " ".join(answer.split()), answer
            assert len(answer) <= 320, answer


def test_sums_and_differences_are_right():
    """Every digit calculation in the data agrees with arithmetic."""
    checked = 0
    for exchange in EXCHANGES:
        for ask in exchange.ask:
            if found := re.fullmatch(r"What is (\d) ([+-]) (\d)\?", ask):
                left, sign, right = found.groups()
                result = int(left) + int(right) if sign == "+" else int(left) - int(right)
                assert {re.findall(r"\d+", answer)[-1] for answer in exchange.answer} == {str(result)}, ask
                checked += 1
    assert checked >= 40


def test_first_copy_holds_every_pair_once_and_verbatim():
    """No phrasing and no answer is lost or doubled."""
    written = Counter(pair for chat in expand(EXCHANGES, 1, seed=3) for pair in exchanges_of(chat))
    assert written == Counter((pair.ask, pair.answer) for pair in all_pairs(EXCHANGES))


def test_later_copies_change_only_casing_and_closing_marks():
    """Three copies hold every pair three times, once typed exactly."""
    written = Counter((bare(ask), answer) for chat in expand(SMALL, 3, seed=1) for ask, answer in exchanges_of(chat))
    assert written == Counter({(bare(pair.ask), pair.answer): 3 for pair in all_pairs(SMALL)})


def test_chats_have_the_shape_the_corpus_reads():
    """One to four exchanges, user and assistant in turn, under the source that the recipe weighs."""
    sizes = set()
    for chat in expand(EXCHANGES, 1, seed=0):
        assert chat["source"] == "glassbox-voice"
        roles = [message["role"] for message in chat["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        sizes.add(len(roles) // 2)
    assert sizes == set(range(1, MAX_EXCHANGES + 1))


def test_greetings_open_and_goodbyes_close():
    """A greeting never follows another exchange, and nothing follows a goodbye."""
    places = {ask: exchange.place for exchange in EXCHANGES for ask in exchange.ask}
    for chat in expand(EXCHANGES, 1, seed=5):
        order = [places[ask] for ask, _ in exchanges_of(chat)]
        assert "first" not in order[1:]
        assert "last" not in order[:-1]


def test_no_chat_asks_one_thing_twice():
    """Two phrasings of one question do not meet in a chat."""
    topics = {ask: number for number, exchange in enumerate(EXCHANGES) for ask in exchange.ask}
    for chat in expand(EXCHANGES, 1, seed=2):
        asked = [topics[ask] for ask, _ in exchanges_of(chat)]
        assert len(asked) == len(set(asked))


def test_the_seed_decides_everything():
    """Equal seeds give equal chats; another seed joins them differently."""
    assert list(expand(EXCHANGES, 2, seed=7)) == list(expand(EXCHANGES, 2, seed=7))
    assert list(expand(EXCHANGES, 1, seed=7)) != list(expand(EXCHANGES, 1, seed=8))


def test_an_unknown_place_is_an_error(tmp_path):
    """A misspelt place is named, not ignored."""
    path = tmp_path / "voice.jsonl"
    path.write_text('{"ask": ["Hi."], "answer": ["Hello."], "place": "frist"}\n')
    with pytest.raises(ValueError, match="frist"):
        read_exchanges(path)
