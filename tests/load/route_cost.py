"""What a declared route costs beside one written by hand: the same request, without engines and without a network.

`PYTHONPATH=tests python -m load.route_cost` prints one JSON object. The use cases do nothing, and tokens are known.
Both forms are called in turns; `ratio` is the hand-written form's time by the declared one's, 1.0 being as fast.
"""

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fundline.contracts.example import EXAMPLE_APPLICATION
from fundline.contracts.payloads import iso_utc
from fundline.contracts.roles import Role
from fundline.domain.money import Money
from fundline.platform.database.idempotency import write_key
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import Call, served
from fundline.platform.http.requests import idempotency_key, parse_body, read_body
from fundline.platform.identity import Caller
from fundline.platform.parsing import SentJson
from fundline.services.application_api.answers import Accepted, Application
from fundline.services.application_api.routes import READ, SUBMIT
from fundline.services.application_api.schemas import ApplicationRequest
from fundline.services.application_api.views import application_answer
from load.figures import spread

ROUNDS, CALLS = 15, 400
APPLICATION_ID, TRACKING_ID = uuid.uuid4(), "FL-7K2Q-M9XD-40RTP"
ALICE = Caller("alice", Role.APPLICANT)


class Tokens:
    """Knows everybody, as the verifier does after the first request of a token."""

    def caller(self, _connection: Any, *, allow_query: bool = False) -> Caller:
        return ALICE


TOKENS: Any = Tokens()


async def submit(call: Call[ApplicationRequest, Accepted]) -> Accepted:
    accepted = Accepted(id=APPLICATION_ID, tracking_id=TRACKING_ID, status="processing")
    call.once.render(accepted)  # the bytes that are stored with it
    return accepted


async def submit_by_hand(request: Request) -> Response:
    """As it was: bytes through the use case, and JSON read again for `Location`."""
    body = await read_body(request)
    caller, key = TOKENS.caller(request), idempotency_key(request)
    write_key(caller.subject, key, method=request.method, path=request.scope["path"], body=SentJson.of(body))
    caller.require(Role.APPLICANT, Role.PARTNER)
    parse_body(ApplicationRequest, body)
    answer = orjson.dumps({"id": str(APPLICATION_ID), "trackingId": TRACKING_ID, "status": "processing"})
    location = f"/v1/applications/{orjson.loads(answer)['id']}"
    return Response(answer, 202, headers={"location": location}, media_type="application/json")


def stored_row() -> dict[str, Any]:
    example, at = EXAMPLE_APPLICATION, datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    return {
        "application_id": APPLICATION_ID, "tracking_id": TRACKING_ID, "status": "disbursed", "status_sequence": 4,
        "amount_minor": 5_000_000, "currency": "USD", "term_months": 60, "purpose": "working_capital",
        "revolving": False, "business": json.dumps(example["business"]), "figures": json.dumps(example["figures"]),
        "jobs": None,
        "payout_kind": "us", "payout_last4": "6789", "metadata": "{}", "created_at": at, "updated_at": at,
        "assessment": 1, "verdict": "approved", "risk_score": "0.0412", "principal_reasons": "[]",
        "model_version": "scorecard-2", "policy_version": "policy-2", "assessed_at": at,
        "underwriter_decision": None, "payment_state": "settled", "transaction_id": "txn_1", "failure_code": None,
    }  # fmt: skip


ROW = stored_row()


async def read(call: Call[None, Application]) -> Application:
    return application_answer(ROW, to_lender=False)


async def read_by_hand(request: Request) -> Response:
    """As it was: a dictionary of what is shown, written by orjson."""
    TOKENS.caller(request)
    uuid.UUID(request.path_params["id"])
    row = ROW
    at = iso_utc(row["created_at"])
    shown = {
        "id": str(row["application_id"]), "trackingId": row["tracking_id"], "status": row["status"],
        "sequence": row["status_sequence"], "amount": Money(row["amount_minor"], row["currency"]).text(),
        "currency": row["currency"], "termMonths": row["term_months"], "purpose": row["purpose"],
        "revolving": row["revolving"], "business": orjson.loads(row["business"]),
        "figures": orjson.loads(row["figures"]), "jobs": None,
        "payoutAccount": {"type": row["payout_kind"], "last4": row["payout_last4"]},
        "metadata": orjson.loads(row["metadata"]), "createdAt": at, "updatedAt": iso_utc(row["updated_at"]),
        "assessment": {
            "number": row["assessment"], "verdict": row["verdict"], "riskScore": row["risk_score"],
            "principalReasons": orjson.loads(row["principal_reasons"]), "modelVersion": row["model_version"],
            "policyVersion": row["policy_version"], "assessedAt": iso_utc(row["assessed_at"]),
        },
        "underwriterDecision": None,
        "disbursement": {"state": row["payment_state"], "transactionId": row["transaction_id"], "failureCode": None},
    }  # fmt: skip
    return Response(orjson.dumps(shown), media_type="application/json")


async def seconds(routes: list[BaseRoute], method: str, path: str, body: bytes) -> float:
    """Of CALLS calls."""
    app = api(routes)
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"idempotency-key", b"k")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_message: Any) -> None:
        return

    begin = time.perf_counter()
    for _ in range(CALLS):
        await app(dict(scope), receive, send)
    return time.perf_counter() - begin


async def compare(
    declared: list[BaseRoute], by_hand: list[BaseRoute], method: str, path: str, body: bytes
) -> Any:
    ratios, microseconds = [], []
    for _ in range(ROUNDS):
        new, old = await seconds(declared, method, path, body), await seconds(by_hand, method, path, body)
        ratios.append(old / new)
        microseconds.append(new / CALLS * 1e6)
    return {"ratio": spread(ratios, 2), "declared_us": spread(microseconds, 1)}


async def main() -> None:
    one, path = f"/v1/applications/{APPLICATION_ID}", "/v1/applications"
    figures = {
        "submit": await compare(
            served(TOKENS, [SUBMIT.by(submit)]),
            [Route(path, submit_by_hand, methods=["POST"])],
            "POST",
            path,
            json.dumps(EXAMPLE_APPLICATION).encode(),
        ),
        "read": await compare(
            served(TOKENS, [READ.by(read)]),
            [Route("/v1/applications/{id}", read_by_hand, methods=["GET"])],
            "GET",
            one,
            b"",
        ),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
