"""The faults of `make mutants ENGINES=1` fit the source and the tests of today.

The campaign runs seldom: a fault whose line had moved was found weeks later, and had tested nothing until then.
"""

import ast
from pathlib import Path

import pytest

from mutants.campaign import MUTATIONS
from mutants.mutation import Mutation

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_fault_is_found_once_in_its_file_changes_it_and_leaves_a_program(mutation: Mutation):
    source = (ROOT / "src/fundline" / mutation.file).read_text()
    assert source.count(mutation.before) == 1
    assert mutation.after != mutation.before
    ast.parse(source.replace(mutation.before, mutation.after))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_tests_of_a_fault_are_there(mutation: Mutation):
    assert mutation.tests
    assert [test for test in mutation.tests if not (ROOT / test).exists()] == []


def test_each_fault_has_a_name_of_its_own():
    names = [mutation.name for mutation in MUTATIONS]
    assert sorted(set(names)) == sorted(names)
