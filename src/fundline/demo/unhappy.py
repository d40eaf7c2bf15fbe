"""The unhappy part: a bank that declines, one whose answer is lost, money that comes back, a dead letter, a split.

Everything goes through the public API but two things that nobody offers as a service: the sandbox bank is told to
misbehave, and one sealed account is damaged in the database, as a bad restore would do it.
"""

import copy
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from fundline.contracts.example import EXAMPLE_APPLICATION
from fundline.demo.books import StatementUnread, read_statement_of
from fundline.demo.checks import checks_within, run_checks
from fundline.demo.people import NotAsTold, People, soon
from fundline.demo.target import Target
from fundline.platform.database import open_database
from fundline.platform.settings import DatabaseSettings

SPLIT_INTO = 6
CLOSED_ENDING, UNLUCKY_ENDING, SPLIT_ENDING, SOUND_ENDING = "0002", "7391", "9999", "6789"
RETURNED_ENDING, BACK_AFTER_MS = "5150", 1500
"""How an account number ends; the rest is this run's own, and no earlier run counts together with it."""
CHECKS_WITHIN_S = 20.0
FORBIDDEN = 403
SWAP_ACCOUNT = """
update applications a set payout_account = $2 from applications before
where a.application_id = $1 and before.application_id = a.application_id returning before.payout_account
"""


@dataclass(frozen=True, slots=True)
class Episode:
    """`lines` tell it. `problem`: what went otherwise than it should; empty when all is well."""

    name: str
    title: str
    lines: Sequence[str] = ()
    problem: str = ""


@dataclass(slots=True)
class Stage:
    """What an episode plays on."""

    target: Target
    people: People
    bank: httpx.AsyncClient


async def play_unhappy_part(target: Target) -> list[Episode]:
    """Each episode by itself, then the three checks over all of them. Raises what the checks raise."""
    people = People(target, secrets.token_hex(4))
    async with httpx.AsyncClient(base_url=target.bank_url, timeout=5.0, trust_env=False) as bank:
        stage = Stage(target, people, bank)
        try:
            episodes = [await _play(stage, *episode) for episode in EPISODES]
        finally:
            await people.close()
    applicants = [people.subject("ann"), people.subject("sid")]
    checks = await checks_within(
        CHECKS_WITHIN_S, lambda: run_checks(target.database_url, target.bank_url, applicants=applicants)
    )
    problem = " ".join(checks.problems())
    told = "the books balance and agree with the bank's statement; nothing is left open"
    return [*episodes, Episode("checks", "Afterwards", () if problem else (told,), problem)]


async def _play(
    stage: Stage, name: str, title: str, play: Callable[[Stage], Awaitable[list[str]]]
) -> Episode:
    try:
        return Episode(name, title, await play(stage))
    except (NotAsTold, StatementUnread, httpx.HTTPError) as error:
        return Episode(name, title, problem=f"{title}: {error}".rstrip(".") + ".")


async def _decline(stage: Stage) -> list[str]:
    application_id = await stage.people.apply(_application(_account(CLOSED_ENDING)))
    failed = await stage.people.status_becomes(application_id, "failed", "disbursed")
    code = (failed["disbursement"] or {}).get("failureCode")
    if (failed["status"], code) != ("failed", "account_closed"):
        raise NotAsTold(f"the application became {failed['status']} with the code {code}")
    story = await stage.people.story(application_id)
    return [
        *_lines_of(story, "payment.submitted", "payment.failed"),
        "the bank says account_closed: that is final, nothing is sent again, and the money is back in the fund",
    ]


async def _unknown(stage: Stage) -> list[str]:
    rule = {"kind": "reset-after", "match": {"payeeEnding": UNLUCKY_ENDING}, "times": 1}
    (await stage.bank.post("/admin/faults", json=rule)).raise_for_status()
    application_id = await stage.people.apply(_application(_account(UNLUCKY_ENDING)))
    await stage.people.status_becomes(application_id, "disbursed", "failed")
    lines = _lines_of(
        await stage.people.story(application_id), "payment.submitted", "payment.unknown", "payment.settled"
    )
    booked = [
        line for line in await read_statement_of(stage.target.bank_url) if line.reference == application_id
    ]
    if len(booked) != 1:
        raise NotAsTold(f"the bank booked {len(booked)} payments for application {application_id}")
    return [
        "the bank books the payment, and the connection breaks before its answer",
        *lines,
        "nobody guessed: it was looked up under its own id; the bank's statement has it once",
    ]


async def _returned(stage: Stage) -> list[str]:
    rule = {
        "kind": "return-later",
        "match": {"payeeEnding": RETURNED_ENDING},
        "delayMs": BACK_AFTER_MS,
        "code": "account_closed",
        "times": 1,
    }
    (await stage.bank.post("/admin/faults", json=rule)).raise_for_status()
    application_id = await stage.people.apply(_application(_account(RETURNED_ENDING)))
    await stage.people.status_becomes(application_id, "returned", "failed")
    lines = _lines_of(
        await stage.people.story(application_id), "payment.submitted", "payment.settled", "payment.returned"
    )
    await _resolve_by_two(stage.people, application_id)
    return [
        "the bank books the payment, and the payee's bank sends the money back",
        *lines,
        "the lender has it back, the borrower owes nothing; otto talks with ann, and olga agrees that all is done",
    ]


