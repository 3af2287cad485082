"""Generated stories: whole sentences, characters and things that stay what they are, and a measured variety."""

import json
import random
import re

import pytest

from inference.training.cast import COLOURS, FORMS, PRONOUNS, Cast, Material
from inference.training.stories import (
    FAIRY_LINE,
    FAIRY_OPENING,
    REQUEST_SOURCE,
    SOURCE,
    asked_for,
    begun,
    chat,
    documents,
    follow_up,
    main,
    open_library,
    prelude,
    sayable,
    tell_story,
)
from inference.training.variety import distinct, measure, repeated_sentences, seen_before
from inference.training.voice import all_pairs, read_exchanges

LIBRARY = open_library()


def stories(count, seed=1):
    rng = random.Random(seed)
    return [tell_story(LIBRARY, rng) for _ in range(count)]


STORIES = stories(1000)


def test_nothing_is_left_unfilled():
    """No slot, rule, choice, paragraph mark or condition of the grammars reaches the text."""
    for story in STORIES:
        assert not re.search(r"[{}<>\[\]|@%&]|//", story.text), story.text


def test_stories_have_the_length_of_a_short_story():
    for story in STORIES:
        assert 90 <= len(story.text.split()) <= 260, story.text


def test_the_text_is_plain():
    """ASCII only, no doubled spaces, every paragraph ends a sentence, and quotation marks come in pairs."""
    for story in STORIES:
        assert story.text.isascii()
        assert "  " not in story.text
        for paragraph in story.text.split("\n\n"):
            assert re.search(r'[.!?]"?$', paragraph), paragraph
            assert paragraph.count('"') % 2 == 0, paragraph


def test_articles_fit_the_next_word():
    """ "An" stands before a vowel sound and "a" before any other."""
    for story in STORIES:
        for article, word in re.findall(r"\b([Aa]n?) ([a-z]+)", story.text):
            is_vowel = word[0] in "aeiou" and not word.startswith(("one", "unicorn", "use", "uni"))
            assert (article.lower() == "an") == (is_vowel or word.startswith("hour")), (article, word)


def test_sentences_begin_with_a_capital():
    for story in STORIES:
        assert not re.search(r"(?:^|[.!?] |\n)[a-z]", story.text), story.text
        assert not re.search(r"[\w,] (?:In|The|An|He|She|His|Her|It|They|There|Then)\b", story.text), story.text


def test_no_word_stands_twice_in_a_row():
    """Except where it is meant: "again and again", "la la la", "Tick, tock"."""
    for story in STORIES:
        doubled = re.findall(r"\b([A-Za-z]+) \1\b", story.text)
        assert not [word for word in doubled if word not in ("la",)], story.text


def test_everyone_in_a_story_has_a_name_of_their_own():
    for story in STORIES:
        names = [character.name for character in story.telling.filler.characters.values()]
        assert len(set(names)) == len(names)


def test_a_lone_hero_has_one_pronoun():
    """Where nobody else with a pronoun occurs, the other pronoun does not occur at all."""
    checked = 0
    for story in STORIES:
        cast = story.telling.filler
        if {character.pronoun for character in cast.characters.values()} != {cast.hero.pronoun}:
            continue
        if re.search("duck|judge|old man", story.text):  # whom the grammars call "she"
            continue
        other = "she" if cast.hero.pronoun == "he" else "he"
        used = set(re.findall(r"[a-z]+", story.text.lower()))
        assert not used & {*PRONOUNS[other]}, story.text
        checked += 1
    assert checked > 100


def test_a_thing_keeps_its_colour():
    """Whenever a colour stands before the thing of a story, it is the colour that the thing had from the start."""
    checked = 0
    for story in STORIES:
        for thing in story.telling.filler.things.values():
            for colour in re.findall(rf"\b({'|'.join(COLOURS)}) {thing.noun}\b", story.text):
                assert thing.adjective.endswith(colour), story.text
                checked += 1
    assert checked > 200


def test_the_same_seed_tells_the_same_stories():
    again = [story.text for story in stories(30)]
    assert again == [story.text for story in STORIES[:30]]
    assert again != [story.text for story in stories(30, seed=2)]


def test_every_shape_and_every_frame_is_told():
    """No shape or frame of the grammars is dead."""
    used = {part for story in stories(3000, seed=5) for part in story.plot}
    known = {name for name in LIBRARY.blocks if "/" in name or name in LIBRARY.shapes}
    assert known - used == set()


