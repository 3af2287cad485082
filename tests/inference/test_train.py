"""Both recipes, scaled down, from streams to a model that the application loads: stopped, resumed, averaged, exported."""

import json
import tomllib
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

import inference
import inference.training
from inference.checkpoint import recommended_params
from inference.training.averaging import SPAN, Average
from inference.training.corpus import BUCKETS, StreamSampler, bucket_of, encode_document, write_streams
from inference.training.export import export_checkpoint, load_run
from inference.training.feed import Feed
from inference.training.muon import make_optimizers
from inference.training.train import Run, decayed_part, make_model
from inference.types import GenerateRequest, Message, SamplingParams
from tests.tiny import TEXT, write_tiny_tokenizer

RECIPES = Path(inference.training.__file__).parent
SMALL = {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48, "context": 64}
STEPS = 3


def scaled_down(name: str) -> dict:
    """The recipe with all its phases and mixes at a size for a test; no compiler, a line of log and a save at every step."""
    recipe = tomllib.loads((RECIPES / name).read_text(encoding="utf-8"))
    recipe |= {"model": recipe["model"] | SMALL, "vocab_size": 512, "log_every_s": -1, "save_every_s": -1, "ways": ["plain"]}
    for phase in recipe["phases"]:
        assert phase.pop("minutes") > 0
        phase |= {"steps": STEPS, "rows": 2, "length": 48}
    return recipe


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    return write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"


@pytest.fixture(scope="module")
def streams(tokenizer_file, tmp_path_factory):
    """A little text in every bucket that a recipe can name."""
    folder = tmp_path_factory.mktemp("streams")
    chat = [{"role": "user", "content": "What is a number?"}, {"role": "assistant", "content": "Numbers never lie."}]
    sources = [*BUCKETS, "story-request/grimm"]
    documents = [{"source": source, "text": TEXT[:600]} for source in sources]
    documents += [{"source": source, "messages": chat * 5} for source in sources]
    (folder / "documents.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    sizes = write_streams(Tokenizer.from_file(str(tokenizer_file)), [folder / "documents.jsonl"], folder)
    assert set(sizes) == {bucket_of(source) for source in sources}
    return folder


def trained(recipe: dict, folder: Path, streams: Path, stop_at: int | None = None) -> Run:
    """A run on one thread until its end, or until it was told to end at a step."""
    torch.manual_seed(1)
    run = Run(recipe, folder, "cpu")
    log = run.log

    def log_and_end(**entry: object) -> None:
        log(**entry)
        if stop_at is not None and run.step >= stop_at:
            run.end()

    run.log = log_and_end
    run.train(streams)
    return run


@pytest.mark.parametrize("name", ["recipe.toml", "recipe-deeper.toml", "recipe-gpu.toml"])
def test_a_recipe_trains_stops_resumes_and_loads(name, streams, tokenizer_file, tmp_path):
    """A run that is stopped and resumed ends with the very weights of one that was not, and its export answers."""
    recipe = scaled_down(name)
    whole = trained(recipe, tmp_path / "whole", streams)
    assert whole.step == STEPS * len(recipe["phases"])
    stopped = trained(recipe, tmp_path / "parts", streams, stop_at=2)
    assert (stopped.step, stopped.phase_index) == (2, 0)
    resumed = trained(recipe, tmp_path / "parts", streams)
    assert resumed.tokens == whole.tokens == 2 * 48 * whole.step
    for key, tensor in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], tensor), key
    for key, tensor in whole.average.state_dict().items():
        assert torch.equal(resumed.average.state_dict()[key], tensor), key
    assert (whole.model.blocks[0].mlp.down.weight != 0).any()  # it began with zeros
    out = tmp_path / "model"
    export_checkpoint(load_run(tmp_path / "parts", recipe), tokenizer_file, out, name="Tiny")
    engine = inference.load(out, device="cpu", threads=1)
    request = GenerateRequest(
        run_id=1, seed=1, max_new_tokens=4, params=engine.spec.default_params, messages=(Message("user", "Hello"),)
    )
    *_, finished = engine.generate(request)
    assert 1 <= len(finished.answer_ids) <= 4


def test_a_run_cut_short_is_exported_with_its_average(streams, tmp_path):
    """Before the rate has fallen the averaged weights are taken, afterwards the last; either can be asked for."""
    recipe = scaled_down("recipe-gpu.toml")
    run = trained(recipe, tmp_path, streams, stop_at=2)
    run.average.tensors[0].fill_(0.25)  # of the embedding, to know it again
    run.save()
    assert decayed_part(recipe, [2, 0, 0, 2, 1.0]) == 0
    assert torch.all(load_run(tmp_path, recipe).embedding.weight == 0.25)
    assert torch.equal(load_run(tmp_path, recipe, average=False).embedding.weight, run.model.embedding.weight)
    run = trained(recipe, tmp_path, streams)
    assert decayed_part(recipe, [6, 0, 2, 0, 0.0]) == 1
    assert torch.equal(load_run(tmp_path, recipe).embedding.weight, run.model.embedding.weight)
    assert torch.equal(load_run(tmp_path, recipe, average=True).embedding.weight, run.average.state_dict()["embedding.weight"])


