"""Which device, number type and threads a model runs with, and how much memory is free there."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from inference.errors import OutOfMemoryError, RequestError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LARGE_PARAMETERS = 1_000_000_000
LARGEST_THREADS = 1024


def choose_device(name: str) -> torch.device:
    """The device called "cpu", "cuda", "cuda:1" or "mps"; "auto" is CUDA where it works, else MPS, else the CPU.

    Raises RequestError for an unknown name or a device that is not there or does not work.
    """
    if name == "auto":
        found = (candidate for candidate in ("cuda", "mps") if _problem(torch.device(candidate)) is None)
        return torch.device(next(found, "cpu"))
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (":" in name and not (kind == "cuda" and index.isdecimal() and len(index) <= 3)):
        raise RequestError(f"There is no device called {name[:40]!r}; use auto, cpu, cuda, cuda:1 or mps.")
    device = torch.device(name)
    problem = _problem(device)
    if problem is not None:
        raise RequestError(f"The device {name} cannot be used ({problem}); use auto or cpu.")
    return device


def choose_dtype(name: str, device: torch.device, parameter_count: int = 0) -> torch.dtype:
    """The number type called "float32", "bfloat16" or "float16"; "auto" by device and size of the model.

    CUDA takes bfloat16 where the card has it. The CPU takes float32 up to a billion parameters, and bfloat16 above, to
    halve the memory: one-row decoding on one EPYC core with AVX512-BF16 took 49 ms in float32 and 40 ms in
    bfloat16 for 151 million parameters, 124 and 103 ms for 401 million, and cores without such instructions are
    slower in bfloat16. So little speed is no reason to round a small model's probabilities. float16 was twice as fast
    as bfloat16, but many models overflow in it. Raises RequestError for an unknown name.
    """
    if name != "auto":
        if name not in DTYPES:
            raise RequestError(f"There is no number type called {name[:40]!r}; use auto, {', '.join(DTYPES)}.")
        return DTYPES[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and parameter_count > LARGE_PARAMETERS else torch.float32


def use_threads(count: int) -> int:
    """Let torch use that many CPU threads, 0 for the physical cores less one, at least one; returns the number.

    One core stays free for the window. Raises RequestError for a number out of range.
    """
    if not 0 <= count <= LARGEST_THREADS:
        raise RequestError(f"{count} threads were asked for; use 0 (automatic) to {LARGEST_THREADS}.")
    chosen = count or max(1, _physical_cores() - 1)
    torch.set_num_threads(chosen)
    return chosen


def available_bytes(device: torch.device) -> int | None:
    """Memory that can still be taken on the device; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):  # no /proc, no such name, no sysconf at all
        return None


@contextmanager
def memory_errors(message: str) -> Iterator[None]:
    """Raise OutOfMemoryError(message) for whatever Python or torch raise where there is no memory left."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemoryError(message) from error
    except RuntimeError as error:  # torch has no narrower class for the CPU
        if "allocate" not in str(error):
            raise
        raise OutOfMemoryError(message) from error


def _problem(device: torch.device) -> str | None:
    """Why the device cannot compute, found by trying; None when it can."""
    if device.type == "cpu":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about old drivers; the answer here says it
        module = torch.cuda if device.type == "cuda" else torch.backends.mps
        if not module.is_available():
            return "this computer, its driver or this build of torch does not offer it"
        try:
            torch.ones(1, device=device).add_(1).item()
        except (RuntimeError, AssertionError) as error:
            return str(error).splitlines()[0][:200]
    return None


def _physical_cores() -> int:
    """Cores this process may use, hyper-threads not counted; an estimate where the system does not tell."""
    logical = os.cpu_count() or 1
    if not hasattr(os, "sched_getaffinity"):
        return logical if sys.platform == "darwin" else max(1, logical // 2)
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text(encoding="ascii").strip())
        except OSError:
            cores.add(str(cpu))
    return len(cores)