async def _resolve_by_two(people: People, application_id: str) -> None:
    page = await people.get("otto", "operator", "/v1/cases", kind="payment_returned", state="open")
    case = next((one for one in page["items"] if one["applicationId"] == application_id), None)
    if case is None:
        raise NotAsTold(f"the return of application {application_id} opened no case")
    for name in ("otto", "olga"):
        resolution = {"resolution": "The applicant knows, and applies again with another account."}
        case = await people.post(name, "operator", f"/v1/cases/{case['id']}/resolve", resolution)
    if case["state"] != "resolved":
        raise NotAsTold(f"two people agreed, and case {case['id']} is {case['state']}")


async def _dead_letter(stage: Stage) -> list[str]:
    people = stage.people
    application = _application()
    del application["figures"]["annualRevenue"]
    application_id = await people.apply(application)
    await people.status_becomes(application_id, "pending_review")
    whole = await _swap_account(stage.target, application_id, b"damaged by a bad restore")
    decision = {"decision": "approve", "reason": "Accounts of two years seen."}
    await people.post("uma", "underwriter", f"/v1/applications/{application_id}/decision", decision)

    async def find() -> dict[str, Any] | None:
        page = await people.get("otto", "operator", "/v1/dead-letters", application=application_id)
        return next(iter(page["items"]), None)

    letter = await soon(find, f"the event of application {application_id} did not become a dead letter")
    await _swap_account(stage.target, application_id, whole)
    await _replay_by_two(people, letter["id"])
    await people.status_becomes(application_id, "disbursed")
    return [
        "a referral is approved, but its sealed account was damaged: the worker cannot open it, and pays nothing",
        f"dead letter on {letter['topic']}: {letter['cause']}",
        "the account is restored; otto asks for a replay, may not approve it himself, and olga does",
        *_lines_of(
            await people.story(application_id), "deadletter.replayed", "payment.submitted", "payment.settled"
        ),
    ]


async def _replay_by_two(people: People, letter_id: str) -> None:
    path = f"/v1/dead-letters/{letter_id}"
    await people.post("otto", "operator", f"{path}/replay", {"reason": "The account is restored."})
    shown = await people.get("olga", "operator", path)
    agreed = {"reason": "Restored, and nothing was paid.", "payloadSha256": shown["payloadSha256"]}
    alone = await people.post_raw("otto", "operator", f"{path}/approve", agreed)
    if alone.status_code != FORBIDDEN:
        raise NotAsTold(f"one person alone could replay a payment's event: {alone.status_code}")
    await people.post("olga", "operator", f"{path}/approve", agreed)


async def _split(stage: Stage) -> list[str]:
    """Six parts of 50,000 in one go, by one person to one account: each alone would be paid without a person."""
    account = _account(SPLIT_ENDING)
    parts = [_application(account) for _ in range(SPLIT_INTO)]
    for number, part in enumerate(parts):
        part["business"]["legalName"] = f"Prairie Road Holdings {secrets.token_hex(3)}-{number} LLC"
    ids = [await stage.people.apply(part, by="sid") for part in parts]
    ends = [await stage.people.status_becomes(one, "disbursed", "pending_review", by="sid") for one in ids]
    referred = [end for end in ends if end["status"] == "pending_review"]
    codes = {reason["code"] for end in referred for reason in end["assessment"]["principalReasons"]}
    if len(referred) != 1 or codes != {"exposure_of_applicant", "exposure_of_account"}:
        raise NotAsTold(
            f"{len(referred)} of {SPLIT_INTO} parts were referred, with {', '.join(sorted(codes))}"
        )
    return [
        f"sid asks for {SPLIT_INTO} times {parts[0]['amount']} at once, under {SPLIT_INTO} names, to one account",
        f"{SPLIT_INTO - 1} are paid, up to what one application may have without a person",
        "the rest goes to a person: exposure_of_applicant, exposure_of_account",
    ]


EPISODES = (
    ("decline", "The bank declines", _decline),
    ("unknown", "The bank's answer is lost", _unknown),
    ("returned", "The money comes back", _returned),
    ("dead-letter", "An event cannot be handled", _dead_letter),
    ("split", "Somebody splits what needs a person", _split),
)


async def _swap_account(target: Target, application_id: str, sealed: bytes) -> bytes:
    """The sealed account that was there before."""
    settings = DatabaseSettings(
        database_url=target.database_url, instance="fundline-demo", database_pool_size=1
    )
    database = await open_database(settings)
    try:
        row = await database.fetchrow(SWAP_ACCOUNT, UUID(application_id), sealed)
    finally:
        await database.close()
    if row is None:
        raise NotAsTold(f"application {application_id} is not in the database")
    return bytes(row["payout_account"])


def _account(ending: str) -> str:
    return f"{secrets.randbelow(10**8):08d}{ending}"


def _application(account_number: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = copy.deepcopy(EXAMPLE_APPLICATION)
    body["business"]["legalName"] += f" {secrets.token_hex(4)}"  # a business of its own
    body["payoutAccount"]["accountNumber"] = account_number or _account(SOUND_ENDING)
    return body


def _lines_of(story: Sequence[dict[str, Any]], *actions: str) -> list[str]:
    """A line per action, with the time since the application was submitted. Raises NotAsTold when one is missing."""
    began = datetime.fromisoformat(story[0]["at"])
    lines = []
    for action in actions:
        entry = next((entry for entry in story if entry["action"] == action), None)
        if entry is None:
            known = ", ".join(entry["action"] for entry in story)
            raise NotAsTold(f"the audit trail has no {action}, only {known}")
        after_s = (datetime.fromisoformat(entry["at"]) - began).total_seconds()
        who = f" by {entry['subject'].rpartition('-')[2]}" if entry["subject"] else ""
        lines.append(f"{after_s:6.2f} s  {action}{who}")
    return lines
