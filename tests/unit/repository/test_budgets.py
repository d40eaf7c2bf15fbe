"""A file has at most 300 lines, a function 50: a tired code base shows in its longest, not in its average."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
MOST_LINES, MOST_OF_A_FUNCTION = 300, 50


def _files() -> list[Path]:
    return sorted(file for folder in ("src", "tests") for file in (ROOT / folder).rglob("*.py"))


def test_no_file_is_longer_than_its_budget():
    long = [str(file.relative_to(ROOT)) for file in _files() if file.read_text().count("\n") > MOST_LINES]
    assert long == []


def test_no_function_is_longer_than_its_budget():
    found = [
        f"{file.relative_to(ROOT)}: {part.name}"
        for file in _files()
        for part in ast.walk(ast.parse(file.read_text()))
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        and (part.end_lineno or part.lineno) - part.lineno >= MOST_OF_A_FUNCTION
    ]
    assert found == []
