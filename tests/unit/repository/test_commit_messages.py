import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

HOOKS = Path(__file__).parents[3] / ".githooks"


def _rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commit_messages", HOOKS / "commit_messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RULES = _rules()
BODY = "\n\nOld messages did not say why."


@pytest.mark.parametrize(("length", "is_taken"), [(71, True), (72, True), (73, False)])
def test_a_subject_has_up_to_72_characters(length: int, is_taken: bool):
    assert (RULES.problems_of("é" * length + BODY) == []) is is_taken


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "no subject"),
        ("\n\n", "no subject"),
        ("Say why." + BODY, "full stop"),
        ("Say why\nat once", "not empty"),
        ("Say why", "no body"),
        ("Say why\n\n", "no body"),
        ("Say why\n\nSigned-off-by: A <a@example.org>", "no body"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_with_a_sentence(message: str, problem: str):
    assert any(problem in said for said in RULES.problems_of(message))


def test_what_git_writes_into_the_file_is_no_body(tmp_path: Path):
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text("Say why\n\n# Please enter the commit message\n" + RULES.SCISSORS + "\ndiff --git a b\n")
    assert RULES.check_file(file) == 1


@pytest.mark.parametrize("subject", ["fixup! Say why", "squash! Say why", "Merge branch 'main'"])
def test_a_commit_that_git_names_by_itself_is_taken_by_the_hook(subject: str, tmp_path: Path):
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(subject + "\n")
    assert RULES.check_file(file) == 0


def test_without_a_repository_nothing_is_checked_and_nothing_fails(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert RULES.check_commits() == 0


def test_git_can_run_the_hook():
    assert os.access(HOOKS / "commit-msg", os.X_OK)
