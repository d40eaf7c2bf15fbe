"""Two people are two people by every spelling of their subjects."""

import ast
from pathlib import Path

import pytest

import fundline.services
from fundline.contracts.roles import Role
from fundline.domain.people import person_key, same_person
from fundline.domain.release import NotASecondPerson, require_second_person
from fundline.platform.identity import Caller
from fundline.services.operations_api.four_eyes import SecondPersonNeeded, require_uninvolved

SPELLINGS = ["Olga", "OLGA", "olga ", " olga", "ol ga", "\uff4flga", "olga\u00a0", "olga\t", "\u24deLGA"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_person(spelling):
    assert same_person("olga", spelling)
    assert person_key(person_key(spelling)) == person_key(spelling)


@pytest.mark.parametrize("other", ["olgb", "0lga", "olga2", "", None])
def test_another_subject_is_another_person(other):
    assert not same_person("olga", other)


def test_nobody_is_not_the_same_as_nobody():
    assert not same_person(None, None)


def test_capitals_that_grow_are_folded():
    assert same_person("Stra\u00dfe", "STRASSE")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_four_eyes_hold_against_every_spelling(spelling):
    with pytest.raises(NotASecondPerson):
        require_second_person(releaser=spelling, approver="olga", applicant="alice")
    with pytest.raises(NotASecondPerson):
        require_second_person(releaser=spelling, approver="uma", applicant="olga")
    caller = Caller(spelling, Role.OPERATOR)
    with pytest.raises(SecondPersonNeeded):
        require_uninvolved(caller, first="olga", applicant=None)
    with pytest.raises(SecondPersonNeeded):
        require_uninvolved(caller, first=None, applicant="olga")


OWNERS = {"application_api/reading.py", "notification_service/endpoints.py", "status_api/reading.py"}
"""What somebody owns is owned by exactly one subject: another spelling sees nothing of it."""


def test_no_service_compares_people_by_their_spelling():
    root = Path(fundline.services.__path__[0])
    found = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Compare) and "caller.subject" in ast.unparse(node)
    }
    assert found == OWNERS
