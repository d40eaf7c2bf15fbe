import json

import pytest

from fundline.stack.flags_file import ensure_flags_file, flags_file, model_roles
from fundline.stack.layout import StackHome


@pytest.fixture
def home(tmp_path) -> StackHome:
    return StackHome(tmp_path)


def test_a_new_stack_has_a_champion_and_a_challenger(home):
    ensure_flags_file(home)
    assert model_roles(home) == {"scorecard-2": "champion", "lightgbm-1": "challenger"}


def test_flags_that_somebody_changed_stay(home):
    ensure_flags_file(home).write_text("{}")
    assert ensure_flags_file(home).read_text() == "{}"


def test_a_stack_of_an_earlier_release_gets_the_flags_it_lacks_and_keeps_its_own(home):
    file = ensure_flags_file(home)
    flags = json.loads(file.read_text())
    del flags["flags"]["payments"]
    flags["flags"]["risk-model-shadow"]["defaultVariant"] = "off"
    file.write_text(json.dumps(flags))
    held = json.loads(ensure_flags_file(home).read_text())["flags"]
    assert held["payments"]["defaultVariant"] == "on"
    assert held["risk-model-shadow"]["defaultVariant"] == "off"


@pytest.mark.parametrize("content", [None, "{", "{}", '{"flags": {"risk-model-champion": 7}}'])
def test_flags_of_another_form_name_no_roles(home, content):
    if content is not None:
        ensure_flags_file(home)
        flags_file(home).write_text(content)
    assert model_roles(home) == {}
