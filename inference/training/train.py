"""The training loop: `python3 -m inference.training.train RECIPE.toml RUN_FOLDER --streams STREAMS`, stopped and resumed at will.

A recipe names the model's size, the mix of buckets and the phases; the learning rate warms up, stays, and decays
over the last phase (warm-up-stable-decay, https://arxiv.org/abs/2404.06395). A phase may be bounded by steps or by
the wall clock, so that the same recipe fits a machine of any speed. `recipe.toml` is for a two-core CPU,
`recipe-deeper.toml` goes on from its result and `recipe-longer.toml` from that one's, `recipe-gpu.toml` is for one large GPU
(their heads say how to run them).
The state is saved every few minutes, and when the run is asked to end (Ctrl+C, SIGTERM, `--minutes`); the same command goes
on from there, and `export` makes a checkpoint of it at any time.
"""

import argparse
import json
import math
import os
import signal
import time
import tomllib
from pathlib import Path

import torch
from torch import Tensor

from inference.config import ModelConfig
from inference.model import Transformer
from inference.training.averaging import Average
from inference.training.corpus import StreamSampler
from inference.training.feed import Batch, Feed
from inference.training.growth import start_from
from inference.training.loss import ChunkedCrossEntropy
from inference.training.muon import make_optimizers
from inference.training.packing import IGNORED, answers_and_texts, next_tokens
from inference.training.ways import Forward, first_way

LEAST_RATE = 0.02  # where a decay ends, as a part of the full learning rate


def make_model(size: dict, vocab_size: int) -> Transformer:
    """A fresh Llama-shaped transformer of the recipe's size, initialised for training."""
    width, heads = size["width"], size["heads"]
    config = ModelConfig(
        vocab_size=vocab_size,
        width=width,
        n_layers=size["layers"],
        n_heads=heads,
        n_kv_heads=size.get("kv_heads", heads),
        head_width=width // heads,
        mlp_width=size["mlp_width"],
        context_tokens=size["context"],
    )
    model = Transformer(config)
    torch.nn.init.normal_(model.embedding.weight, std=0.02)
    for block in model.blocks:
        for matrix in (block.attention.qkv.weight, block.mlp.up.weight):
            torch.nn.init.normal_(matrix, std=width**-0.5)
        for matrix in (block.attention.out.weight, block.mlp.down.weight):
            if size.get("zero_outputs", True):
                torch.nn.init.zeros_(matrix)  # every block starts as the identity
            else:
                torch.nn.init.normal_(matrix, std=(2 * config.n_layers * matrix.shape[1]) ** -0.5)
    return model


def batch_loss(forward: Forward, weight: Tensor, batch: Batch, phase: dict, marks: dict) -> Tensor:
    """Mean cross-entropy of predicting each next token, in nats; in chats of answers only where the phase says so.

    `weight` (V, C) projects to the vocabulary; `marks` holds the ids "bos" and "chat" (those that open a message).
    """
    counted = None
    if phase.get("answers_only"):
        chat_marks = torch.tensor(marks["chat"], device=batch.ids.device)
        counted = answers_and_texts(batch.ids, batch.answers, marks["bos"], chat_marks)
    targets = next_tokens(batch.ids, counted, marks["bos"])
    hidden = forward(batch.ids[:, :-1])
    is_target = targets != IGNORED
    return ChunkedCrossEntropy.apply(hidden[is_target], weight, targets[is_target], torch.bfloat16)


def phase_progress(phase: dict, steps: int, seconds: float) -> float:
    """How much of a phase is done, 0 to 1, by whichever bound is nearer."""
    by_steps = steps / phase["steps"] if "steps" in phase else 0.0
    by_clock = seconds / (60 * phase["minutes"]) if "minutes" in phase else 0.0
    return min(1.0, max(by_steps, by_clock))


