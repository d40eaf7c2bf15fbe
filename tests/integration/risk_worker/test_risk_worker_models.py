"""What the risk worker does when models fail, change, or are asked again. Real models, real engines."""

import asyncio
import json
import uuid

import pytest

from fundline.contracts.roles import Role
from fundline.domain.application import ApplicationStatus
from fundline.platform.database import Database
from fundline.platform.database.idempotency import AlreadyAnswered
from fundline.platform.identity import Caller
from fundline.risk.replay import repeat
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.referral import NotUnderReview
from fundline.services.application_api.schemas import ReassessmentRequest
from fundline.services.risk_worker.model_client import BadModelAnswer, ModelAway
from support.foreign_entries import FOREIGN, plant
from support.scoring import CHALLENGER, CHAMPION, packaged_model
from support.stored import scoring_requested, submitted_application
from support.writes import once

pytestmark = pytest.mark.integration
MISSING = {"figures.annualRevenue": None}


async def assessments(database: Database, application_id: uuid.UUID) -> list[dict]:
    rows = await database.fetch(
        "select *, evidence::text e, shadow::text s from risk_assessments"
        " where application_id = $1 order by assessment",
        application_id,
    )
    return [dict(row) for row in rows]


async def status(database: Database, application_id: uuid.UUID) -> str:
    return (
        await database.fetchrow("select status from applications where application_id = $1", application_id)
    )["status"]


def away(_version: str) -> None:
    raise ModelAway("the model service does not answer")


def nonsense(_version: str) -> None:
    raise BadModelAnswer("the model answered 1.7, which is not a probability")


@pytest.mark.parametrize("trouble", [away, nonsense])
async def test_without_the_model_the_scorecard_in_process_answers_and_a_person_decides(
    database, box, bench, trouble
):
    application_id = await submitted_application(database, box)
    bench.chooser.version, bench.scorer.trouble = CHALLENGER, trouble
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    assert await status(database, application_id) == "pending_review"
    assert (row["model_version"], row["model_asked"]) == (CHAMPION, CHALLENGER)
    assert "model" in row["fallback_cause"]
    assert "model_unavailable" in row["principal_reasons"]


async def test_without_any_model_a_person_decides(database, box, bench):
    application_id = await submitted_application(database, box)
    bench.fallback, bench.scorer.trouble = None, away
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    assert await status(database, application_id) == "pending_review"
    assert row["model_version"] == "none"


async def test_the_shadow_is_scored_and_stored_and_decides_nothing(database, box, bench):
    application_id = await submitted_application(database, box)
    bench.chooser.shadow = CHALLENGER
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    shadow = json.loads(row["s"])
    assert (row["model_version"], shadow["modelVersion"]) == (CHAMPION, CHALLENGER)
    assert shadow["verdict"] in {"approved", "rejected", "pending_review"}
    assert 0 < float(shadow["riskScore"]) < 1


async def test_a_shadow_that_fails_leaves_the_decision_as_it_is(database, box, bench):
    application_id = await submitted_application(database, box)
    bench.chooser.shadow = CHALLENGER
    bench.scorer.trouble = lambda version: away(version) if version == CHALLENGER else None
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    assert await status(database, application_id) == "approved"
    assert json.loads(row["s"])["error"]
    assert row["fallback_cause"] is None


async def test_a_referral_can_be_scored_again_and_the_earlier_assessment_stays(database, box, bench):
    application_id = await submitted_application(database, box)
    bench.scorer.trouble = away
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    underwriter = Caller("uma", Role.UNDERWRITER)
    request, key = ReassessmentRequest(reason="The model is back."), once("uma", status=202)
    answer = await Reassessment(database).request(underwriter, application_id, request, key)
    with pytest.raises(AlreadyAnswered) as again:
        await Reassessment(database).request(underwriter, application_id, request, key)
    assert again.value.answer == key.render(answer)
    assert again.value.answer.code == 202
    assert await status(database, application_id) == "risk_scoring"

    bench.scorer.trouble = lambda _version: None
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    first, second = await assessments(database, application_id)
    assert (first["verdict"], second["verdict"]) == ("pending_review", "approved")
    assert await status(database, application_id) == "approved"
    request = ReassessmentRequest(reason="Once more.")
    with pytest.raises(NotUnderReview):
        await Reassessment(database).request(underwriter, application_id, request, once("uma"))


