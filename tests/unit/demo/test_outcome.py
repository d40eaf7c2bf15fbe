import io
import json
from dataclasses import replace
from uuid import UUID

from rich.console import Console

from fundline.demo.books import ApplicationState, ReasonCount
from fundline.demo.chaos import Kill
from fundline.demo.checks import judge
from fundline.demo.journey import Journey, PlannedApplication
from fundline.demo.models import ModelDecisions
from fundline.demo.outcome import Outcome
from fundline.demo.report import print_report, report_object
from fundline.domain.application import ApplicationStatus
from support.fake_books import FAILED, PAID, REFERRED, agreeing_books, agreeing_statement

S = ApplicationStatus
KILLS = (
    Kill("risk-worker-2", 1234, 900),
    Kill("event-router-1", 2000, 800),
    Kill("application-api-1", 2500, 700),
)


def _journey(application_id: UUID, *statuses: ApplicationStatus) -> Journey:
    journey = Journey(PlannedApplication("alice", {}, str(application_id)), sent_at=10.0, accepted_at=10.004)
    journey.application_id = application_id
    for sequence, status in enumerate(statuses, start=1):
        journey.saw(status, sequence, 10.0 + sequence / 10)
    return journey


def _journeys() -> list[Journey]:
    return [
        _journey(PAID, S.PROCESSING, S.RISK_SCORING, S.APPROVED, S.DISBURSED),
        _journey(FAILED, S.PROCESSING, S.RISK_SCORING, S.APPROVED, S.FAILED),
        _journey(REFERRED, S.PROCESSING, S.RISK_SCORING, S.PENDING_REVIEW),
    ]


def _outcome(journeys: list[Journey] | None = None, **changes: object) -> Outcome:
    books = agreeing_books()
    if "applications" in changes:
        books = replace(books, applications=changes.pop("applications"))
    outcome = Outcome(
        journeys=tuple(journeys or _journeys()),
        checks=judge(books, agreeing_statement()),
        reasons=(ReasonCount("business_new", "The business has been operating for too short a time.", 1),),
        seed=1,
    )
    return replace(outcome, **changes)


def test_a_run_in_which_everything_arrived_has_no_problems():
    assert _outcome().problems() == []
    assert _outcome().lost() == {}


def test_the_report_is_one_json_object_with_the_promised_keys():
    report = json.loads(json.dumps(report_object(_outcome())))
    assert report["submitted"] == 3
    assert report["by_status"] == {"pending_review": 1, "disbursed": 1, "failed": 1}
    assert (report["lost"], report["paid_twice"]) == (0, 0)
    assert (report["ledger_balanced"], report["bank_matches"]) == (True, True)
    assert report["accept_ms"] == {"p50": 4.0, "p95": 4.0, "p99": 4.0}
    assert report["decided_ms"] == {"p50": 300.0, "p95": 300.0, "p99": 300.0}
    assert report["paid_ms"] == {"p50": 400.0, "p95": 400.0, "p99": 400.0}
    assert report["paid_out"] == {"USD": {"payments": 1, "amount": "50000.00"}}
    assert "killed" not in report


def test_times_that_were_never_measured_are_null():
    accepted_only = _journey(REFERRED)
    report = report_object(_outcome([accepted_only]))
    assert report["paid_ms"] == {"p50": None, "p95": None, "p99": None}


def test_under_chaos_the_report_says_what_was_killed():
    report = report_object(_outcome(chaos_seed=5, kills=KILLS))
    assert report["killed"][0] == {"instance": "risk-worker-2", "at_ms": 1234, "back_after_ms": 900}
    assert report["chaos_seed"] == 5


def test_an_accepted_application_that_is_not_stored_is_lost():
    stored = agreeing_books().applications
    outcome = _outcome(applications={key: state for key, state in stored.items() if key != REFERRED})
    assert outcome.lost() == {REFERRED: "it was accepted but is not in the database"}
    assert outcome.problems()