def decayed_part(recipe: dict, counters: list) -> float:
    """How far the learning rate of a saved run has fallen in the decay it is in: 0 not at all, 1 wholly."""
    _, _, index, steps, seconds = counters
    phases = recipe["phases"]
    if index >= len(phases):
        return float(phases[-1].get("decay", False))
    if steps == 0 and index > 0:  # saved between two phases
        return float(phases[index - 1].get("decay", False))
    return phase_progress(phases[index], steps, seconds) if phases[index].get("decay") else 0.0


class Run:
    """One resumable run: model, optimizers, where it stands in its recipe, and the folder that keeps them."""

    def __init__(self, recipe: dict, folder: Path, device: str, deadline: float = math.inf, start: Path | None = None):
        self.recipe, self.folder, self.device = recipe, folder, device
        self.deadline = deadline  # on the monotonic clock
        self.marks = {"bos": recipe["bos_id"], "chat": recipe.get("chat_ids", [1, 2, 3])}
        self.model = make_model(recipe["model"], recipe["vocab_size"]).to(device)
        self.state_path = folder / "state.pt"
        if start is not None and not self.state_path.exists():
            start_from(start, self.model)
        optimizer = recipe["optimizer"]
        matrices = optimizer.get("matrices", "muon")
        self.optimizers = make_optimizers(self.model, optimizer["matrix_lr"], optimizer["vector_lr"], matrices)
        self.average = Average(self.model)
        self.step, self.tokens, self.phase_index, self.phase_step, self.phase_s = 0, 0, 0, 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if self.state_path.exists():
            self.resume()

    def save(self) -> None:
        """Write the whole state beside the old one, then replace it.

        Raises FloatingPointError, and keeps the old one, where the weights have become no numbers.
        """
        if not torch.stack([parameter.isfinite().all() for parameter in self.model.parameters()]).all():
            raise FloatingPointError(f"the weights are no numbers any more at step {self.step}; the state saved before is kept")
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "counters": [self.step, self.tokens, self.phase_index, self.phase_step, self.phase_s],
        }
        part = self.state_path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.state_path)

    def resume(self) -> None:
        """Continue from the saved state."""
        state = torch.load(self.state_path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state.get("average") or state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.tokens, self.phase_index, self.phase_step, self.phase_s = state["counters"]

    def log(self, **entry: object) -> None:
        """Append one line to log.jsonl and show it."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    def progress(self, phase: dict) -> float:
        """How much of the phase is done, 0 to 1."""
        return phase_progress(phase, self.phase_step, self.phase_s)

    def set_learning_rate(self, phase: dict) -> float:
        """Scale every group's rate for this step; returns the scale."""
        scale = min(1.0, (self.step + 1) / self.recipe["optimizer"].get("warmup_steps", 100))
        scale *= phase.get("lr_scale", 1.0)
        if phase.get("decay"):
            scale *= max(LEAST_RATE, 1.0 - self.progress(phase))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * scale
        return scale

    def gradients(self, forward: Forward, batch: Batch, phase: dict) -> Tensor:
        """Add the gradients of one batch; returns its loss in nats per token, not yet waited for."""
        parts = phase.get("micro_batches", 1)
        with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16):
            loss = batch_loss(forward, self.model.embedding.weight, batch, phase, self.marks) / parts
        loss.backward()
        return loss.detach()

    def train_step(self, forward: Forward, phase: dict, feed: Feed) -> Tensor:
        """One optimizer step of the phase; returns the loss in nats per token."""
        parts = phase.get("micro_batches", 1)
        losses = [self.gradients(forward, feed.batch(self.step * parts + part), phase) for part in range(parts)]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.phase_step += 1
        self.tokens += parts * phase["rows"] * phase["length"]
        self.average.update(self.step)
        return torch.stack(losses).sum()

    def open_way(self, phase: dict, feed: Feed) -> Forward:
        """The fastest way of the recipe that this machine can run; compilers do their work here, before the clock runs."""
        batch = feed.batch(self.step * phase.get("micro_batches", 1))

        def gradients(forward: Forward) -> list[Tensor]:
            self.gradients(forward, batch, phase)
            found = [parameter.grad for parameter in self.model.parameters()]
            self.model.zero_grad()
            return found

        bos = self.marks["bos"] if self.recipe.get("document_mask", True) else None
        started = time.monotonic()
        try:
            name, forward = first_way(self.recipe.get("ways", ["plain"]), self.model, bos, gradients)
        finally:
            self.model.zero_grad()
        print(f"{phase['name']}: trains in the way {name!r}, ready after {time.monotonic() - started:.1f} s", flush=True)
        return forward

    def run_phase(self, phase: dict, streams: Path) -> bool:
        """Train until the phase is done or time is up, logging and saving on the way; returns whether it is done."""
        sampler = StreamSampler(streams, phase["mix"], seed=1000 * self.recipe.get("seed", 1) + self.phase_index)
        feed = Feed(sampler, phase["rows"], phase["length"], self.device)
        try:
            forward = self.open_way(phase, feed)
            self.train_steps(forward, phase, feed)
        finally:
            feed.close()
        return self.progress(phase) >= 1.0

    def train_steps(self, forward: Forward, phase: dict, feed: Feed) -> None:
        """The steps of a phase, as many as time allows."""
        log_every_s, save_every_s = self.recipe.get("log_every_s", 60.0), self.recipe.get("save_every_s", 240.0)
        stretch = Stretch(self.tokens)
        saved = before = time.monotonic()
        while self.progress(phase) < 1.0 and before < self.deadline:
            scale = self.set_learning_rate(phase)
            stretch.losses.append(self.train_step(forward, phase, feed))
            now = time.monotonic()
            self.phase_s += now - before
            before = now
            if now - stretch.began > log_every_s:
                stretch = self.log_stretch(phase, scale, stretch)
            if now - saved > save_every_s:
                self.save()
                saved = now
        if stretch.losses:
            self.log_stretch(phase, scale, stretch)
        self.save()

    def log_stretch(self, phase: dict, scale: float, stretch: "Stretch") -> "Stretch":
        """One line about the steps since the last; returns the stretch that begins here."""
        figures = {"phase": phase["name"], "step": self.step, "tokens": self.tokens, "lr_scale": round(scale, 4)}
        self.log(**figures, **stretch.summary(self.tokens))
        return Stretch(self.tokens)

    def train(self, streams: Path) -> None:
        """Run the phases that are left, as far as time allows."""
        phases = self.recipe["phases"]
        while self.phase_index < len(phases) and time.monotonic() < self.deadline:
            if not self.run_phase(phases[self.phase_index], streams):
                break
            self.phase_index, self.phase_step, self.phase_s = self.phase_index + 1, 0, 0.0
            self.save()

    def end(self, *_: object) -> None:
        """Stop after the step that is under way, with the state saved; a handler of signals."""
        self.deadline = -math.inf


class Stretch:
    """What was trained since the last line of the log."""

    def __init__(self, tokens: int):
        self.began, self.tokens = time.monotonic(), tokens
        self.losses: list[Tensor] = []

    def summary(self, tokens: int) -> dict[str, float]:
        """Mean loss and speed, given how many tokens the run has seen by now."""
        mean = torch.stack(self.losses).mean().item()  # waits for the steps to be done
        seconds = max(1e-9, time.monotonic() - self.began)
        return {"loss_nats": round(mean, 4), "tokens_per_s": round((tokens - self.tokens) / seconds)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--streams", type=Path, required=True, help="folder of token streams (see inference.training.prepare)")
    parser.add_argument("--start", type=Path, help="folder of a checkpoint, of as many layers or fewer, to begin from")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long, with the state saved")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    recipe = tomllib.loads(arguments.recipe.read_text(encoding="utf-8"))
    run = Run(recipe, arguments.folder, arguments.device, deadline, arguments.start)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.end)
    run.train(arguments.streams)


if __name__ == "__main__":
    main()
