"""Promise 23: a full account number is in no log, trace, event, cache or dump, whatever happens to its application."""

import asyncio
import base64
import itertools
import json
import time
import uuid

import asyncpg
import httpx
import pytest
from schwifty import IBAN

from fundline.contracts.payloads import DisbursementRequested
from fundline.contracts.topics import DISBURSEMENT_REQUESTED
from fundline.demo.unhappy import SWAP_ACCOUNT
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import KafkaSettings
from support.applications import application, application_of_its_own
from support.canary import Needle, places
from support.clients import bearer, browser
from support.kafka import AT, created_event, read_all

pytestmark = pytest.mark.e2e
ROUTING = "021000021"


def iban(account: str) -> str:
    return str(IBAN.generate("GB", bank_code="NWBK", branch_code="601613", account_code=account))


NUMBERS = {
    "paid by IBAN": iban("71638251"),
    "paid in the US": "77163825190246",
    "declined": "7716382590002",
    "bank silent": "77163825190257",
    "bank failing": iban("71638268"),
    "bank talking nonsense": "77163825190268",
    "referred": iban("71638279"),
    "rejected": "77163825190279",
    "seal broken": "77163825190280",
    "worker confused": "77163825190291",
    "poison": "77163825190302",
    "refused": "77163825190313",
}
"""By what happens to the application. None of them is part of another, or of anything else in the tests."""


def account_of(number: str) -> dict[str, str]:
    if number.startswith("GB"):
        return {"type": "iban", "iban": " ".join(number[start : start + 4] for start in range(0, 22, 4))}
    return {"type": "us", "routingNumber": ROUTING, "accountNumber": number}


class Told:
    """Sends requests, and keeps every byte that was answered."""

    def __init__(self, client: httpx.AsyncClient, fleet) -> None:
        self._client, self._fleet = client, fleet
        self.answers: list[tuple[str, bytes]] = []
        self.applied: list[str] = []

    async def send(self, method: str, path: str, *, role: str = "applicant", **content) -> httpx.Response:
        headers = bearer(self._fleet, "uma" if role == "underwriter" else "alice", role)
        headers |= {"idempotency-key": str(uuid.uuid4())} | content.pop("headers", {})
        answer = await self._client.request(method, path, headers=headers, **content)
        self.answers.append((f"answer to {method} {path}", repr(answer.headers.multi_items()).encode()))
        self.answers.append((f"answer to {method} {path}", answer.content))
        return answer

    async def apply(self, what: str, **changes) -> str:
        """As a partner, for a business of its own: nothing counts together with it."""
        body = application_of_its_own(payoutAccount=account_of(NUMBERS[what]), **changes)
        answer = await self.send("POST", "/v1/applications", role="partner", json=body)
        assert answer.status_code == 202, answer.text
        self.applied.append(answer.json()["id"])
        return self.applied[-1]


@pytest.mark.timeout(420)
async def test_no_account_number_is_anywhere_after_everything_that_can_happen_has_happened(fleet):
    began_s = time.time()
    async with browser(fleet) as client:
        told = Told(client, fleet)
        await _refused(told)
        await _decided_and_paid(told, fleet)
        await _broken(told, fleet)
    numbers = [*NUMBERS.values(), *(number[4:] for number in NUMBERS.values() if number.startswith("GB"))]
    found, seen = await asyncio.to_thread(_search, fleet, Needle(numbers), told, began_s)
    assert found == []
    assert seen >= {"answer", "pg_dump", "topic", "file"}  # the same search finds what may be there


def _search(fleet, pattern: Needle, told: Told, began_s: float) -> tuple[list[str], set[str]]:
    """Where one of the numbers is, and the kinds of place where the id of an application is."""
    kinds, seen, found = set(), set(), []
    for where, content in itertools.chain(told.answers, places(fleet, began_s)):
        kind = where.split()[0]
        kinds.add(kind)
        if told.applied[0].encode() in content:
            seen.add(kind)
        if hit := pattern.search(content):
            found.append(f"{where}: …{content[max(0, hit.start() - 40) : hit.start()]!r}")
    assert kinds == {"answer", "pg_dump", "topic", "cache", "metrics", "file"}
    return found, seen


async def _decided_and_paid(told: Told, fleet) -> None:
    faults = {
        "bank silent": "timeout-after",
        "bank failing": "error-after",
        "bank talking nonsense": "nonsense",
    }
    async with httpx.AsyncClient(base_url=fleet.settings["FUNDLINE_BANK_URL"]) as bank:
        for what, kind in faults.items():
            rule = {"kind": kind, "times": 1, "match": {"payeeEnding": NUMBERS[what][-4:]}}
            assert (await bank.post("/admin/faults", json=rule)).status_code == 201
    ends = dict.fromkeys(("paid by IBAN", "paid in the US", *faults), "disbursed")
    ids = {what: await told.apply(what) for what in (*ends, "declined")}
    ids["rejected"] = await told.apply("rejected", **{"figures.operatingMargin": "-0.3000"})
    ids["referred"] = await _referred(told, "referred")
    await _approve(told, ids["referred"])
    ends |= {"declined": "failed", "rejected": "rejected", "referred": "disbursed"}
    for what, application_id in ids.items():
        await _until(told, application_id, ends[what])
        await told.send("GET", f"/v1/applications/{application_id}")
        await told.send("GET", f"/v1/audit/{application_id}", role="compliance")
    for path, role in (
        ("/v1/applications", "applicant"),
        ("/v1/cases", "operator"),
        ("/v1/dead-letters", "operator"),
    ):
        assert (await told.send("GET", path, role=role)).status_code == 200


