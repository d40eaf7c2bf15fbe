"""Incident: `database` stood in 23 files of the integration tests, with three sizes of the pool and no reason."""

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[2]
INTEGRATION = TESTS / "integration"


def _fixtures(file: Path) -> dict[str, str]:
    """Name and text of each fixture, without its docstring."""
    found = {}
    for node in ast.parse(file.read_text()).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            found[node.name] = ast.unparse(node.args) + "\n".join(ast.unparse(line) for line in body)
    return found


def test_no_fixture_of_the_integration_tests_is_written_twice():
    homes = defaultdict(list)
    for file in sorted(INTEGRATION.rglob("*.py")):
        for name, text in _fixtures(file).items():
            homes[name, text].append(file.relative_to(TESTS).as_posix())
    assert {name: files for (name, _), files in homes.items() if len(files) > 1} == {}


def test_every_test_stands_in_the_folder_of_its_noun():
    for kind in ("unit", "integration"):
        assert [file.name for file in (TESTS / kind).glob("test_*.py")] == [], kind


def test_file_names_of_tests_are_unique():
    """pytest imports them by their name alone."""
    files = defaultdict(list)
    for file in TESTS.rglob("test_*.py"):
        files[file.name].append(file.parent.name)
    assert {name: folders for name, folders in files.items() if len(folders) > 1} == {}


def test_one_module_puts_applications_into_the_database_past_the_api():
    users = [
        file.relative_to(TESTS).as_posix()
        for file in TESTS.rglob("*.py")
        if "insert into applications" in file.read_text().lower()
        or "application_record import INSERT" in file.read_text()
    ]
    assert [file for file in users if "repository" not in file] == ["support/stored_record.py"]
