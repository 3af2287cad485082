"""Scene grammars: conditions, choices, references, slots, and sentences that come out right."""

import random

import pytest

from inference.training.grammar import Telling, UnsettledError, holds, read_blocks, tidy


class Names:
    """Fills slots with their own names in capitals and allows what is tagged "yes"."""

    def fill(self, slot):
        return slot.upper()

    def allows(self, conditions):
        return holds(conditions, {"@": {"yes"}, "%": set(), "&": set()})


def told(tmp_path, text, shape="a", seed=0):
    path = tmp_path / "grammar.txt"
    path.write_text(text)
    return Telling(read_blocks([path]), shape, Names(), random.Random(seed))


def test_a_line_is_expanded_to_the_end(tmp_path):
    """Choices, rules within rules, frames and slots are all resolved."""
    text = "== a\n-- story\n<b> [x|y] <k.c> <said>\n-- b\n{one}\n== k/f\n-- c\nframe\n== shared\n-- said\ndone\n"
    found = {told(tmp_path, text, seed=seed).say("story") for seed in range(20)}
    assert found == {"ONE x frame done", "ONE y frame done"}


def test_the_frame_of_a_shape_is_one_for_the_whole_text(tmp_path):
    """Two rules of one family come from the same frame; a second frame of it is another."""
    frames = "".join(f"== f/{name}\n-- p\n{name}\n-- q\n{name}\n" for name in "xyz")
    text = f"== a\n-- story\n<f.p> <f.q> <f2.p>\n{frames}== shared\n"
    for seed in range(20):
        first, second, other = told(tmp_path, text, seed=seed).say("story").split()
        assert first == second != other


def test_conditions_choose_lines_and_frames(tmp_path):
    """What is tagged for elsewhere is never said."""
    shape = "== a\n-- story\n<r> <f.r>\n-- r\n@yes fits\n@no wrong\n@!yes wrong\n"
    text = shape + "== f/x @no\n-- r\nwrong\n== f/y\n-- r\nfits\n== shared\n"
    assert {told(tmp_path, text, seed=seed).say("story") for seed in range(20)} == {"fits fits"}


def test_conditions_hold_for_one_of_the_wanted_and_none_of_the_unwanted():
    tags = {"@": {"sea", "town"}, "%": {"robot"}}
    assert holds(("@sea", "@hill", "%!animal"), tags)
    assert not holds(("@hill",), tags)
    assert not holds(("@sea", "@!town"), tags)
    assert not holds(("%!robot",), tags)
    assert holds((), tags)


def test_no_line_comes_twice_while_there_is_another(tmp_path):
    telling = told(tmp_path, "== a\n-- story\n<r> <r> <r>\n-- r\none\ntwo\nthree\n== shared\n")
    assert sorted(telling.say("story").split()) == ["one", "three", "two"]


def test_what_is_settled_once_stays(tmp_path):
    telling = told(tmp_path, "== a\n-- goal once\none\ntwo\nthree\n== shared\n", seed=3)
    assert len({telling.say("goal") for _ in range(9)}) == 1


def test_a_closed_telling_brings_nothing_new(tmp_path):
    """After the text is told, frames and settled rules that it did not use are refused, the others still answer."""
    telling = told(tmp_path, "== a\n-- used once\nu\n-- fresh once\nf\n== k/x\n-- r\nr\n== shared\n")
    telling.say("used")
    telling.is_closed = True
    assert telling.say("used") == "u"
    for reference in ("fresh", "k.r"):
        with pytest.raises(UnsettledError):
            telling.say(reference)


def test_a_line_outside_a_rule_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="stands outside"):
        told(tmp_path, "== a\nlost line\n")


def test_a_block_given_twice_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="twice"):
        told(tmp_path, "== a\n== a\n")


@pytest.mark.parametrize(
    ("raw", "tidied"),
    [
        ("a  old owl saw a unicorn .", "An old owl saw a unicorn."),
        ("she slept. in a hour a owl came! then", "She slept. In an hour an owl came! Then"),
        ('"stop!" cried the fox. he ran.', '"stop!" cried the fox. He ran.'),
        ('"It is mine." his mother came. "Yes," she said.', '"It is mine." His mother came. "Yes," she said.'),
        ('"Why?" asked Tom. "So." he said', '"Why?" asked Tom. "So." he said'),
    ],
)
def test_sentences_come_out_right(raw, tidied):
    """Articles fit the next word, and sentences begin with a capital, but not what names the speaker."""
    assert tidy(raw) == tidied
