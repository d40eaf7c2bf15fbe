from fundline.demo.journey import Journey, PlannedApplication
from fundline.domain.application import ApplicationStatus

S = ApplicationStatus


def _journey() -> Journey:
    return Journey(PlannedApplication("alice", {}, "key-1"), sent_at=100.0)


def test_the_times_of_a_paid_application_are_when_its_stream_told():
    journey = _journey()
    for sequence, (status, at) in enumerate(
        [(S.PROCESSING, 100.1), (S.RISK_SCORING, 100.2), (S.APPROVED, 100.3), (S.DISBURSED, 100.4)], start=1
    ):
        journey.saw(status, sequence, at)
    assert journey.is_settled
    assert (journey.decided_at, journey.paid_at, journey.disorder) == (100.3, 100.4, "")


def test_a_referral_is_decided_and_settled_but_never_paid():
    journey = _journey()
    for sequence, status in enumerate((S.PROCESSING, S.RISK_SCORING, S.PENDING_REVIEW), start=1):
        journey.saw(status, sequence, 101.0)
    assert journey.is_settled
    assert journey.decided_at == 101.0
    assert journey.took_s(journey.paid_at) is None


def test_a_status_told_again_does_not_turn_the_journey_back():
    journey = _journey()
    journey.saw(S.PROCESSING, 1, 100.1)
    journey.saw(S.RISK_SCORING, 2, 100.2)
    journey.saw(S.PROCESSING, 1, 100.3)
    assert journey.status is S.RISK_SCORING
    assert journey.disorder == "its stream told change 1 after change 2"


def test_a_status_left_out_is_noticed():
    journey = _journey()
    journey.saw(S.PROCESSING, 1, 100.1)
    journey.saw(S.APPROVED, 3, 100.2)
    assert journey.status is S.APPROVED
    assert journey.disorder == "its stream told change 3 after change 1"
