"""The files of a checkpoint as hostile input: damaged, lying, dangerous or missing ones are named, and none runs code."""

import json
import pickle
import shutil
import struct
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open

from inference import weight_files
from inference.errors import CheckpointError, UnsafeCheckpointError
from inference.weight_files import read_config
from tests.tiny import load_tiny, tiny_checkpoint, write_json


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """One untouched checkpoint."""
    return tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture
def llama(original, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(original, tmp_path / "model")


def write_raw(folder, header: bytes, data: bytes = b"", size: int | None = None) -> None:
    """A file that says its header has `size` bytes."""
    start = struct.pack("<Q", len(header) if size is None else size)
    (folder / "model.safetensors").write_bytes(start + header + data)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.PTH", "model.ckpt", "weights.pkl"])
def test_pickle_is_refused_unread(llama, name):
    """A pickle that would leave a mark when read leaves none."""
    mark = llama / "executed"

    class Payload:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    (llama / "model.safetensors").unlink()
    (llama / name).write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UnsafeCheckpointError, match=name):
        load_tiny(llama)
    assert not mark.exists()


def test_pickle_beside_safetensors_is_left_alone(llama):
    """Most published folders hold both."""
    (llama / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    load_tiny(llama)


def test_a_renamed_pickle_or_zip_is_refused(llama):
    """torch's own formats under the name of the safe one."""
    path = llama / "model.safetensors"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(UnsafeCheckpointError, match="pickle or zip"):
        load_tiny(llama)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UnsafeCheckpointError, match="pickle or zip"):
        load_tiny(llama)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"\x80\x02.")
    with pytest.raises(UnsafeCheckpointError, match="pickle or zip"):
        load_tiny(llama)


def test_a_zip_behind_a_valid_file_is_refused(llama):
    """A file that is two formats at once is not taken for the harmless one."""
    path = llama / "model.safetensors"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data.pkl", b"\x80\x02.")
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        load_tiny(llama)


@pytest.mark.parametrize("keep", [0, 5, 8, 9, 500, -1, -100_000])
def test_a_file_cut_short_is_named(llama, keep):
    """Wherever it ends: in the size, the header or the numbers."""
    path = llama / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"model\.safetensors.*cut short"):
        load_tiny(llama)


def test_other_bytes_are_no_checkpoint(llama):
    """A web page saved under the name, for one."""
    (llama / "model.safetensors").write_text("<!doctype html><title>404</title>")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_tiny(llama)


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, 1 << 40, (16 << 20) + 1, 5000])
def test_a_huge_header_is_refused_unread(llama, size):
    """The size it announces is held against the file and the limit, not believed."""
    write_raw(llama, b"{" + b" " * 1000, size=size)
    with pytest.raises(CheckpointError, match=f"header of {size:,} bytes"):
        load_tiny(llama)


def test_a_header_beyond_the_limit_is_refused(llama, monkeypatch):
    """Even where the file really is that long."""
    monkeypatch.setattr(weight_files, "HEADER_LIMIT_BYTES", 50)
    write_raw(llama, b"{" + b" " * 98 + b"}")
    with pytest.raises(CheckpointError, match="header of 100 bytes.*at most 50"):
        load_tiny(llama)


