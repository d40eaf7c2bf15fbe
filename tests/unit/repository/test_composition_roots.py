"""A process is put together in `main.py`, and in `wiring.py` what tests or a second process share."""

import ast
from pathlib import Path

import pytest

import fundline

SOURCE = Path(fundline.__file__).parent
PROCESSES = [*(SOURCE / "services").iterdir(), *(SOURCE / "outside").iterdir()]
FOLDERS = sorted(folder for folder in PROCESSES if folder.is_dir() and folder.name != "__pycache__")
ROOTS = [root for folder in FOLDERS for root in sorted(folder.glob("*main.py"))]
OPENERS = {
    "open_database",
    "open_cache",
    "open_flags",
    "run_process",
    "ConsumerRuntime",
    "EventProducer",
    "KeepingConsumer",
    "TokenVerifier",
}
"""What opens a connection, or begins a process."""
LONGEST_LINES = 60


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: f"{root.parent.name}/{root.name}")
def test_a_composition_root_is_short_and_runs_one_process(root):
    text = root.read_text()
    tree = ast.parse(text)
    assert (ast.get_docstring(tree) or "").startswith("Composition root of ")
    assert len(text.splitlines()) <= LONGEST_LINES
    assert text.count("run_process(") == 1
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_process_is_put_together_in_no_other_file(folder):
    assert list(folder.glob("*main.py"))
    others = {
        f"{file.relative_to(folder)}: {ast.unparse(node.func)}"
        for file in folder.rglob("*.py")
        if file.name != "wiring.py" and not file.name.endswith("main.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in OPENERS
    }
    assert others == set()
