"""The program's voice: the hand-written exchanges are sound, and their expansion into chats loses none of them."""

import json
import random
import re
from collections import Counter

import pytest

from inference.training.voice import (
    DATA,
    MAX_EXCHANGES,
    WORDINGS,
    Exchange,
    all_exchanges,
    all_pairs,
    expand,
    read_exchanges,
    rephrased,
    worded,
    worded_exchanges,
    wordings,
)

BY_HAND = read_exchanges()
EXCHANGES = all_exchanges()
WORDED = worded_exchanges()
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
    """Each line is an object with three to twelve phrasings, one to three answers, and perhaps a place."""
    for line in DATA.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        assert set(fields) - {"place"} == {"ask", "answer"}, line
        assert 3 <= len(fields["ask"]) <= 12, line
        assert 1 <= len(fields["answer"]) <= 3, line


def test_there_are_enough_exchanges():
    """At least 560 of them were written by hand; the sums come on top."""
    assert len(BY_HAND) >= 560
    assert EXCHANGES[: len(BY_HAND)] == BY_HAND


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
        assert len(set(exchange.ask)) == len(exchange.ask), exchange.ask
        for answer in exchange.answer:
            assert answer[-1] in ".!?", answer
            assert answer == " ".join(answer.split()), answer
            assert len(answer) <= 320, answer


def test_sums_and_differences_are_right():
    """Every digit calculation in the data agrees with arithmetic."""
    checked = 0
    for exchange in EXCHANGES:
        for ask in exchange.ask:
            if found := re.fullmatch(r"(?:What is )?(\d) ?([+-]) ?(\d)=?\?", ask):
                left, sign, right = found.groups()
                result = int(left) + int(right) if sign == "+" else int(left) - int(right)
                assert {re.findall(r"\d+", answer)[-1] for answer in exchange.answer} == {str(result)}, ask
                checked += 1
    assert checked >= 200


def test_sums_in_words_are_right():
    """ "Seven and two" makes the sum of both; "take two from seven" leaves the difference; answers in words agree too."""
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    number = f"({'|'.join(words)})"
    signs = {"plus": 1, "and": 1, "minus": -1}
    checked = 0
    for exchange in EXCHANGES[len(BY_HAND) :]:
        for ask in exchange.ask:
            if found := re.fullmatch(rf"(?:What|How much) is {number} (plus|and|minus) {number}\?", ask):
                result = words.index(found[1]) + signs[found[2]] * words.index(found[3])
                assert {re.findall(r"\d+", answer)[-1] for answer in exchange.answer} == {str(result)}, ask
                checked += 1
    for exchange in BY_HAND:
        for answer in exchange.answer:
            for left, right, product in re.findall(
                rf"{number} times {number} (?:is|makes) {number}\b(?! hundred)", answer.lower()
            ):
                assert words.index(left) * words.index(right) == words.index(product), answer
                checked += 1
    assert checked >= 130


def test_first_copy_holds_every_pair_once_and_verbatim():
    """No phrasing and no answer is lost or doubled."""
    written = Counter(pair for chat in expand(EXCHANGES, 1, seed=3) for pair in exchanges_of(chat))
    assert written == Counter((pair.ask, pair.answer) for pair in all_pairs(EXCHANGES))


def test_later_copies_keep_every_pair():
    """Three copies hold every answer three times, under a question with all the words of one of its phrasings."""
    words = {pair.answer: set() for pair in all_pairs(SMALL)}
    for pair in all_pairs(SMALL):
        words[pair.answer].add(frozenset(bare(pair.ask).split()))
    written = [pair for chat in expand(SMALL, 3, seed=1) for pair in exchanges_of(chat)]
    assert Counter(answer for _, answer in written) == Counter(pair.answer for pair in all_pairs(SMALL) * 3)
    for ask, answer in written:
        assert any(phrasing <= set(bare(ask).split()) for phrasing in words[answer]), ask


def test_questions_are_put_in_other_words():
    """A plain question may be turned or led in, an exclamation stays, and a turn that English does not allow is not made."""
    rng = random.Random(1)
    turned = {rephrased("What is a token?", rng) for _ in range(200)}
    assert {"What is a token?", "Can you tell me what a token is?", "Tell me, what is a token?"} <= turned
    assert {rephrased("Hello!", rng) for _ in range(50)} == {"Hello!"}
    called = {rephrased("What is a young dog called?", rng) for _ in range(200)}
    assert not [text for text in called if text.endswith(("is.", "is?"))]


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


def test_a_pattern_stands_for_all_its_wordings():
    """Every alternative meets every other; an empty one leaves nothing behind; plain text stands for itself."""
    pattern = "[What is|What's] a token[| exactly]?"
    expected = {"What is a token?", "What is a token exactly?", "What's a token?", "What's a token exactly?"}
    assert sorted(wordings(pattern)) == sorted(expected)
    assert list(wordings("What is a token?")) == ["What is a token?"]
    rng = random.Random(1)
    assert {worded(pattern, rng) for _ in range(100)} == expected


def test_the_patterns_are_sound():
    """Every wording is clean ASCII with a word in it; brackets and bars pair up."""
    for exchange in WORDED:
        assert len(set(exchange.ask)) == len(exchange.ask), exchange.ask
        for pattern in exchange.ask:
            for wording in wordings(pattern):
                assert not set("[]|") & set(wording), pattern
                assert wording == " ".join(wording.split()), pattern
                assert not re.search(r" [?.!,;:](?!\w)", wording), pattern
                assert wording.isascii(), pattern
                assert any(map(str.isalnum, wording)), pattern


def test_the_answers_to_patterns_are_finished_sentences():
    """One to three of them, in plain ASCII, short, and with an end."""
    for exchange in WORDED:
        assert 1 <= len(set(exchange.answer)) == len(exchange.answer) <= 3, exchange.answer
        for answer in exchange.answer:
            assert answer.isascii(), answer
            assert answer[-1] in ".!?", answer
            assert answer == " ".join(answer.split()), answer
            assert len(answer) <= 320, answer


def test_there_are_wordings_in_plenty():
    """At least 500 exchanges with 100 wordings each on average, and no file is forgotten."""
    assert len(WORDED) >= 500
    assert sum(1 for exchange in WORDED for pattern in exchange.ask for _ in wordings(pattern)) >= 50_000
    assert len(WORDED) == sum(len(path.read_text().splitlines()) for path in WORDINGS.iterdir())


def test_no_wording_leads_to_two_exchanges():
    """What is asked in the same words, in any casing, is answered in one place of these files only."""
    places: dict[str, set[int]] = {}
    for number, exchange in enumerate(WORDED):
        for pattern in exchange.ask:
            for wording in wordings(pattern):
                places.setdefault(bare(wording), set()).add(number)
    assert [text for text, numbers in places.items() if len(numbers) > 1] == []


def test_every_copy_draws_other_wordings():
    """A copy holds each pattern with each answer, in the chats of their own source."""
    exchanges = [Exchange(("[Why|How] is [a|b|c|d|e|f|g|h] so?",), ("Yes.", "Because."))]
    chats = list(expand(exchanges, 20, seed=4, source="glassbox-wordings"))
    asked = {bare(ask) for chat in chats for ask, _ in exchanges_of(chat)}
    assert {chat["source"] for chat in chats} == {"glassbox-wordings"}
    assert sum(len(exchanges_of(chat)) for chat in chats) == 40
    assert len(asked) > 10