def test_variety():
    """Nearly every plot is new, no text comes twice, and the wording is not one template's."""
    figures = measure(STORIES)
    assert figures["distinct_plots"] > 0.99 * len(STORIES)
    assert figures["distinct_texts"] == len(STORIES)
    assert figures["vocabulary"] > 1800
    assert figures["distinct_4"] > 0.4
    assert figures["8grams_seen_before_median"] < 0.4


def test_requests_are_about_their_story():
    """The kind of hero, the place and the thing that a request names all occur in the story."""
    rng = random.Random(4)
    for story in STORIES[:400]:
        asked = asked_for(story)
        cast = story.telling.filler
        for character in cast.characters.values():
            if re.search(rf"\b{character.kind}\b", asked):
                assert re.search(rf"\b{character.kind}\b", story.text), (asked, story.text)
        for thing in cast.things.values():
            if re.search(rf"\b{thing.adjective} {thing.noun}\b", asked):
                assert thing.noun in story.text, (asked, story.text)
        assert asked[-1] in ".?"
        for question, answer in follow_up(story, rng):
            assert question[0].isupper()
            assert answer[-1] in ".!?"


def test_what_is_asked_afterwards_occurs_in_the_story():
    """Nobody and nothing comes up for the first time in a question or its answer."""
    for story in STORIES[:400]:
        cast = story.telling.filler
        before = (dict(cast.characters), dict(cast.things), dict(cast.words), dict(story.telling.frames))
        for reference in ("qa", "name_q", "request.request", "request.after"):
            sayable(story, reference)
        assert before == (cast.characters, cast.things, cast.words, story.telling.frames)


def test_an_opening_is_continued():
    """What the user begins and what follows are the story, cut between two words."""
    rng = random.Random(2)
    seen = set()
    for number in range(60):
        story = tell_story(LIBRARY, rng, FAIRY_LINE if number % 2 else "")
        opening, rest = begun(story, rng)
        assert f"{opening} {rest}" == story.text
        seen.add(opening)
    assert FAIRY_OPENING in seen


def test_a_story_is_asked_for_at_any_time():
    """About a third of the chats begin with something else; a greeting comes first, a goodbye never."""
    rng = random.Random(2)
    found = [prelude(rng) for _ in range(1000)]
    places = {pair.answer: pair.place for pair in all_pairs(read_exchanges())}
    assert 0.3 < sum(map(bool, found)) / len(found) < 0.4
    assert max(map(len, found)) == 2
    for turns in found:
        order = [places[answer] for _, answer in turns]
        assert "first" not in order[1:]
        assert "last" not in order


def test_chats_have_the_shape_the_corpus_reads():
    rng = random.Random(3)
    lengths = set()
    for _ in range(200):
        document = chat(LIBRARY, rng)
        roles = [message["role"] for message in document["messages"]]
        assert document["source"] == REQUEST_SOURCE
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        lengths.add(len(roles) // 2)
    assert {1, 2} <= lengths


def test_documents_come_as_asked():
    found = list(documents(5, 3, 1))
    assert [document["source"] for document in found] == [SOURCE] * 5 + [REQUEST_SOURCE] * 3


def test_the_command_writes_json_lines(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    monkeypatch.setattr("sys.argv", ["stories", str(out), "--stories", "3", "--requests", "2"])
    main()
    assert [json.loads(line) for line in out.read_text().splitlines()] == list(documents(3, 2, 1))
    assert "3 stories and 2 chats" in capsys.readouterr().out


@pytest.mark.parametrize(("slot", "pattern"), [("hero", r"[A-Z]\w+"), ("a hero", r"a \w+ [\w ]+"), ("the hero", r"the [\w ]+")])
def test_slots_of_a_character(slot, pattern):
    cast = Cast(Material(), random.Random(1))
    assert re.fullmatch(pattern, cast.fill(slot))
    assert cast.fill(slot) == cast.fill(slot)
    assert cast.fill("He") == cast.fill("he").capitalize()
    assert {cast.fill(form) for form in FORMS} == set(PRONOUNS[cast.hero.pronoun])


def test_measures_worked_out_by_hand():
    """Two texts of six words share the first five: of six 4-grams four differ; one of three sentences comes twice."""
    assert distinct(["a b c d e f", "a b c d e g"], 4) == pytest.approx(4 / 6)
    assert repeated_sentences(["One. Two.", "One. Three."]) == 0.5
    assert seen_before(["a b c", "a b d"], 2) == [0.0, 0.5]