def test_an_application_that_stopped_on_its_way_is_lost():
    stored = {**agreeing_books().applications, REFERRED: ApplicationState(S.RISK_SCORING, 2)}
    assert _outcome(applications=stored).lost() == {REFERRED: "it stopped at risk_scoring"}


def test_a_stream_that_did_not_tell_the_end_is_lost():
    journeys = _journeys()
    journeys[0] = _journey(PAID, S.PROCESSING, S.RISK_SCORING, S.APPROVED)
    lost = _outcome(journeys).lost()
    assert lost == {PAID: "its stream told approved (3), but the database has disbursed (4)"}


def test_a_stream_that_told_its_changes_out_of_order_is_lost():
    journeys = _journeys()
    journeys[0].saw(S.PROCESSING, 1, 99.0)
    assert _outcome(journeys).lost() == {PAID: "its stream told change 1 after change 4"}


def test_a_payment_that_came_back_since_its_stream_told_that_it_was_made_is_not_lost():
    back = {**agreeing_books().applications, PAID: ApplicationState(S.RETURNED, 5)}
    assert _outcome(applications=back).lost() == {}
    failed = {**agreeing_books().applications, PAID: ApplicationState(S.FAILED, 5)}
    assert list(_outcome(applications=failed).lost()) == [PAID]


def test_a_referral_that_a_person_has_decided_since_is_not_lost():
    stored = {**agreeing_books().applications, REFERRED: ApplicationState(S.REJECTED, 4)}
    assert _outcome(applications=stored).lost() == {}


def test_an_application_that_nobody_knows_of_is_a_problem():
    journeys = _journeys()
    journeys.pop()
    assert any("do not know of" in problem for problem in _outcome(journeys).problems())


def test_an_application_that_was_not_accepted_is_a_problem():
    journeys = _journeys()
    refused = Journey(PlannedApplication("alice", {}, "key-9"), sent_at=10.0)
    refused.trouble.append("it was not accepted: no answer within 60 s")
    assert (
        "Application key-9: it was not accepted: no answer within 60 s."
        in _outcome([*journeys, refused]).problems()
    )


def test_chaos_that_killed_too_little_is_a_problem():
    assert any("could be killed" in problem for problem in _outcome(chaos_seed=5, kills=KILLS[:2]).problems())


def test_a_killed_process_that_did_not_come_back_is_a_problem():
    kills = (*KILLS[:2], Kill("application-api-1", 2500))
    assert _outcome(chaos_seed=5, kills=kills).problems() == [
        "application-api-1 did not come back after it was killed."
    ]


def test_the_printed_report_shows_each_section():
    printed = io.StringIO()
    console = Console(file=printed, width=100)
    print_report(_outcome(chaos_seed=5, kills=KILLS), console)
    text = printed.getvalue()
    for shown in ("Outcomes", "Principal reasons", "P99", "risk-worker-2", "debits = credits", "with seed 1"):
        assert shown in text


def test_the_split_between_the_models_is_told_to_people_and_to_programs():
    models = (
        ModelDecisions("scorecard-2", "champion", 9, 3, 6, 1, 2, 0, 0.0712, 9, 8),
        ModelDecisions("lightgbm-1", "challenger", 1, 1, 0, 0, 1, 1, 0.0654, 0, 0),
    )
    outcome = _outcome(models=models)
    report = report_object(outcome)
    assert report["models"]["scorecard-2"]["decisions"] == 9
    assert (report["models"]["lightgbm-1"]["role"], report["models"]["lightgbm-1"]["fallbacks"]) == (
        "challenger",
        1,
    )
    printed = io.StringIO()
    console = Console(file=printed, width=120)
    print_report(outcome, console)
    shown = " ".join(printed.getvalue().split())
    assert "scorecard-2 champion 3 75 % 6 1 2 0.0712 89 %" in shown
    assert "lightgbm-1 challenger 1 25 % 0 0 1 0.0654 -" in shown
    assert "without an answer of the model and so left to a person: 1" in shown
