from uuid import UUID

from fundline.demo.client import FundlineClient
from fundline.demo.journey import Journey, PlannedApplication
from fundline.demo.run import travel
from support.fake_fundline import FakeFundline, accepted, refused, stream, told

ID = UUID(int=7)


async def _travelled(fake: FakeFundline) -> Journey:
    journey = Journey(PlannedApplication("alice", {"amount": "1.00"}, "key-1"))
    await travel(journey, FundlineClient("https://fundline.test", transport=fake), "a-token")
    return journey


async def test_an_application_travels_from_submission_to_its_final_status():
    changes = [told(name, n) for n, name in enumerate(("processing", "risk_scoring", "rejected"), start=1)]
    journey = await _travelled(FakeFundline([accepted(str(ID)), stream(*changes)]))
    assert journey.application_id == ID
    assert journey.is_settled
    assert journey.sent_at <= journey.accepted_at <= journey.decided_at
    assert journey.trouble == []


async def test_an_application_that_is_refused_is_not_followed():
    fake = FakeFundline([refused(422, "invalid", detail="The amount is absurd.")])
    journey = await _travelled(fake)
    assert journey.application_id is None
    assert journey.trouble == ["it was not accepted: 422 The amount is absurd."]
    assert len(fake.requests) == 1
