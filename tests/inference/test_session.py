"""Looking: the logits after any ids, with the help of the cache and without changing a bit of it."""

import numpy as np
import pytest
import torch

from inference.config import ModelConfig
from inference.model import Transformer
from inference.session import Session
from inference.types import CancelFlag
from tests.tiny import randomise

CONTEXT = 64
CONFIG = ModelConfig(
    vocab_size=97, width=32, n_layers=2, n_heads=4, n_kv_heads=2, head_width=8, mlp_width=48, context_tokens=CONTEXT
)
MODEL = randomise(Transformer(CONFIG)).double().eval()
IDS = torch.randint(0, 97, (CONTEXT,), generator=torch.Generator().manual_seed(7)).tolist()
OTHER = [(i + 11) % 97 for i in IDS]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """Holds the first 40 ids, with room for few more."""
    monkeypatch.setattr("inference.session.SMALLEST_CAPACITY_TOKENS", 1)
    made = Session(MODEL, CONTEXT, torch.device("cpu"), torch.float64)
    read(made, IDS[:40])
    return made


def read(session: Session, ids: list[int]) -> None:
    for _ in session.read(ids, CancelFlag()):
        pass


@torch.inference_mode()
def fresh(ids: list[int], last: int = 1) -> np.ndarray:
    return MODEL.logits(MODEL(torch.tensor([ids]))[0, -last:]).numpy()


def looked(session: Session, ids: list[int], last: int = 1) -> np.ndarray:
    return np.concatenate(list(session.logits(session.look(ids, last))))


def held(session: Session) -> tuple[list[int], int, torch.Tensor, torch.Tensor]:
    cache, length = session.cache, len(session.ids)
    return list(session.ids), cache.length, cache.keys[:, :, :, :length].clone(), cache.values[:, :, :, :length].clone()


def assert_untouched(session: Session, before: tuple[list[int], int, torch.Tensor, torch.Tensor]) -> None:
    now = held(session)
    assert now[:2] == before[:2]
    assert torch.equal(now[2], before[2])
    assert torch.equal(now[3], before[3])


PLACES = {
    "all that is held": IDS[:40],
    "within": IDS[:17],
    "one token": IDS[:1],
    "beyond": IDS[:50],
    "beyond, to the end": IDS,
    "a branch": IDS[:30] + OTHER[30:35],
    "a longer branch": IDS[:30] + OTHER[30:60],
    "nothing shared": OTHER[:20],
    "hardly anything shared": IDS[:1] + OTHER[1:60],
}


@pytest.mark.parametrize("ids", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("chunk", [1, 7, 512])
def test_looking_equals_reading_afresh_and_changes_nothing(session: Session, ids: list[int], chunk: int):
    """Wherever the ids leave what the cache holds, and in chunks of any size."""
    before = held(session)
    session._chunk_tokens = chunk
    np.testing.assert_allclose(looked(session, ids), fresh(ids), rtol=0, atol=1e-10)
    assert_untouched(session, before)
    last = min(9, len(ids))
    np.testing.assert_allclose(looked(session, ids, last), fresh(ids, last), rtol=0, atol=1e-10)
    assert_untouched(session, before)


def test_reading_goes_on_after_a_look_as_if_there_had_been_none(session: Session):
    looked(session, IDS[:20] + OTHER[20:50])
    read(session, IDS[40:])
    np.testing.assert_allclose(looked(session, IDS), fresh(IDS), rtol=0, atol=1e-10)


def test_an_empty_session_can_be_asked(session: Session):
    session.clear()
    np.testing.assert_allclose(looked(session, IDS[:9]), fresh(IDS[:9]), rtol=0, atol=1e-10)
    assert (session.ids, session.cache.length) == ([], 0)


@pytest.mark.parametrize(
    ("place", "chunks"), [*((place, 1) for place in PLACES), ("beyond", 2), ("a branch", 2), ("nothing shared", 2)]
)
def test_an_error_while_looking_changes_nothing_either(
    session: Session, place: str, chunks: int, monkeypatch: pytest.MonkeyPatch
):
    """Also after a chunk has been read, and where the model fails in its last layer."""
    before = held(session)
    session._chunk_tokens = 2
    forward, calls = MODEL.final_norm.forward, []

    def fail(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == chunks:
            raise ZeroDivisionError
        return forward(x)

    monkeypatch.setattr(MODEL.final_norm, "forward", fail)
    with pytest.raises(ZeroDivisionError):
        session.look(PLACES[place])
    assert_untouched(session, before)


def test_only_what_the_cache_lacks_is_read(session: Session, monkeypatch: pytest.MonkeyPatch):
    """Twenty tokens of forty are shared: five new ones are five tokens of work; of a foreign text all are."""
    seen = []
    forward = Transformer.forward
    monkeypatch.setattr(
        Transformer, "forward", lambda self, ids, *rest: seen.append((ids.shape[1], rest[0].length)) or forward(self, ids, *rest)
    )
    session.look(IDS[:20] + OTHER[20:25])
    session.look(IDS[:33])
    session.look(OTHER[:25])
    assert seen == [(5, 20), (1, 32), (25, 0)]


def test_a_foreign_text_is_read_beside_the_cache(session: Session):
    """Nothing needs to be put aside then: not even the cache's own cells are touched for a while."""
    cache, keys = session.cache, session.cache.keys.clone()
    session.look(OTHER)
    assert session.cache is cache
    assert torch.equal(session.cache.keys, keys)


def test_a_fork_and_the_session_go_their_own_ways(session: Session):
    """Rows of a fork begin with what the session holds, and reading on in one changes none of the others."""
    before = held(session)
    fork = session.fork(3, 60)
    logits = session.step_rows([IDS[40], OTHER[40], 3], fork)
    for row, token_id in zip(logits, (IDS[40], OTHER[40], 3), strict=True):
        np.testing.assert_allclose(row, fresh([*IDS[:40], token_id])[0], rtol=0, atol=1e-10)
    fork.keep_rows([2, 0])
    logits = session.step_rows([5, 6], fork)
    np.testing.assert_allclose(logits[0], fresh([*IDS[:40], 3, 5])[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(logits[1], fresh([*IDS[:41], 6])[0], rtol=0, atol=1e-10)
    assert_untouched(session, before)
