"""A next-token panel on screen, traces by plain numpy to show in it, and what tests read off its pixels."""

import math

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from gui.theme import LIGHT
from gui.views.probability.panel import ProbabilityPanel
from inference.types import SamplingParams, StepTrace

WORDS = (
    [b" dragon", b" king", b" small", b" little", b" girl", b" the", b"\n", b"  ", b"\t", "王国".encode(), "🐉".encode()]
    + [b"\xe4", b"<|end|>", b" house", b" cat", b" boy", b" wonderful", b"<b>bold</b>", b" antidisestablishmentarianism" * 2]
    + [" 東京都".encode(), " été".encode(), b"\x07", b" ", b"", "👩‍🚀".encode(), b"\r\n", b"<|endoftext|>", b" zebra"]
)  # fmt: skip


def token(index: int) -> bytes:
    return WORDS[index] if index < len(WORDS) else f" word{index}".encode()


def make_trace(logits, *, k=12, u=0.4137, params=None, chosen=None, is_scored=False) -> StepTrace:
    """A trace by the definitions of DESIGN section 4, in plain numpy: the oracle for what is painted.

    `chosen` (an id) moves u into that token's interval.
    """
    params = params or SamplingParams(temperature=0.8)
    z = np.asarray(logits, dtype=np.float64)
    vocab = len(z)
    model = np.exp(z - z.max())
    model /= model.sum()
    order = np.lexsort((np.arange(vocab), -model))
    rank = np.empty(vocab, dtype=np.int64)
    rank[order] = np.arange(1, vocab + 1)
    removed = np.full(vocab, "", dtype=object)
    if params.temperature == 0:
        removed[:] = "temperature"
        removed[order[0]] = ""
        sampling = (removed == "").astype(np.float64)
    else:
        sampling = np.exp((z - z.max()) / params.temperature)
        sampling /= sampling.sum()
        if params.top_k:
            removed[order[params.top_k :]] = "top-k"
            sampling[removed != ""] = 0
            sampling /= sampling.sum()
        if params.top_p < 1:
            mass = np.cumsum(sampling[order])
            count = int(np.searchsorted(mass, params.top_p)) + 1
            late = order[count:]
            removed[late[removed[late] == ""]] = "top-p"
            sampling[removed != ""] = 0
            sampling /= sampling.sum()
    drawing = order[sampling[order] > 0]
    ends = np.cumsum(sampling[drawing])
    ends /= ends[-1]
    if params.temperature == 0 or is_scored:
        chosen = int(drawing[0]) if chosen is None else chosen
        draw_u, low, high = math.nan, 0.0, 1.0
    else:
        if chosen is not None:
            place = int(np.flatnonzero(drawing == chosen)[0])
            u = (ends[place] + (ends[place - 1] if place else 0.0)) / 2
        place = int(np.searchsorted(ends, u, side="right"))
        chosen = int(drawing[place])
        draw_u, low, high = u, float(ends[place - 1]) if place else 0.0, float(ends[place])
    ids = order[:k].copy()
    if chosen not in ids:
        ids[-1] = chosen
    positive = model[model > 0]
    strip = drawing[: k + 1]
    return StepTrace(
        ids=ids,
        token_bytes=tuple(token(i) for i in ids.tolist()),
        model_probs=model[ids],
        sampling_probs=sampling[ids],
        ranks=rank[ids],
        removed_by=tuple(removed[ids]),
        chosen_id=chosen,
        chosen_model_prob=float(model[chosen]),
        chosen_sampling_prob=float(sampling[chosen]),
        chosen_rank=int(rank[chosen]),
        surprise_bits=float(-np.log2(model[chosen])),
        entropy_bits=float(-(positive * np.log2(positive)).sum()),
        others_count=vocab - len(ids),
        others_model_mass=float(1 - model[ids].sum()),
        others_sampling_mass=max(float(1 - sampling[ids].sum()), 0.0),
        kept_count=len(drawing),
        vocab_size=vocab,
        draw_u=draw_u,
        draw_low=low,
        draw_high=high,
        strip_ids=tuple(strip.tolist()),
        strip_bytes=tuple(token(i) for i in strip.tolist()),
        strip_ends=ends[: k + 1],
        params=params,
    )


def some_logits(seed: int = 0, scale: float = 1.0, vocab: int = 8192, heads=()) -> np.ndarray:
    """Random logits with a few named heads on top."""
    logits = np.random.default_rng(seed).normal(0, scale, vocab)
    for place, index in enumerate(heads):
        logits[index] = 9.5 - 0.6 * place
    return logits


HEADS = [0, 1, 2, 3, 4, 5, 13, 14, 15, 16, 27, 8]


CUT = SamplingParams(temperature=1.0, top_k=40, top_p=0.8)


@pytest.fixture
def panel(qtbot):
    widget = ProbabilityPanel(LIGHT)
    qtbot.addWidget(widget)
    widget.resize(340, 760)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def show(panel, trace, step=17, is_live=False):
    panel.show_trace(trace, step, is_live)
    QApplication.processEvents()
    QApplication.processEvents()


def painted(widget, scale=1) -> QImage:
    image = QImage(widget.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    widget.render(image)
    image.setDevicePixelRatio(1)
    return image
