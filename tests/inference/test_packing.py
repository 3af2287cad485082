"""Packed windows: who sees whom, what counts, and every way to run the model gives the same vectors."""

import pytest
import torch

from inference.training.packing import IGNORED, answers_and_texts, document_mask, next_tokens
from inference.training.train import make_model
from inference.training.ways import first_way, open_way
from tests.tiny import randomise

SIZE = {"width": 64, "layers": 2, "heads": 4, "kv_heads": 2, "mlp_width": 96, "context": 128}
BOS, USER, ASSISTANT, END = 0, 1, 2, 4
MARKS = torch.tensor([1, 2, 3])
FIRST = [BOS, 20, 21, 22, 23, 24]
SECOND = [BOS, 30, 31, 32]


@pytest.fixture(scope="module")
def model():
    return randomise(make_model(SIZE, 512)).eval()


def test_a_document_sees_itself_and_only_what_came_before():
    mask = document_mask(torch.tensor([[9, 8, BOS, 7]]), BOS)[0, 0]
    assert mask.int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]


@torch.inference_mode()
def test_a_packed_document_gives_the_vectors_it_gives_alone(model):
    """Two documents in one row: neither changes what the model makes of the other, wherever it stands."""
    packed = open_way("plain", model, BOS)(torch.tensor([FIRST + SECOND]))[0]
    for part, ids in ((packed[: len(FIRST)], FIRST), (packed[len(FIRST) :], SECOND)):
        assert (part - model(torch.tensor([ids]))[0]).abs().max() < 1e-4
    unmasked = open_way("plain", model, None)(torch.tensor([FIRST + SECOND]))[0]
    assert (packed - unmasked)[len(FIRST) :].abs().max() > 0.1


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_block_mask_is_the_same_rule(model, monkeypatch):
    """ "flex" without its compiler gives what "plain" gives, and leaves no trace in the model."""
    monkeypatch.setattr(torch, "compile", lambda model, **_: model)
    ids = torch.tensor([FIRST + SECOND, SECOND + [5, 6, 7, 8, 9, 10]])
    plain = open_way("plain", model, BOS)(ids)
    assert (open_way("flex", model, BOS)(ids) - plain).abs().max() < 1e-4
    assert "attend" in vars(model.blocks[0].attention)
    assert torch.equal(open_way("plain", model, BOS)(ids), plain)


def gradients_of(model):
    """What a way's gradients are, of a little loss."""

    def gradients(forward):
        forward(torch.tensor([FIRST + SECOND])).square().mean().backward()
        found = [parameter.grad for parameter in model.parameters()]
        model.zero_grad()
        return found

    return gradients


def test_a_way_the_machine_cannot_run_is_passed_over(model, capsys, monkeypatch):
    """Where the compiler fails the next way is tried; the last one needs no trial."""

    def no_compiler(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", no_compiler)
    name, forward = first_way(["flex", "compiled", "plain"], model, BOS, gradients_of(model))
    assert name == "plain"
    assert capsys.readouterr().out.count("no compiler") == 2
    assert torch.equal(forward(torch.tensor([SECOND])), open_way("plain", model, BOS)(torch.tensor([SECOND])))
    with pytest.raises(ValueError, match="'fast'"):
        open_way("fast", model, BOS)


def test_a_way_with_other_gradients_is_passed_over(model, capsys, monkeypatch):
    """A compiled model that forgets its mask is found out, even where no block adds anything to the forward pass yet."""
    fresh = make_model(SIZE, 512)
    monkeypatch.setattr(torch, "compile", lambda model, **_: model)
    assert first_way(["compiled", "plain"], fresh, BOS, gradients_of(fresh))[0] == "compiled"
    monkeypatch.setattr(torch, "compile", lambda model, **_: lambda ids, mask: model(ids))
    assert first_way(["compiled", "plain"], fresh, BOS, gradients_of(fresh))[0] == "plain"
    assert "the way 'compiled' is wrong here" in capsys.readouterr().out


def test_answers_count_in_chats_and_everything_in_texts():
    """The rest of an answer, a text, a chat, and a chat whose answer does not fit any more."""
    ids = torch.tensor([[40, END, BOS, 41, 42, BOS, USER, 43, END, ASSISTANT, 44, END, BOS, USER, 45]])
    answers = torch.zeros_like(ids, dtype=torch.bool)
    answers[0, [0, 1, 10, 11]] = True
    counted = answers_and_texts(ids, answers, BOS, MARKS)
    assert counted[0].nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 10, 11]


def test_targets_are_the_next_tokens_but_never_a_new_document():
    ids = torch.tensor([[5, 6, BOS, 7]])
    assert next_tokens(ids, None, BOS).tolist() == [[6, IGNORED, 7]]
    assert next_tokens(ids, torch.tensor([[True, False, True, True]]), BOS).tolist() == [[IGNORED, IGNORED, 7]]
