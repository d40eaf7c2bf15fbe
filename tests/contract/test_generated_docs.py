"""The generated pages say what the code says, and the code answers what the pages say."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import schemathesis

from fundline.contracts.example import EXAMPLE_APPLICATION
from fundline.contracts.topics import STATUS_UPDATED
from fundline.manual.events import schema_file
from fundline.manual.openapi import openapi_document
from fundline.manual.pages import DOCS, ContractBroken, differing_pages, pages, write_pages
from fundline.manual.problems import problems
from fundline.manual.settings import process_settings
from fundline.services.application_api.views import application_answer
from fundline.services.status_api.answers import ApplicationStatus
from fundline.services.status_api.schemas import status_change

AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
APPLICATION_ID = UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")
STORED_ROW = {
    "application_id": APPLICATION_ID,
    "tracking_id": "FL-7K2Q-M9XD-40RTP",
    "status": "disbursed",
    "status_sequence": 4,
    "amount_minor": 5_000_000,
    "currency": "USD",
    "term_months": 60,
    "purpose": "working_capital",
    "revolving": False,
    "business": json.dumps(EXAMPLE_APPLICATION["business"]),
    "figures": json.dumps(EXAMPLE_APPLICATION["figures"]),
    "jobs": None,
    "payout_kind": "us",
    "payout_last4": "6789",
    "metadata": "{}",
    "created_at": AT,
    "updated_at": AT,
    "assessment": 1,
    "verdict": "pending_review",
    "risk_score": "0.1412",
    "principal_reasons": '[{"code":"cash_reserves_low","sentence":"Too few months."}]',
    "model_version": "scorecard-2",
    "policy_version": "policy-3",
    "assessed_at": AT,
    "underwriter_decision": "approve",
    "underwriter_reason": "Two years of orders on file.",
    "underwriter_reasons": "[]",
    "decided_at": AT,
    "payment_state": "settled",
    "transaction_id": "txn_1",
    "failure_code": None,
}


def component(name: str) -> jsonschema.Draft202012Validator:
    document = openapi_document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def test_the_generated_pages_are_those_of_the_code():
    assert differing_pages() == [], "run `make docs` and commit what it writes"


def test_the_same_code_generates_the_same_text():
    assert pages() == pages()


def test_a_removed_field_is_not_published(tmp_path):
    write_pages(tmp_path)
    name = next(
        path for path in pages() if path.startswith("events/status.updated") and path.endswith("json")
    )
    published = json.loads((tmp_path / name).read_text())
    published["properties"]["region"] = {"type": "string"}
    (tmp_path / name).write_text(json.dumps(published))
    with pytest.raises(ContractBroken, match="the field region is gone"):
        write_pages(tmp_path)
    assert "region" in (tmp_path / name).read_text()


def test_no_generated_page_is_left_of_a_topic_that_is_gone():
    present = {f"events/{page.name}" for page in (DOCS / "events").iterdir()}
    assert present == {path for path in pages() if path.startswith("events/")}


def test_every_setting_has_a_meaning():
    assert [setting.name for setting in process_settings() if not setting.meaning] == []


def test_every_problem_type_has_one_title_and_a_slug():
    listed = problems()
    assert len({(problem.code, problem.status) for problem in listed}) == len(listed)
    assert all(problem.code.replace("-", "").isalnum() and problem.title for problem in listed)


def test_the_openapi_document_is_valid():
    schemathesis.openapi.from_dict(openapi_document()).validate()


def test_the_example_of_the_readme_is_an_acceptable_application():
    component("ApplicationRequest").validate(EXAMPLE_APPLICATION)


def test_an_unknown_field_is_not_an_acceptable_application():
    assert not component("ApplicationRequest").is_valid({**EXAMPLE_APPLICATION, "surprise": 1})


def test_an_application_is_shown_as_the_document_says():
    shown = application_answer(STORED_ROW, to_lender=False).model_dump(mode="json", by_alias=True)
    component("Application").validate(shown)
    assert shown["createdAt"] == "2026-11-23T10:15:00.000000Z"


def test_the_note_of_a_decision_is_for_the_lender_alone():
    for to_lender, note in ((True, STORED_ROW["underwriter_reason"]), (False, None)):
        shown = application_answer(STORED_ROW, to_lender=to_lender)
        assert shown.underwriter_decision is not None
        assert shown.underwriter_decision.reason == note
        component("Application").validate(shown.model_dump(mode="json", by_alias=True))


def test_an_application_without_a_decision_is_shown_as_the_document_says():
    undecided = dict.fromkeys(("verdict", "underwriter_decision", "payment_state"))
    shown = application_answer({**STORED_ROW, **undecided}, to_lender=False).model_dump(
        mode="json", by_alias=True
    )
    component("Application").validate(shown)
    assert {name: shown[name] for name in ("assessment", "underwriterDecision", "disbursement", "jobs")} == {
        "assessment": None,
        "underwriterDecision": None,
        "disbursement": None,
        "jobs": None,
    }


def test_a_status_is_shown_as_the_document_says():
    """The hot route gives prepared bytes; they are those that the model would give."""
    change = status_change(
        application_id=str(APPLICATION_ID),
        tracking_id="FL-7K2Q-M9XD-40RTP",
        owner="alice",
        status="pending_review",
        sequence=3,
        updated_at=AT,
        metadata={"paymentId": "p-1", "attempts": 2, "nested": {"ä": [1.5, None]}},
    )
    component("ApplicationStatus").validate(json.loads(change.body))
    assert (
        ApplicationStatus.model_validate_json(change.body).model_dump_json(by_alias=True).encode()
        == change.body
    )


def test_each_schema_file_names_its_topic_and_version():
    assert schema_file(STATUS_UPDATED) == "status.updated.v1.schema.json"


def test_every_reference_of_the_api_s_description_leads_somewhere():
    """Three query parameters pointed to `$defs`, which the document does not have."""
    document = openapi_document()
    references = set(re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document)))
    assert "components/schemas/CaseKind" in references
    for reference in references:
        place: Any = document
        for step in reference.split("/"):
            place = place[step]
