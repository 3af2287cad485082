"""The tint: an exact scale, colours that can be read on, and marks that stay above it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor

from gui.models.message import TokenRecord
from gui.models.tint import TINT_KINDS, level_of
from gui.theme import DARK, LIGHT, tint_color
from gui.views.transcript import token_paint
from inference.types import TokenNumbers
from tests.gui.transcript.conftest import STORY, bits, events, pixels, shown, tell

CERTAIN = TokenNumbers(1.0, 1.0, 0.0, 0.0, 1)


@pytest.mark.parametrize(
    ("kind", "numbers", "level"),
    [
        ("model", CERTAIN, 0.0),
        ("model", TokenNumbers(0.25, 0.5, 2.0, 3.0, 4), 0.75),
        ("sampling", TokenNumbers(0.25, 0.5, 2.0, 3.0, 4), 0.5),
        ("sampling", TokenNumbers(0.25, math.nan, 2.0, 3.0, 4), None),
        ("surprise", TokenNumbers(0.125, math.nan, 3.0, 3.0, 4), 0.25),
        ("surprise", TokenNumbers(0.0, 0.0, math.inf, 3.0, 4), 1.0),
        ("entropy", TokenNumbers(0.125, 0.0, 3.0, 6.0, 4), 0.75),
        ("entropy", TokenNumbers(0.125, 0.0, 3.0, 11.0, 4), 1.0),
        ("rank", CERTAIN, 0.0),
        ("rank", TokenNumbers(0.1, 0.1, 3.3, 3.0, 10), 1 / 3),
        ("rank", TokenNumbers(0.1, 0.1, 3.3, 3.0, 5_000), 1.0),
        ("rank", TokenNumbers(math.nan, math.nan, math.nan, 3.0, 0), None),
        ("off", CERTAIN, None),
        ("model", None, None),
    ],
)
def test_the_scale_is_exact(kind, numbers, level):
    """Every kind by hand: ends, one point between, numbers beyond the end, and numbers that are not there."""
    assert level_of(kind, numbers) == (None if level is None else pytest.approx(level, abs=1e-12))


@given(st.sampled_from(TINT_KINDS[1:]), st.floats(0, 1), st.floats(0, 40), st.integers(1, 200_000))
def test_less_expected_is_never_tinted_less(kind, probability, more_bits, rank):
    """Whatever the kind: a less likely, more surprising, later token has the same level or a higher one."""
    expected = TokenNumbers(probability, probability, 1.0, 1.0, rank)
    other = TokenNumbers(probability / 2, probability / 3, 1.0 + more_bits, 1.0 + more_bits, rank + 1)
    assert 0.0 <= level_of(kind, expected) <= level_of(kind, other) <= 1.0


def luminance(color):
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in QColor(color).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first, second):
    """Contrast ratio as WCAG 2 defines it."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read_at_every_level(theme):
    """At least 4.5:1 on all of the ramp, and the ramp's ends are those of the theme."""
    ramp = [tint_color(theme, step / 200) for step in range(201)]
    assert min(contrast(theme.text, color) for color in ramp) >= 4.5
    assert (ramp[0].name(), ramp[-1].name()) == (theme.tint[0], theme.tint[-1])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_ramp_needs_no_hue(theme):
    """Lightness alone tells two levels apart: it goes one way, the same for all kinds of colour blindness, and far enough."""
    ramp = [luminance(tint_color(theme, step / 40)) for step in range(41)]
    falls = theme is LIGHT
    assert all((low > high) == falls for low, high in zip(ramp, ramp[1:], strict=False))
    assert contrast(theme.tint[0], theme.tint[-1]) > 2
    assert contrast(theme.chart, theme.window) >= 3 and contrast(theme.chart, theme.raised) >= 3


def ground(view, token):
    """The colour behind a token, in its upper left corner."""
    record = view._message.tokens[token]
    rect = view.body.rect_of(record.start, record.end)
    return view.body.viewport().grab().toImage().pixelColor(rect.left() + 2, rect.top()).name()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_token_has_the_colour_of_its_number(talk, transcript, theme):
    """Tokens with a number are tinted by it, others not at all; off is as if there were none."""
    transcript.set_theme(theme)
    index = tell(talk, STORY[:8], numbers=lambda step: None if step == 3 else bits([0.0, 12.0][step % 2]))
    view = shown(transcript, index)
    plain = view.grab().toImage()
    transcript.set_tint("surprise")
    assert [ground(view, token) for token in (0, 1, 2, 7)] == [theme.tint[0], theme.tint[-1], theme.tint[0], theme.tint[-1]]
    assert ground(view, 3) not in (theme.tint[0], theme.tint[-1])
    transcript.set_tint("sampling")
    assert ground(view, 1) not in theme.tint
    transcript.set_tint("off")
    assert view.grab().toImage() == plain


def test_a_tint_moves_no_letter(talk, transcript):
    """The layout is the same with and without it."""
    index = tell(talk, STORY * 30, numbers=lambda step: bits(step % 13))
    view = shown(transcript, index)
    ends = [view.body.rect_of(record.start, record.end) for record in talk.messages[index].tokens]
    transcript.set_tint("rank")
    assert [view.body.rect_of(record.start, record.end) for record in talk.messages[index].tokens] == ends


