"""The training loop: `python3 -m inference.training.train RECIPE.toml RUN_FOLDER`, stopped and resumed at will.

A recipe names the model's size, the mix of buckets and the phases; the learning rate warms up, stays, and decays
over the last phase (warm-up-stable-decay, https://arxiv.org/abs/2404.06395). A phase may be bounded by steps or by
the wall clock, so that the same recipe fits a machine of any speed. The state is saved every few minutes; a run cut
short leaves a usable one.
"""

import argparse
import json
import math
import os
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inference.config import ModelConfig
from inference.model import Transformer
from inference.training.corpus import StreamSampler
from inference.training.loss import ChunkedCrossEntropy
from inference.training.muon import make_optimizers

SAVE_EVERY_S = 240.0


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
            torch.nn.init.zeros_(matrix)  # every block starts as the identity
    return model


def document_mask(ids: Tensor, bos: int) -> Tensor:
    """Causal mask (B, 1, T, T) that keeps every packed document to itself; True where attention is allowed."""
    documents = (ids == bos).cumsum(dim=1)
    same = documents[:, :, None] == documents[:, None, :]
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
    return (same & causal).unsqueeze(1)


def batch_loss(model: Transformer, ids: Tensor, answers: Tensor, phase: dict, bos: int) -> Tensor:
    """Mean cross-entropy of predicting each next token, in nats; of answers only where the phase says so."""
    inputs, targets = ids[:, :-1], ids[:, 1:].clone()
    targets[targets == bos] = -100  # where one document ends, the next cannot be foreseen
    if phase.get("answers_only"):
        targets[~answers[:, 1:]] = -100
    hidden = model(inputs, mask=document_mask(inputs, bos))
    counted = targets != -100
    return ChunkedCrossEntropy.apply(hidden[counted], model.embedding.weight, targets[counted], torch.bfloat16)


class Run:
    """One resumable run: model, optimizers, where it stands in its recipe, and the folder that keeps them."""

    def __init__(self, recipe: dict, folder: Path, device: str):
        self.recipe, self.folder, self.device = recipe, folder, device
        self.bos = recipe["bos_id"]
        self.model = make_model(recipe["model"], recipe["vocab_size"]).to(device)
        optimizer = recipe["optimizer"]
        self.optimizers = make_optimizers(self.model, optimizer["matrix_lr"], optimizer["vector_lr"])
        self.step, self.tokens, self.phase_index, self.phase_step, self.phase_s = 0, 0, 0, 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self.state_path = folder / "state.pt"
        if self.state_path.exists():
            self.resume()

    def save(self) -> None:
        """Write the whole state beside the old one, then replace it."""
        state = {
            "model": self.model.state_dict(),
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
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.tokens, self.phase_index, self.phase_step, self.phase_s = state["counters"]

    def log(self, **entry: object) -> None:
        """Append one line to log.jsonl and show it."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    def progress(self, phase: dict) -> float:
        """How much of the phase is done, 0 to 1, by whichever bound is nearer."""
        by_steps = self.phase_step / phase["steps"] if "steps" in phase else 0.0
        by_clock = self.phase_s / (60 * phase["minutes"]) if "minutes" in phase else 0.0
        return min(1.0, max(by_steps, by_clock))

    def set_learning_rate(self, phase: dict) -> float:
        """Scale every group's rate for this step; returns the scale."""
        scale = min(1.0, (self.step + 1) / self.recipe["optimizer"].get("warmup_steps", 100))
        scale *= phase.get("lr_scale", 1.0)
        if phase.get("decay"):
            scale *= max(0.02, 1.0 - self.progress(phase))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * scale
        return scale

    def train_step(self, phase: dict, sampler: StreamSampler) -> float:
        """One optimizer step of the phase; returns the loss in nats per token."""
        rows, length, micro_batches = phase["rows"], phase["length"], phase.get("micro_batches", 1)
        total = 0.0
        for micro in range(micro_batches):
            ids, answers = sampler.batch(self.step * micro_batches + micro, rows, length)
            ids, answers = torch.from_numpy(ids).to(self.device), torch.from_numpy(answers).to(self.device)
            with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16):
                loss = batch_loss(self.model, ids, answers, phase, self.bos) / micro_batches
            loss.backward()
            total += loss.item()
            self.tokens += rows * length
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.phase_step += 1
        return total

    def run_phase(self, phase: dict, streams: Path) -> None:
        """Train until the phase is done, logging and saving on the way."""
        sampler = StreamSampler(streams, phase["mix"], seed=1000 * self.recipe.get("seed", 1) + self.phase_index)
        losses: list[float] = []
        logged = saved = before = time.monotonic()
        logged_tokens = self.tokens
        while self.progress(phase) < 1.0:
            scale = self.set_learning_rate(phase)
            losses.append(self.train_step(phase, sampler))
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(f"the loss became {losses[-1]} at step {self.step}; the state before it is kept")
            now = time.monotonic()
            self.phase_s += now - before
            before = now
            if now - logged > 60:
                rate = (self.tokens - logged_tokens) / (now - logged)
                mean = float(np.mean(losses))
                self.log(
                    phase=phase["name"],
                    step=self.step,
                    tokens=self.tokens,
                    loss_nats=round(mean, 4),
                    lr_scale=round(scale, 4),
                    tokens_per_s=round(rate),
                )  # noqa: E501
                losses, logged, logged_tokens = [], now, self.tokens
            if now - saved > SAVE_EVERY_S:
                self.save()
                saved = now
        self.save()

    def train(self, streams: Path) -> None:
        """Run the phases that are left."""
        phases = self.recipe["phases"]
        while self.phase_index < len(phases):
            self.run_phase(phases[self.phase_index], streams)
            self.phase_index, self.phase_step, self.phase_s = self.phase_index + 1, 0, 0.0
            self.save()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--streams", type=Path, required=True, help="folder of token streams (see inference.training.prepare)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    recipe = tomllib.loads(arguments.recipe.read_text(encoding="utf-8"))
    Run(recipe, arguments.folder, arguments.device).train(arguments.streams)


if __name__ == "__main__":
    main()
