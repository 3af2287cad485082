"""The house rules that a tool can check: imports, the top level, sizes, pins, formatting."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "gui",
    "inference",
    "resources",
    "tests",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "ARCHITECTURE.md",
    ".ci",
    ".gitignore",
}
MAX_LINES = 500
RUN_LINTER = "import sys; from importlinter.cli import lint_imports_command; sys.argv[0] = 'lint-imports'; lint_imports_command()"


def tracked_files() -> list[Path]:
    """Files of the repository, those not yet committed included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    return [file for name in listed.stdout.split("\0") if name and (file := ROOT / name).is_file()]


def run_tool(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for file in sorted((ROOT / package).rglob("*.py")):
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """Full names of everything a module imports: "PySide6.QtCore.Qt" for `from PySide6.QtCore import Qt`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_ruff_finds_nothing():
    run_tool("-m", "ruff", "check", "--no-cache", ".")


def test_every_file_is_formatted():
    run_tool("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_import_contracts_are_kept():
    """The contracts of pyproject.toml, which are the import rule of the design."""
    run_tool("-c", RUN_LINTER, "--no-cache")


def test_a_broken_contract_is_found(tmp_path):
    """The contracts bite: a view that imports the host, torch and another view breaks the three that forbid it."""
    for package in ("gui", "inference"):
        for file in (ROOT / package).rglob("*.py"):
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    (tmp_path / "gui/views/intruder.py").write_text("import torch\nimport gui.engine_host\nimport gui.views.banner\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    command = [sys.executable, "-c", RUN_LINTER, "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    text = " ".join(done.stdout.split())
    assert done.returncode == 1
    for contract in ("of inference, the GUI knows", "views know neither", "views know nothing"):
        assert re.search(rf"{contract}[^.]*? BROKEN", text), text


@pytest.mark.parametrize(("source", "allowed"), [("gui.views", {"theme", "models", "views"}), ("gui.models", {"models"})])
def test_contract_names_every_module_it_keeps_out(source, allowed):
    """A new module of gui is forbidden to views and models until someone decides otherwise."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    forbidden = next(contract["forbidden_modules"] for contract in contracts if contract.get("source_modules") == [source])
    folder = ROOT / "gui"
    present = {file.stem for file in folder.glob("*.py")} | {file.parent.name for file in folder.glob("*/__init__.py")}
    assert {f"gui.{name}" for name in present - allowed - {"__init__"}} == set(forbidden)


def test_models_know_no_widgets():
    """State without widgets: of Qt, gui.models may use QtCore only (import-linter cannot tell Qt's modules apart)."""
    for name, tree in modules("gui/models"):
        qt = {imported_name for imported_name in imported(tree) if imported_name.split(".")[0] == "PySide6"}
        assert all(imported_name.startswith("PySide6.QtCore.") for imported_name in qt), f"{name} imports {qt}"


@pytest.mark.parametrize("name", ["types/__init__", "types/common", "types/requests", "types/events", "types/trace", "errors"])
def test_border_types_are_a_leaf(name):
    """What crosses to the GUI stands on the standard library and numpy alone (and the types raise our errors)."""
    tree = ast.parse((ROOT / "inference" / f"{name}.py").read_text(encoding="utf-8"))
    names = {each for each in imported(tree) if not each.startswith(("inference.errors.", "inference.types."))}
    assert {each.split(".")[0] for each in names} <= set(sys.stdlib_module_names) | {"numpy"}


@pytest.mark.parametrize("module", ["gui.app", "gui.self_check", "inference", "inference.types"])
def test_import_waits_for_no_engine(module):
    """The window is on screen before torch is read: importing the program does not import the engine's packages."""
    heavy = "{'torch', 'tiktoken', 'safetensors', 'jinja2'}"
    run_tool("-c", f"import sys, {module}; loaded = {heavy} & set(sys.modules); assert not loaded, loaded")


def test_nothing_else_at_the_top():
    extra = {file.relative_to(ROOT).parts[0] for file in tracked_files()} - TOP_LEVEL
    assert not extra, f"{extra} does not belong at the top of the repository"


def test_files_stay_small():
    """A file is one idea; one that outgrows the budget is to be split."""
    sizes = {file: len(file.read_bytes().splitlines()) for file in tracked_files() if file.suffix == ".py"}
    too_long = {str(file.relative_to(ROOT)): lines for file, lines in sizes.items() if lines > MAX_LINES}
    assert not too_long


def test_every_dependency_is_pinned_exactly():
    """Set-up installs what was tested; no extra pins a package in another version than the rest."""
    table = project()["project"]
    lines = [*table["dependencies"], *(line for group in table["optional-dependencies"].values() for line in group)]
    pins = dict(re.fullmatch(r"([A-Za-z0-9-]+)==(\d[A-Za-z0-9.]*)", line).groups() for line in lines)
    assert {f"{name}=={version}" for name, version in pins.items()} == set(lines)


def host_signals() -> set[str]:
    """Names of the signals of EngineHost."""
    tree = dict(modules("gui"))["gui/engine_host.py"]
    host = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "EngineHost")
    assignments = [node for node in host.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    return {node.targets[0].id for node in assignments if getattr(node.value.func, "id", "") == "Signal"}


def free_functions_connected(tree: ast.Module, signals: set[str]) -> list[int]:
    """Lines where a lambda, a partial or a nested function is connected to one of the signals."""
    nested = {
        inner.name
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.FunctionDef) and inner is not outer
    }
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect" and node.args:
            signal, slot = node.func.value, node.args[0]
            is_free = isinstance(slot, ast.Lambda | ast.Call) or getattr(slot, "id", None) in nested
            if isinstance(signal, ast.Attribute) and signal.attr in signals and is_free:
                lines.append(node.lineno)
    return lines


def test_engine_signals_reach_methods_only():
    """A lambda, partial or nested function has no thread of its own: Qt would run it wherever the signal is emitted."""
    signals = host_signals()
    assert {"tokens_arrived", "run_finished", "_woken"} <= signals
    found = {name: lines for name, tree in modules("gui") if (lines := free_functions_connected(tree, signals))}
    assert not found


def test_free_functions_are_recognised():
    """The check above sees each of the three forms."""
    text = """
def outer(host):
    def inner(): ...
    host.ready.connect(lambda: None)
    host.ready.connect(partial(outer, host))
    host.ready.connect(inner)
    host.ready.connect(host.method)
    host.other.connect(lambda: None)
"""
    assert free_functions_connected(ast.parse(text), {"ready"}) == [4, 5, 6]
