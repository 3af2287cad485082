"""Choosing device, number type and threads: what is not there is refused by name, and automatic choices are usable."""

import pytest
import torch

from inference import device as devices
from inference.device import available_bytes, choose_device, choose_dtype, memory_errors, use_threads
from inference.errors import OutOfMemoryError, RequestError

CPU = torch.device("cpu")


def test_the_automatic_device_computes():
    """Whatever it is on this machine."""
    assert torch.ones(2, device=choose_device("auto")).sum().item() == 2


def test_auto_takes_what_works(monkeypatch):
    """CUDA before MPS before the CPU, each only where the trial succeeds."""
    for working, expected in (({"cuda", "mps"}, "cuda"), ({"mps"}, "mps"), (set(), "cpu")):
        monkeypatch.setattr(devices, "_problem", lambda device, working=working: None if device.type in working else "no")
        assert choose_device("auto").type == expected


@pytest.mark.parametrize(
    "name", ["", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "mps:0", "meta", "cuda:99999"]
)
def test_an_unknown_device_is_refused(name):
    """Also names torch would know, or crash on."""
    with pytest.raises(RequestError, match="no device called"):
        choose_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused(name, monkeypatch):
    """With what to use instead."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RequestError, match=f"{name} cannot be used .*auto or cpu"):
        choose_device(name)


def test_a_device_that_is_there_but_broken_is_refused(monkeypatch):
    """A card too old for this build of torch only shows when it is used."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def broken(*args, **kwargs):
        raise RuntimeError("no kernel image is available for execution on the device\nmore")

    monkeypatch.setattr(torch, "ones", broken)
    with pytest.raises(RequestError, match="no kernel image is available for execution on the device\\)"):
        choose_device("cuda")


def test_number_types_by_name_and_automatically():
    """A small model on the CPU is exact, a large one halves its memory; unknown names are refused."""
    assert [choose_dtype(name, CPU) for name in devices.DTYPES] == [torch.float32, torch.bfloat16, torch.float16]
    assert choose_dtype("auto", CPU) == choose_dtype("auto", CPU, 5_000_000) == torch.float32
    assert choose_dtype("auto", CPU, 7_000_000_000) == torch.bfloat16
    assert choose_dtype("auto", torch.device("mps"), 7_000_000_000) == torch.float32
    with pytest.raises(RequestError, match="'int8'.*bfloat16"):
        choose_dtype("int8", CPU)


@pytest.mark.parametrize(("is_supported", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_cuda_takes_bfloat16_where_the_card_has_it(monkeypatch, is_supported, expected):
    """Emulated bfloat16 does not count."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: is_supported and not including_emulation)
    assert choose_dtype("auto", torch.device("cuda")) == expected


@pytest.fixture
def restored_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads(restored_threads, monkeypatch):
    """The number asked for; automatic leaves one core to the window, and is never nought."""
    assert use_threads(2) == torch.get_num_threads() == 2
    for cores, expected in ((1, 1), (2, 1), (8, 7)):
        monkeypatch.setattr(devices, "_physical_cores", lambda cores=cores: cores)
        assert use_threads(0) == torch.get_num_threads() == expected
    for bad in (-1, 1025):
        with pytest.raises(RequestError, match=f"{bad} threads"):
            use_threads(bad)


def test_physical_cores_are_between_one_and_the_logical_ones():
    """On the machine at hand."""
    import os

    assert 1 <= devices._physical_cores() <= os.cpu_count()


@pytest.mark.parametrize(("platform", "expected"), [("darwin", 8), ("win32", 4)])
def test_physical_cores_where_the_system_tells_little(monkeypatch, platform, expected):
    """macOS counts real cores; on Windows, which has neither sched_getaffinity nor uname, half of the logical ones count."""
    import os

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "uname", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(devices.sys, "platform", platform)
    assert devices._physical_cores() == expected


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("allocate"), False),
    ],
)
def test_what_counts_as_no_memory(error, is_memory):
    """Every way in which Python and torch report it, and nothing else."""
    with pytest.raises(OutOfMemoryError if is_memory else type(error)) as caught, memory_errors("A sentence."):
        raise error
    assert (str(caught.value) == "A sentence.") == is_memory


def test_free_memory_is_plausible():
    """Less than a petabyte, more than what this test takes; or unknown."""
    free = available_bytes(CPU)
    assert free is None or 10**6 < free < 10**15
