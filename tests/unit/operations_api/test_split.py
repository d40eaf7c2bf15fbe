"""The steps between champion and challenger, and how they stand in the flags file."""

import copy
import json

import pytest

from fundline.services.operations_api.models.split import (
    Split,
    SplitRefused,
    read_split,
    shadow_of,
    write_split,
)
from fundline.stack.flags_file import DEFAULT_FLAGS

OLD, NEW = "scorecard-2", "lightgbm-1"


@pytest.fixture
def document():
    return json.loads(DEFAULT_FLAGS.read_bytes())


def test_a_new_stack_begins_with_a_tenth_for_the_challenger_and_the_other_model_in_the_shadow(document):
    assert read_split(document) == Split(OLD, NEW, 10)
    assert shadow_of(document) == "other"


def test_a_challenger_goes_from_10_to_50_to_100_and_is_the_champion_then():
    tenth = Split(OLD, None, 0).promoted(NEW, 10, force=False)
    half = tenth.promoted(NEW, 50, force=False)
    everybody = half.promoted(NEW, 100, force=False)
    assert (tenth, half, everybody) == (Split(OLD, NEW, 10), Split(OLD, NEW, 50), Split(NEW, OLD, 0))
    assert (everybody.share_of(NEW), everybody.role_of(NEW)) == (100, "champion")


@pytest.mark.parametrize(
    ("before", "version", "share", "sentence"),
    [
        (Split(OLD, NEW, 10), NEW, 30, "10, 50 or 100 per cent, not 30"),
        (Split(OLD, NEW, 10), NEW, 100, "go to 50 % first"),
        (Split(OLD, None, 0), NEW, 100, "meets 0 % of the applicants now"),
        (Split(OLD, NEW, 10), OLD, 50, "is the champion already"),
        (Split(OLD, NEW, 10), "lightgbm-2", 10, "roll it back with `fundline model rollback`"),
    ],
)
def test_a_step_that_is_not_allowed_is_refused_with_what_to_do(before, version, share, sentence):
    with pytest.raises(SplitRefused, match=sentence):
        before.promoted(version, share, force=False)


def test_with_force_a_challenger_may_skip_the_half():
    assert Split(OLD, NEW, 10).promoted(NEW, 100, force=True) == Split(NEW, OLD, 0)


@pytest.mark.parametrize(
    "split", [Split(OLD, NEW, 10), Split(OLD, NEW, 50), Split(NEW, OLD, 0), Split(OLD, None, 0)]
)
def test_what_is_written_is_read_again_and_other_flags_stay(document, split):
    document["flags"]["something-else"] = {"state": "ENABLED"}
    before = copy.deepcopy(document)
    written = write_split(document, split)
    assert read_split(written) == split
    assert written["flags"]["something-else"] == {"state": "ENABLED"}
    assert written["flags"]["risk-model-shadow"] == before["flags"]["risk-model-shadow"]
    assert document == before


def test_the_challenger_takes_the_first_places_so_that_a_growing_share_only_adds_people(document):
    for share in (10, 50):
        targeting = write_split(document, Split(OLD, NEW, share))["flags"]["risk-model"]["targeting"]
        assert targeting == {"fractional": [[NEW, share], [OLD, 100 - share]]}


@pytest.mark.parametrize(
    "targeting",
    [
        {"if": [True, NEW, OLD]},
        {"fractional": [[NEW, 10], [OLD, 80]]},
        {"fractional": [["somebody-1", 10], [OLD, 90]]},
        {"fractional": "all"},
    ],
)
def test_a_split_that_somebody_wrote_in_another_form_is_left_to_that_person(document, targeting):
    document["flags"]["risk-model"]["targeting"] = targeting
    with pytest.raises(SplitRefused, match="change it by hand"):
        read_split(document)