def test_how_far_a_decay_has_come():
    """Counters are: steps, tokens, phase, steps and seconds in it."""
    recipe = {"phases": [{"steps": 10}, {"minutes": 2, "decay": True}, {"steps": 5}]}
    cases = {(0, 9, 0.0): 0.0, (1, 0, 0.0): 0.0, (1, 3, 90.0): 0.75, (2, 0, 0.0): 1.0, (2, 3, 9.0): 0.0, (3, 0, 0.0): 0.0}
    for (phase, steps, seconds), part in cases.items():
        assert decayed_part(recipe, [100, 9999, phase, steps, seconds]) == part, (phase, steps)


def test_a_state_without_an_average_is_continued(streams, tmp_path):
    """Runs saved before averages were kept resume, and export as they are."""
    recipe = scaled_down("recipe.toml")
    run = trained(recipe, tmp_path, streams, stop_at=2)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    del state["average"]
    torch.save(state, tmp_path / "state.pt")
    assert torch.equal(load_run(tmp_path, recipe).embedding.weight, run.model.embedding.weight)
    with pytest.raises(ValueError, match="kept no average"):
        load_run(tmp_path, recipe, average=True)
    resumed = Run(recipe, tmp_path, "cpu")
    assert torch.equal(resumed.average.state_dict()["embedding.weight"], run.model.embedding.weight)


def test_weights_that_are_no_numbers_never_reach_the_disk(streams, tmp_path):
    recipe = scaled_down("recipe.toml")
    trained(recipe, tmp_path, streams, stop_at=1)
    before = (tmp_path / "state.pt").read_bytes()
    run = Run(recipe, tmp_path, "cpu")
    run.model.embedding.weight.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="no numbers any more at step 2"):
        run.train(streams)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_micro_batches_add_up_to_one_batch(streams, tmp_path):
    """Two halves give the mean of their losses and count all their tokens."""
    recipe = scaled_down("recipe.toml")
    recipe["phases"] = [recipe["phases"][0] | {"micro_batches": 2, "steps": 1}]
    run = trained(recipe, tmp_path, streams)
    entry = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert entry["tokens"] == run.tokens == 2 * 2 * 48
    assert 5.5 < entry["loss_nats"] < 7.0  # ln 512 = 6.24


def test_the_average_is_the_declared_mean():
    """A copy for 1 / SPAN steps, afterwards each step enters with 1 / (SPAN x steps)."""
    model = torch.nn.Linear(1, 1, bias=False).double()
    average, expected = Average(model), 0.0
    for step in range(1, 60):
        model.weight.data.fill_(float(step**2))
        average.update(step)
        part = min(1.0, 1 / (SPAN * step))
        expected += part * (step**2 - expected)
        assert average.state_dict()["weight"].item() == pytest.approx(expected)
    assert 45**2 < expected < 59**2


def test_the_feed_gives_the_batches_of_the_sampler(streams):
    """In order, after a jump, and with the thread ended."""
    sampler = StreamSampler(streams, {"stories": 1, "chat": 2}, seed=3)
    feed = Feed(sampler, 2, 20, "cpu")
    try:
        for number in (4, 5, 6, 2):
            ids, answers = sampler.batch(number, 2, 20)
            batch = feed.batch(number)
            assert (batch.ids.numpy() == ids).all()
            assert (batch.answers.numpy() == answers).all()
    finally:
        feed.close()


@pytest.mark.parametrize("matrices", ["muon", "adamw"])
def test_every_weight_has_one_optimizer(matrices):
    model = make_model(SMALL, 512)
    optimizers = make_optimizers(model, 0.02, 0.004, matrices)
    seen = [id(parameter) for optimizer in optimizers for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(seen) == sorted(id(parameter) for parameter in model.parameters())
    assert {group["base_lr"] for group in optimizers[0].param_groups} == {0.02}


def test_outputs_begin_at_zero_unless_the_recipe_says_otherwise():
    assert not make_model(SMALL, 512).blocks[1].attention.out.weight.any()
    assert make_model(SMALL | {"zero_outputs": False}, 512).blocks[1].attention.out.weight.std() > 0.01


def test_the_recommended_sampling_reaches_the_application(tokenizer_file, tmp_path):
    """Temperature, top-p and repetition penalty as they were exported."""
    model = make_model(SMALL, 512)
    export_checkpoint(model, tokenizer_file, tmp_path, name="Tiny", temperature=0.6, top_p=0.9, penalty=1.15)
    assert recommended_params(tmp_path) == SamplingParams(temperature=0.6, top_p=0.9, repetition_penalty=1.15)
    assert inference.load(tmp_path, device="cpu", threads=1).spec.default_params == recommended_params(tmp_path)


def test_documents_encoded_together_are_those_encoded_alone(tokenizer_file):
    """Texts and chats in one batch keep their own tokens, marks and order."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    chat = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi there"}]}
    ids, answers = encode_document(tokenizer, chat)
    hello, hi = (tokenizer.encode(text, add_special_tokens=False).ids for text in ("Hello", "Hi there"))
    assert ids == [0, 1, *hello, 4, 2, *hi, 4]
    assert answers == [False] * (3 + len(hello)) + [False] + [True] * (len(hi) + 1)
    assert encode_document(tokenizer, {"text": "Hello"}) == ([0, *hello], [False] * (1 + len(hello)))