async def test_the_late_result_of_a_worker_that_stood_still_is_refused(database, box, bench, cache):
    """Promise 16: the message was given to another worker meanwhile, and the application even scored again since."""
    application_id = await submitted_application(database, box)
    event = scoring_requested(application_id)
    has_judged, woken = asyncio.Event(), asyncio.Event()

    class StandsStill:
        async def judge(self, subject):
            judgement = await bench.scoring()._judge.judge(subject)
            has_judged.set()
            await woken.wait()
            return judgement

    stalled = bench.scoring()
    stalled._judge = StandsStill()
    late = asyncio.create_task(stalled.score(application_id, event_id=event.envelope.event_id))
    await has_judged.wait()
    await cache.delete(f"risk_score:{application_id}")
    bench.scorer.trouble = away
    await bench.handlers().scoring_requested(event)
    assert await status(database, application_id) == "pending_review"
    request = ReassessmentRequest(reason="Once more.")
    await Reassessment(database).request(
        Caller("uma", Role.UNDERWRITER), application_id, request, once("uma")
    )
    woken.set()
    await late
    assert len(await assessments(database, application_id)) == 1
    assert await status(database, application_id) == ApplicationStatus.RISK_SCORING


async def test_a_message_that_comes_again_finds_the_score_in_the_cache(database, box, bench, cache):
    application_id = await submitted_application(database, box)
    scoring = bench.scoring()
    subject = await scoring.subject_of(application_id)
    before = await scoring._judge.judge(subject)
    asked = len(bench.scorer.asked)
    after = await bench.scoring()._judge.judge(subject)
    assert len(bench.scorer.asked) == asked
    assert (after.decision, after.inputs) == (before.decision, before.inputs)
    assert await cache.get(f"risk_score:{application_id}") is not None


@pytest.mark.parametrize("kind", FOREIGN)
async def test_what_somebody_else_wrote_under_the_key_of_a_score_is_replaced(
    database, box, bench, cache, engines, kind
):
    application_id = await submitted_application(database, box)
    subject = await bench.scoring().subject_of(application_id)
    await plant(engines.cache_url, kind, f"risk_score:{application_id}")
    first = await bench.scoring()._judge.judge(subject)
    asked = len(bench.scorer.asked)
    again = await bench.scoring()._judge.judge(subject)
    assert len(bench.scorer.asked) == asked
    assert again.decision == first.decision
    labels = {"cache": "risk_score", "result": "foreign"}
    assert bench.metrics.registry.get_sample_value("fundline_cache_requests_total", labels) == 1


@pytest.mark.parametrize("spoilt", [lambda entry: entry.pop("shadow"), lambda entry: entry.update(shadow=5)])
async def test_an_entry_that_lacks_a_part_is_replaced(database, box, bench, cache, spoilt):
    application_id = await submitted_application(database, box)
    key = f"risk_score:{application_id}"
    subject = await bench.scoring().subject_of(application_id)
    before = await bench.scoring()._judge.judge(subject)
    entry = json.loads(await cache.get(key))
    spoilt(entry)
    await cache.put(key, json.dumps(entry).encode(), ttl_s=60)
    assert (await bench.scoring()._judge.judge(subject)).decision == before.decision
    assert "shadow" in json.loads(await cache.get(key))


@pytest.mark.parametrize(
    "change", ["another model is promoted", "a figure is corrected", "a shadow is wanted"]
)
async def test_a_cached_score_is_not_used_for_what_it_was_not_made_for(database, box, bench, owner, change):
    application_id = await submitted_application(database, box)
    scoring = bench.scoring()
    await scoring._judge.judge(await scoring.subject_of(application_id))
    if change == "another model is promoted":
        bench.chooser.version = CHALLENGER
    elif change == "a shadow is wanted":
        bench.chooser.shadow = CHALLENGER
    else:
        await owner.execute(
            "update applications set figures = jsonb_set(figures, '{cashAtBank}', '\"50000.00\"')"
            " where application_id = $1",
            application_id,
        )
    asked = len(bench.scorer.asked)
    await scoring._judge.judge(await scoring.subject_of(application_id))
    assert len(bench.scorer.asked) > asked


@pytest.mark.parametrize("version", [CHAMPION, CHALLENGER])
async def test_a_recorded_decision_can_be_repeated_from_its_evidence(database, box, bench, version):
    application_id = await submitted_application(database, box)
    bench.chooser.version = version
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    assert repeat(row["e"], packaged_model) == []


@pytest.mark.parametrize("trouble", [away, None])
async def test_a_referral_can_be_repeated_too(database, box, bench, trouble):
    application_id = await submitted_application(database, box, **MISSING)
    bench.scorer.trouble = trouble or bench.scorer.trouble
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    assert repeat(row["e"], packaged_model) == []


async def test_an_edited_piece_of_evidence_is_told(database, box, bench):
    application_id = await submitted_application(database, box)
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await assessments(database, application_id)
    edited = json.loads(row["e"])
    edited["score"]["probability"] = "0.0100"
    edited["stress"]["shortfall_probability"] = "0.0001"
    told = {difference.what for difference in repeat(json.dumps(edited), packaged_model)}
    assert {"score.probability", "cash flow.shortfall_probability"} <= told
