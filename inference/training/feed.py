"""Batches made one ahead of the training step by a thread of their own, so that no step waits for its text."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from inference.training.corpus import StreamSampler


class Batch(NamedTuple):
    """Token ids (rows, length + 1) on the device, and which of them the assistant wrote."""

    ids: Tensor
    answers: Tensor


class Feed:
    """Hands out the batches of a phase by their number; close it after the phase."""

    def __init__(self, sampler: StreamSampler, rows: int, length: int, device: str):
        self.sampler, self.rows, self.length = sampler, rows, length
        self.device = torch.device(device)
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
        self.ahead: tuple[int, Future[Batch]] | None = None

    def batch(self, number: int) -> Batch:
        """Batch `number`; the one after it is begun."""
        if self.ahead is None or self.ahead[0] != number:
            self.ahead = (number, self.thread.submit(self.make, number))
        ready = self.ahead[1].result()
        self.ahead = (number + 1, self.thread.submit(self.make, number + 1))
        return Batch(*(part.to(self.device, non_blocking=True) for part in ready))

    def make(self, number: int) -> Batch:
        """One batch in the memory of the host, from where a GPU can fetch it by itself."""
        parts = [torch.from_numpy(part) for part in self.sampler.batch(number, self.rows, self.length)]
        return Batch(*(part.pin_memory() if self.device.type == "cuda" else part for part in parts))

    def close(self) -> None:
        """End the thread."""
        self.thread.shutdown(cancel_futures=True)