def test_the_tint_follows_a_stream_and_a_change_of_width(talk, transcript):
    """Tokens that arrive are tinted with their text, and lines that wrap anew take their colours along."""
    transcript.set_tint("surprise")
    index = tell(talk, STORY[:4], "streaming", numbers=lambda step: bits(0.0))
    view = shown(transcript, index)
    view.grab()
    for _ in range(40):
        talk.append_tokens(index, events([" more", " surprise"], lambda step: bits(12.0 * step)))
        assert ground(view, len(talk.messages[index].tokens) - 1) == LIGHT.tint[-1]
    transcript.resize(560, 500)
    view = shown(transcript, index)
    tokens = range(4, len(talk.messages[index].tokens))
    assert all(ground(view, token) == LIGHT.tint[-1 if token % 2 else 0] for token in tokens if not _wraps(view, token))


def _wraps(view, token):
    """Whether a token's first character, a space, hangs at the end of the line before."""
    record = view._message.tokens[token]
    return view.body.rect_of(record.start, record.end).height() > 2 * view.fontMetrics().height()


def test_a_flush_tints_only_what_is_new(monkeypatch, talk, transcript):
    """Painting after an append works out the colours of the newest tokens, not of a line or of the whole message."""
    transcript.set_tint("surprise")
    index = tell(talk, STORY * 20, "streaming", numbers=lambda step: bits(3.0))
    view = shown(transcript, index)
    view.grab()
    asked = []
    monkeypatch.setattr(token_paint, "level_of", lambda kind, numbers: asked.append(kind) or level_of(kind, numbers))
    talk.append_tokens(index, events([" one"], lambda step: bits(3.0)))
    view.grab()
    assert 1 <= len(asked) <= 3
    transcript.set_tint("off")
    view.grab()
    assert len(asked) <= 3


MIXED = [
    "Of",
    "fi",
    "ce",
    " of",
    "f",
    "ice ",
    "שלום",
    " ע",
    "ולם",
    " 12",
    "3",
    "4 ",
    "abc",
    " (",
    "مرح",
    "با",
    ") ",
    "x",
    "龙",
    "e",
    "\u0301",
]


@pytest.mark.parametrize("texts", [STORY, MIXED, MIXED[6:], ["supercali", "fragilistic"] * 12])
def test_a_stream_is_tinted_as_if_it_had_come_at_once(talk, transcript, texts):
    """Painted after every token: boxes kept from before lie where they lie in the whole text, also from right to left."""
    transcript.set_tint("surprise")
    index = tell(talk, texts[:1], "streaming", numbers=lambda step: bits(step * 5 % 13))
    view = shown(transcript, index)
    for step, event in enumerate(events(texts * 3, lambda step: bits(step * 5 % 13))[1:]):
        talk.append_tokens(index, [event])
        streamed = view.grab().toImage()
        if step % 4 == 0:
            view.body.token_paint.forget()
            assert view.grab().toImage() == streamed


def test_the_users_words_are_tinted_when_their_numbers_come(talk, transcript):
    """Tokens and numbers that arrive after the text are shown at once."""
    index = talk.add_message("user", "Hello there")
    transcript.set_tint("surprise")
    view = shown(transcript, index)
    height = view.height()
    message = talk.messages[index]
    message.tokens[:] = [TokenRecord(1, b"Hello", 0, 5), TokenRecord(2, b" there", 5, 11, numbers=bits(12.0))]
    talk.numbers_changed.emit(index)
    assert pixels(view.body, LIGHT.tint[-1]) > 200 and ground(view, 1) == LIGHT.tint[-1]
    assert view.strip.isVisible() and view.height() > height


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_marks_stay_above_the_tint(talk, transcript, theme):
    """Hold, selection and finds replace the tint where they are; finds have a frame as well."""
    transcript.set_theme(theme)
    index = tell(talk, STORY, numbers=lambda step: bits(12.0))
    view = shown(transcript, index)
    transcript.hold(index, 3)
    transcript.find("dragon")
    view.body.select(0, 4)
    held, found, frame = (_grounds(view, token) for token in (3, 7, 7))
    transcript.set_tint("surprise")
    assert _grounds(view, 3) == held and _grounds(view, 7) == found
    assert ground(view, 0) == QColor(theme.accent).name() and ground(view, 1) == theme.tint[-1]
    transcript.find("there")
    transcript.find("ther")
    tokens = talk.messages[index].tokens
    rect = view.body.rect_of(tokens[4].start + 1, tokens[4].end - 1)
    image = view.body.viewport().grab().toImage()
    assert frame and image.pixelColor(rect.center().x(), rect.top()).name() == theme.text


def _grounds(view, token):
    """The colour in the upper part of a token, a little above its letters."""
    record = view._message.tokens[token]
    rect = view.body.rect_of(record.start, record.end)
    return view.body.viewport().grab().toImage().pixelColor(QPoint(rect.center().x(), rect.top() + 1)).name()


def test_what_was_chosen_by_hand_is_marked_for_ever(talk, transcript):
    """A dotted line under given tokens, tint or none, and under no others."""
    first = tell(talk, STORY[:6], given=(2,))
    second = tell(talk, STORY[:6])
    view = shown(transcript, first)
    record = talk.messages[first].tokens[2]
    rect = view.body.rect_of(record.start, record.end)

    def dots(view, rect):
        image = view.body.viewport().grab().toImage()
        return sum(image.pixelColor(x, rect.bottom()).name() == LIGHT.text for x in range(rect.left(), rect.right()))

    assert dots(view, rect) >= rect.width() // 4 and dots(shown(transcript, second), rect) == 0
    transcript.set_tint("surprise")
    assert dots(view, rect) >= rect.width() // 4
    assert dots(view, view.body.rect_of(0, 4)) == 0
