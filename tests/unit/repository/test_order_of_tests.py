"""The files and folders that `tests/support/order.py` names are there: a name that is gone would change nothing."""

from pathlib import Path

from support.order import FAST_FIRST, LONG_FIRST, LONGEST

TESTS = Path(__file__).parents[2]


def test_every_file_that_is_named_as_long_is_an_integration_test():
    found = {path.name for path in (TESTS / "integration").rglob("test_*.py")}
    assert set(LONGEST) <= found


def test_every_folder_of_tests_has_its_place_in_the_order():
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    assert folders == set(FAST_FIRST) == set(LONG_FIRST)
