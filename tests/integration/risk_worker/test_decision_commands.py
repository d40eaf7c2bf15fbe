"""`fundline decision show` and `replay` on decisions that the worker stored, by the command as a person types it."""

import asyncio
import json
import os
import uuid
from collections.abc import Callable

import asyncpg
import pytest

from fundline.contracts.roles import Role
from fundline.platform.identity import Caller
from fundline.platform.secrets import SecretBox
from fundline.risk.cashflow import seed_of
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.schemas import ReassessmentRequest
from fundline.services.risk_worker.model_client import ModelAway
from support.command import fundline
from support.scoring import CHALLENGER, CHAMPION
from support.stored import scoring_requested, submitted_application
from support.writes import once

pytestmark = pytest.mark.integration


@pytest.fixture
def decided(database, bench, account_key_file) -> Callable:
    """Submits a sound application and has it decided; gives its id."""

    async def run() -> uuid.UUID:
        application_id = await submitted_application(database, SecretBox(account_key_file))
        await bench.handlers().scoring_requested(scoring_requested(application_id))
        return application_id

    return run


@pytest.fixture
def decision(database_url) -> Callable:
    """`fundline decision ...`: exit status and what it said, parsed when it is JSON."""

    async def run(*arguments: object) -> tuple[int, object]:
        environment = os.environ | {"FUNDLINE_DATABASE_URL": database_url}
        done = await asyncio.to_thread(fundline, "decision", *arguments, environment=environment)
        said = done.stdout + done.stderr
        return done.returncode, json.loads(said) if said.startswith("{") else said

    return run


@pytest.fixture
def forge(engines, database_url) -> Callable:
    """Changes an assessment as the superuser can and the services cannot: `column = value`."""

    def run(application_id: uuid.UUID, change: str) -> None:
        sql = f"update risk_assessments set {change} where application_id = '{application_id}'"  # noqa: S608 - our own
        engines.stack.postgres.run_sql(sql, database=database_url.rsplit("/", 1)[1])

    return run


@pytest.mark.parametrize("version", [CHAMPION, CHALLENGER])
async def test_a_stored_decision_is_shown_with_its_evidence_and_replayed_to_the_same(
    bench, decided, decision, version
):
    bench.chooser.version = version
    application_id = await decided()
    status, shown = await decision("show", application_id, "--json")
    assert (status, shown["verdict"], shown["modelVersion"]) == (0, "approved", version)
    evidence = shown["evidence"]
    assert evidence["stress"]["seed"] == seed_of(application_id)
    assert evidence["score"]["version"] == version
    assert evidence["policy"] == "policy-3"
    assert {"facts", "features", "rules", "capacity", "engines"} <= evidence.keys()
    status, replayed = await decision("replay", application_id, "--json")
    assert (status, replayed["same"], replayed["differences"]) == (0, True, [])
    assert replayed["riskScore"] == shown["riskScore"]


async def test_a_tracking_id_names_the_decision_too_and_people_read_a_sentence(decided, decision):
    application_id = await decided()
    _, shown = await decision("show", application_id, "--json")
    status, said = await decision("replay", shown["trackingId"].lower())
    assert status == 0
    assert (
        f"Assessment 1 of {application_id}: the same. approved at {shown['riskScore']} by scorecard-2" in said
    )
    status, said = await decision("show", shown["trackingId"])
    assert status == 0
    assert "sector_volatility" in said


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("{facts,annual_revenue}", "900000.00", "capacity.coverage"),
        ("{score,probability}", "0.0100", "score.probability"),
        ("{score,contributions,0,log_odds}", "-2.0000", "score.contributions"),
        ("{score,digest}", "abc", "score.digest"),
        ("{stress,shortfall_probability}", "0.9000", "cash flow.shortfall_probability"),
        ("{policy}", "policy-1", "policy"),
        ("{decision,riskScore}", "0.0001", "decision.riskScore"),
    ],
)
async def test_replay_says_what_differs_when_evidence_was_edited(decided, decision, forge, path, value, what):
    application_id = await decided()
    forge(application_id, f"evidence = jsonb_set(evidence, '{path}', '\"{value}\"')")
    status, replayed = await decision("replay", application_id, "--json")
    assert (status, replayed["same"]) == (1, False)
    told = {one["what"]: one for one in replayed["differences"]}
    assert what in told
    assert what == "capacity.coverage" or value in told[what]["recorded"]
    status, said = await decision("replay", application_id)
    assert status == 1
    assert f"{what}: recorded " in said


async def test_replay_says_so_when_the_verdict_beside_the_evidence_was_edited(decided, decision, forge):
    application_id = await decided()
    forge(application_id, "verdict = 'rejected'")
    status, replayed = await decision("replay", application_id, "--json")
    assert status == 1
    assert replayed["differences"] == [
        {"what": "verdict beside the evidence", "recorded": "rejected", "repeated": "approved"}
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("amount_minor = amount_minor + 1", "application.amount"),
        ("currency = 'EUR'", "application.currency"),
        ("term_months = 12", "application.term_months"),
        ("figures = jsonb_set(figures, '{cashAtBank}', '\"1.00\"')", "application.cash_at_bank"),
        ("amount_minor = -1", "application"),
    ],
)
async def test_replay_says_so_when_the_application_is_not_what_was_decided_on(
    database, engines, decided, decision, database_url, change, what
):
    """The incident: an amount was edited after the payout, and the replay passed."""
    application_id = await decided()
    sql = f"alter table applications drop constraint applications_amount_positive; update applications set {change}"  # noqa: S608 - our own
    engines.stack.postgres.run_sql(sql, database=database_url.rsplit("/", 1)[1])
    status, replayed = await decision("replay", application_id, "--json")
    assert status == 1
    assert [one["what"] for one in replayed["differences"]] == [what]


async def test_evidence_that_was_destroyed_is_refused_with_a_sentence(decided, decision, forge):
    application_id = await decided()
    forge(application_id, "evidence = '{}'")
    status, said = await decision("replay", application_id)
    assert status == 1
    assert said.startswith("fundline: The evidence cannot be read")


async def test_a_reassessment_is_a_decision_of_its_own_and_the_old_one_is_still_replayed(
    database, bench, decided, decision
):
    def away(_version: str) -> None:
        raise ModelAway("the model service does not answer")

    bench.scorer.trouble = away
    application_id = await decided()
    _, first = await decision("show", application_id, "--json")
    request = ReassessmentRequest(reason="The model is back.")
    await Reassessment(database).request(
        Caller("uma", Role.UNDERWRITER), application_id, request, once("uma")
    )
    bench.scorer.trouble = lambda _version: None
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    _, latest = await decision("show", application_id, "--json")
    assert (first["assessment"], first["verdict"]) == (1, "pending_review")
    assert (latest["assessment"], latest["verdict"]) == (2, "approved")
    assert await decision("show", application_id, "--assessment", 1, "--json") == (0, first)
    for number in (1, 2):
        status, replayed = await decision("replay", application_id, "--assessment", number, "--json")
        assert (status, replayed["assessment"], replayed["same"]) == (0, number, True)


async def test_the_services_cannot_change_or_delete_an_assessment(database, decided):
    application_id = await decided()
    for statement in ("update risk_assessments set verdict = 'approved'", "delete from risk_assessments"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute(f"{statement} where application_id = $1", application_id)


@pytest.mark.parametrize("name", ["FL-0000-0000-00000", "nonsense", "00000000-0000-0000-0000-000000000000"])
async def test_a_decision_that_is_not_there_is_told(decision, name):
    status, said = await decision("replay", name)
    assert status == 1
    assert said.startswith(f"fundline: There is no assessment of {name}")