F32 = {"dtype": "F32", "shape": [2]}


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"{" + b"[" * 5000 + b"}",
        b'{"a": 1}',
        json.dumps({"a": F32 | {"data_offsets": [0, 8]}, "b": F32 | {"data_offsets": [4, 12]}}).encode(),
        json.dumps({"a": F32 | {"data_offsets": [0, 8]}, "b": F32 | {"data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": F32 | {"data_offsets": [4, 12]}}).encode(),
        json.dumps({"a": F32 | {"data_offsets": [0, 80]}}).encode(),
        json.dumps({"a": F32 | {"data_offsets": [8, 0]}}).encode(),
        json.dumps({"a": F32 | {"data_offsets": [-8, 0]}}).encode(),
        json.dumps({"a": F32 | {"shape": [3], "data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": F32 | {"shape": [-2], "data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": F32 | {"shape": [1 << 63, 4], "data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": F32 | {"dtype": "F31", "data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": F32}).encode(),
        b'{"a": "\xff"}',
    ],
    ids=range(15),
)
def test_a_header_that_lies_is_refused(llama, header):
    """Overlaps, gaps, offsets outside the file, shapes against sizes, unknown types, broken JSON."""
    write_raw(llama, header, bytes(12))
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        load_tiny(llama)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_and_cut_bytes_never_do_anything_else(original, tmp_path_factory, data):
    """Any damage gives a model or a CheckpointError; and what safetensors refuses to open, we refuse."""
    content = bytearray((original / "model.safetensors").read_bytes())
    header_bytes = int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, header_bytes + 40))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copyfile(original / "config.json", folder / "config.json")
    path = folder / "model.safetensors"
    path.write_bytes(content)
    try:
        load_tiny(folder)
    except CheckpointError as error:
        assert len(str(error)) < 4000
        return
    try:
        with safe_open(path, framework="pt"):
            pass
    except SafetensorError as error:
        pytest.fail(f"loaded what safetensors refuses: {error}")


@pytest.mark.parametrize(
    "name",
    ["../model.safetensors", "/etc/passwd", "a/model.safetensors", "..", "C:model.safetensors", "\\\\host\\model.safetensors",
     "model.bin", "model.safetensors\0", ".safetensors", 7, None, "x" * 300 + ".safetensors"],
)  # fmt: skip
def test_a_shard_outside_the_folder_is_refused(llama, name):
    """Only plain names of safetensors files in the same folder, on any system."""
    shutil.copyfile(llama / "model.safetensors", llama.parent / "model.safetensors")
    (llama / "model.safetensors").unlink()
    write_json(llama / "model.safetensors.index.json", {"weight_map": {"a": name}})
    with pytest.raises(CheckpointError, match="as a file of the checkpoint"):
        load_tiny(llama)


def test_missing_shards_are_all_named(llama):
    """An interrupted download says what to fetch."""
    (llama / "model.safetensors").rename(llama / "model-1.safetensors")
    files = {str(i): f"model-{i}.safetensors" for i in range(1, 4)}
    write_json(llama / "model.safetensors.index.json", {"weight_map": files})
    with pytest.raises(CheckpointError, match=r"2 of 3 .* model-2\.safetensors, model-3\.safetensors"):
        load_tiny(llama)


def test_a_tensor_in_two_shards_is_refused(llama):
    """Which of them would count?"""
    shutil.copyfile(llama / "model.safetensors", llama / "a.safetensors")
    (llama / "model.safetensors").rename(llama / "b.safetensors")
    write_json(llama / "model.safetensors.index.json", {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})
    with pytest.raises(CheckpointError, match="a.safetensors and b.safetensors both hold"):
        load_tiny(llama)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": {}}', '{"weight_map": []}'])
def test_an_index_without_map_is_refused(llama, content):
    """And said so."""
    (llama / "model.safetensors").unlink()
    (llama / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CheckpointError, match="weight_map"):
        load_tiny(llama)


def test_no_weights_at_all(llama):
    """The two names that were looked for."""
    (llama / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="neither model.safetensors nor model.safetensors.index.json"):
        load_tiny(llama)


# --- config.json ---


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not valid JSON"),
        (b"[1]", "holds list, not a JSON object"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "more than 1,048,576 do not belong"),
    ],
    ids=range(7),
)
def test_a_config_that_cannot_be_read_is_named(llama, content, named):
    """Empty, broken, binary, nested without end, numbers without end, no object, too large."""
    (llama / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"config.json.*{named}"):
        read_config(llama)


def test_a_folder_that_is_none(llama, tmp_path):
    """A file, or nothing, or a folder without a model."""
    with pytest.raises(CheckpointError, match="not a folder"):
        read_config(llama / "config.json")
    with pytest.raises(CheckpointError, match="not a folder"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="config.json is missing"):
        read_config(tmp_path)
