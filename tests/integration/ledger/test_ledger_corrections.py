"""Correcting the ledger over the operations API: two people, or nothing is booked."""

import jsonschema
import pytest

from fundline.domain.payment import PaymentState
from fundline.manual.openapi import openapi_document
from fundline.platform.clock import new_id
from fundline.platform.secrets import SecretBox
from support.approved_applications import store_application
from support.ledger import open_payment, problems, reach, transfer_of

pytestmark = pytest.mark.integration
S = PaymentState
PATH = "/v1/ledger-corrections"
RETURNED = {
    "debit": "lender_funding",
    "credit": "disbursement_clearing",
    "amount": "50000.00",
    "currency": "USD",
}


@pytest.fixture
def post(operations, operator_headers):
    async def send(path, body, subject="olga", role="operator", key=None):
        return await operations.post(path, json=body, headers=operator_headers(subject, role, key))

    return send


@pytest.fixture
async def settled(database):
    """A settled payment, and the transfer that says so."""
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    await reach(database, payment_id, S.SETTLED)
    return payment_id, await transfer_of(database, payment_id, "payment_settled")


def request_for(transfer_id, **more):
    return {"transferId": str(transfer_id), "reason": "The bank has taken it back.", **more}


async def purposes(database, payment_id):
    rows = await database.fetch(
        "select purpose from ledger_transfers where payment_id = $1 order by transfer_id", payment_id
    )
    return [row["purpose"] for row in rows]


async def test_one_proposes_another_agrees_and_then_it_is_booked(database, post, settled):
    payment_id, transfer_id = settled
    proposed = await post(PATH, request_for(transfer_id, instead=RETURNED))
    assert (proposed.status_code, proposed.json()["state"]) == (201, "proposed")
    assert await purposes(database, payment_id) == ["payment_submitted", "payment_settled"]
    correction = f"{PATH}/{proposed.json()['id']}"
    alone = await post(f"{correction}/approve", {"reason": "It is right."})
    assert (alone.status_code, alone.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")
    booked = await post(f"{correction}/approve", {"reason": "I have the letter."}, "omar", key="agree")
    assert (booked.status_code, booked.json()["state"], booked.json()["decidedBy"]) == (200, "booked", "omar")
    assert (
        await post(f"{correction}/approve", {"reason": "I have the letter."}, "omar", key="agree")
    ).content == (booked.content)
    assert sorted(await purposes(database, payment_id)) == [
        "correction",
        "payment_settled",
        "payment_submitted",
        "reversal",
    ]
    assert await problems(database) == []
    told = await database.fetch(
        "select action, actor from audit_entries where action like 'ledger.%' order by stream, sequence"
    )
    assert [tuple(row) for row in told] == [
        ("ledger.correction_proposed", "operations-api:olga"),
        ("ledger.corrected", "operations-api:omar"),
        ("ledger.correction_approved", "operations-api:omar"),
    ]


@pytest.mark.parametrize("door", ["propose", "approve", "withdraw"])
async def test_nobody_corrects_what_is_booked_for_the_own_application(database, account_key_file, post, door):
    """Withdrawing was open to the applicant: a correction that takes money back could be stopped by who has it."""
    application_id = await store_application(database, SecretBox(account_key_file), status="disbursed")
    payment_id = await open_payment(database, application_id=application_id)
    for state in (S.SUBMITTED, S.SETTLED):
        await reach(database, payment_id, state)
    transfer_id = await transfer_of(database, payment_id, "payment_settled")
    if door == "propose":
        refused = await post(PATH, request_for(transfer_id), "alice")
    else:
        proposed = (await post(PATH, request_for(transfer_id))).json()
        refused = await post(f"{PATH}/{proposed['id']}/{door}", {"reason": "It is mine."}, "alice")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")
    assert "your own" in refused.json()["detail"]


async def test_a_withdrawn_correction_is_not_booked(database, post, settled):
    payment_id, transfer_id = settled
    correction = f"{PATH}/{(await post(PATH, request_for(transfer_id))).json()['id']}"
    withdrawn = await post(f"{correction}/withdraw", {"reason": "A misreading."})
    assert withdrawn.json()["state"] == "withdrawn"
    late = await post(f"{correction}/approve", {"reason": "It is right."}, "omar")
    assert (late.status_code, late.json()["type"]) == (409, "urn:fundline:problem:correction-conflict")
    assert await purposes(database, payment_id) == ["payment_submitted", "payment_settled"]


async def test_a_transfer_has_one_open_proposal_and_one_reversal(post, settled):
    _, transfer_id = settled
    first = await post(PATH, request_for(transfer_id, instead=RETURNED))
    assert (await post(PATH, request_for(transfer_id))).status_code == 409
    await post(f"{PATH}/{first.json()['id']}/approve", {"reason": "I have the letter."}, "omar")
    assert (await post(PATH, request_for(transfer_id))).status_code == 409


@pytest.mark.parametrize(
    ("instead", "sentence"),
    [
        ({**RETURNED, "debit": "petty_cash"}, "no account petty_cash"),
        ({**RETURNED, "amount": "1.234"}, "USD has 2 decimals"),
        ({**RETURNED, "amount": "0.00"}, "more than nothing"),
        ({**RETURNED, "credit": "lender_funding"}, "between two accounts"),
    ],
)
async def test_what_cannot_be_booked_is_refused_when_it_is_asked_for(post, settled, instead, sentence):
    refused = await post(PATH, request_for(settled[1], instead=instead))
    assert refused.status_code == 422
    assert sentence in refused.json()["errors"][0]["message"]


async def test_what_is_pending_is_not_corrected(database, post):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    pending = await transfer_of(database, payment_id, "payment_submitted")
    answer = await post(PATH, {"transferId": str(pending), "reason": "booked to the wrong side"})
    assert (answer.status_code, "with the bank" in answer.json()["detail"]) == (409, True)


async def test_what_is_not_there_is_said(post):
    assert (await post(PATH, request_for(new_id()))).status_code == 422
    assert (await post(f"{PATH}/{new_id()}/approve", {"reason": "It is right."})).status_code == 404
    assert (await post(f"{PATH}/7/withdraw", {"reason": "It is right."})).status_code == 404


@pytest.mark.parametrize("role", ["applicant", "underwriter", "compliance", "partner"])
async def test_only_operators_correct(post, settled, role):
    assert (await post(PATH, request_for(settled[1]), role=role)).status_code == 403


async def test_corrections_are_listed_and_are_what_the_document_says(engines, operations, post, settled):
    made = await post(PATH, request_for(settled[1], instead=RETURNED))
    headers = {"authorization": f"Bearer {engines.stack.token('cora', 'compliance')}"}
    page = (await operations.get(PATH, params={"state": "proposed"}, headers=headers)).json()
    one = (await operations.get(f"{PATH}/{made.json()['id']}", headers=headers)).json()
    assert (page, one) == ({"items": [made.json()], "nextCursor": None}, made.json())
    schemas = openapi_document()["components"]
    jsonschema.validate(one, {"$ref": "#/components/schemas/LedgerCorrection", "components": schemas})