async def _refused(told: Told) -> None:
    """Every way to get it wrong, with the number where it does not belong."""
    number, good = NUMBERS["refused"], account_of(NUMBERS["refused"])
    wrong_iban = "GB00" + NUMBERS["paid by IBAN"][4:]
    accounts = [
        good | {"routingNumber": "021000022"},
        good | {"routingNumber": number},
        good | {"accountNumber": int(number)},
        good | {"accountNumber": number + number},
        good | {"accountNumber": number + "x"},
        good | {"type": number},
        good | {number: "1"},
        good | {"iban": number},
        {"type": "iban", "iban": wrong_iban},
        {"type": "iban", "iban": number},
        number,
        [number],
    ]
    bodies = [application(payoutAccount=account) for account in accounts]
    bodies += [
        application(payoutAccount=good, **{field: number}) for field in ("amount", "currency", "purpose")
    ]
    bodies += [application(payoutAccount=good) | {"note": number}]
    for body in bodies:
        assert (await told.send("POST", "/v1/applications", json=body)).status_code == 422
    sound = json.dumps(application(payoutAccount=good)).encode()
    for status, body, headers in (
        (400, sound[:-20], {"content-type": "application/json"}),
        (415, sound, {"content-type": "text/plain"}),
        (413, sound + b" " * 70_000, {"content-type": "application/json"}),
        (401, sound, {"content-type": "application/json", "authorization": "Bearer nonsense"}),
        (400, sound, {"content-type": "application/json", "idempotency-key": ""}),
    ):
        answer = await told.send("POST", "/v1/applications", content=body, headers=headers)
        assert answer.status_code == status
    key = {"idempotency-key": str(uuid.uuid4()), "content-type": "application/json"}
    rejected = json.dumps(application(payoutAccount=good, **{"figures.operatingMargin": "-0.3000"})).encode()
    assert (await told.send("POST", "/v1/applications", content=rejected, headers=key)).status_code == 202
    assert (await told.send("POST", "/v1/applications", content=sound, headers=key)).status_code == 422


async def _broken(told: Told, fleet) -> None:
    """A worker meets a sealed account that does not open, one that opens to nonsense, and an event that lies."""
    database = await asyncpg.connect(fleet.settings["FUNDLINE_DATABASE_URL"])
    box = SecretBox(fleet.keys.account_key)
    spoiled, whole = {}, {}
    for what in ("seal broken", "worker confused"):
        application_id = uuid.UUID(await _referred(told, what))
        nonsense = json.dumps(account_of(NUMBERS[what])).encode()[:-1]
        sealed = box.seal(nonsense, application_id if what == "worker confused" else uuid.uuid4())
        whole[application_id] = await database.fetchval(SWAP_ACCOUNT, application_id, sealed)
        await _approve(told, str(application_id))
        spoiled[what] = application_id
    spoiled["poison"] = uuid.UUID(await _referred(told, "poison"))
    await asyncio.to_thread(_ask_for_payment, fleet, spoiled["poison"], "1.00")
    bootstrap, letters = fleet.settings["FUNDLINE_KAFKA_BOOTSTRAP"], set()
    async with asyncio.timeout(120):
        while letters < {str(application_id) for application_id in spoiled.values()}:
            dead = await asyncio.to_thread(read_all, bootstrap, DISBURSEMENT_REQUESTED.dead_letter)
            letters |= {letter.key for letter in dead}
    for (
        application_id,
        sealed,
    ) in whole.items():  # the tests that follow want every application to be finished
        await database.execute(SWAP_ACCOUNT, application_id, sealed)
        await asyncio.to_thread(_ask_for_payment, fleet, application_id, "50000.00")
        await _until(told, str(application_id), "disbursed")
    await database.close()


def _ask_for_payment(fleet, application_id: uuid.UUID, amount: str) -> None:
    topic = DISBURSEMENT_REQUESTED
    payload = DisbursementRequested(
        application_id=application_id, amount=amount, currency="USD", timestamp=AT, approved_by="nobody"
    )
    headers = created_event(application_id).headers | {
        "ce_type": topic.event_type,
        "ce_id": str(uuid.uuid4()),
    }
    event = Outgoing(topic.name, str(application_id), payload.wire(), headers)
    settings = KafkaSettings(kafka_bootstrap=fleet.settings["FUNDLINE_KAFKA_BOOTSTRAP"])
    EventProducer(settings).publish([event])


async def _referred(told: Told, what: str) -> str:
    application_id = await told.apply(what, **{"figures.annualRevenue": None})
    await _until(told, application_id, "pending_review")
    return application_id


async def _approve(told: Told, application_id: str) -> None:
    decision = {"decision": "approve", "reason": "Accounts seen."}
    path = f"/v1/applications/{application_id}/decision"
    assert (await told.send("POST", path, role="underwriter", json=decision)).status_code == 200


async def _until(told: Told, application_id: str, status: str) -> None:
    async with asyncio.timeout(120):
        while (await told.send("GET", f"/v1/status/{application_id}")).json().get("status") != status:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_the_search_finds_a_number_in_every_form(before):
    number = NUMBERS["paid by IBAN"]
    pattern = Needle([number])
    text = f"{before}{number} and more"
    for hidden in (
        text,
        text.lower(),
        f"{before}{account_of(number)['iban']}",
        base64.b64encode(text.encode()).decode(),
        base64.urlsafe_b64encode(f"{before}{number}".encode()).decode(),
        text.encode().hex(),
        text.encode().hex().upper(),
    ):
        assert pattern.search(hidden.encode()), hidden
    assert not pattern.search(number[:-1].encode())
