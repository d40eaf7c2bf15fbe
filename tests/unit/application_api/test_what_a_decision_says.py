"""An underwriter's words to the applicant are chosen from a list; what is written freely is for the file."""

import json

import pytest

from fundline.domain.reasons import MOST_REASONS
from fundline.domain.review_reasons import ReviewReason, reasons_as_json, reviewed_because
from fundline.platform.parsing import parse_json
from fundline.platform.refusals import InvalidRequest
from fundline.services.application_api.schemas import DecisionRequest

CODES = [reason.value for reason in ReviewReason]


def asked(decision: str, reasons: list[str] | None) -> DecisionRequest:
    body = {"decision": decision, "reason": "Seen on site."}
    sent = body if reasons is None else body | {"principalReasons": reasons}
    request = parse_json(DecisionRequest, json.dumps(sent).encode())
    request.require_reasons()
    return request


@pytest.mark.parametrize("count", [1, MOST_REASONS])
def test_a_rejection_has_reasons(count):
    assert asked("reject", CODES[:count]).principal_reasons == tuple(ReviewReason)[:count]


@pytest.mark.parametrize(
    ("decision", "reasons"),
    [
        ("reject", None),
        ("reject", []),
        ("reject", CODES[: MOST_REASONS + 1]),
        ("reject", ["I did not like them."]),
        ("approve", CODES[:1]),
    ],
)
def test_other_reasons_are_refused_by_name(decision, reasons):
    with pytest.raises(InvalidRequest) as refused:
        asked(decision, reasons)
    assert [error.path.partition("[")[0].partition(".")[0] for error in refused.value.errors] == [
        "principalReasons"
    ]


def test_an_approval_needs_none():
    assert asked("approve", None).principal_reasons == asked("approve", []).principal_reasons == ()


def test_every_code_has_a_sentence_and_each_is_told_once():
    told = reasons_as_json(reviewed_because([*ReviewReason, *ReviewReason]))
    assert [one["code"] for one in told] == CODES
    assert all(one["sentence"].endswith(".") for one in told)
