"""The same for the doors that are not declared: the bank, its webhook's receiver, the model service, the mail sink."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute, Route

from fundline.outside.bank_sandbox.admin_routes import admin_routes
from fundline.outside.bank_sandbox.bank import Bank, Terms
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.conduct import ByTheRules
from fundline.outside.bank_sandbox.faults import FaultBook, FaultRule
from fundline.outside.bank_sandbox.iso_routes import iso_routes
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.outcomes import Outcomes
from fundline.outside.bank_sandbox.routes import bank_routes
from fundline.outside.bank_sandbox.schemas import PaymentOrder
from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.routes import Pages
from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.parsing import SentJson, parse_sent
from fundline.platform.refusals import Refusal
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.bank_events import BankEvent
from fundline.services.model_service.protocol import read_inference
from support.hostile import BODIES, VALUES, Hostile, bodies_of, requests_at
from support.model_service import MadeUpModel, infer_body

ORDER = {
    "amount": "100.00",
    "currency": "USD",
    "payee": {"type": "us", "routingNumber": "110000000", "accountNumber": "000123456789"},
    "reference": "FL-1",
}
EVENT = {
    "type": "payment.settled",
    "data": {
        "paymentId": "019a0c1e-6be2-7f10-8c44-2a7d9b3e5f02", "amount": "1.00", "currency": "USD", "transactionId": "t"
    },
}  # fmt: skip


@contextlib.asynccontextmanager
async def bank(folder: Any) -> AsyncIterator[list[BaseRoute]]:
    bookkeeper, faults = Bookkeeper(folder / "bank.sqlite"), FaultBook()
    outcomes = Outcomes(bookkeeper, now=utc_now, fresh_id=new_id)
    stop = asyncio.Event()
    running = asyncio.create_task(outcomes.run(stop))
    made = Bank(bookkeeper, ByTheRules(0, faults), outcomes, terms=Terms(100), now=utc_now, fresh_id=new_id)
    yield [
        *bank_routes(made, Doors()),
        *iso_routes(made, Doors(), utc_now),
        *admin_routes(made, FaultBook()),
    ]
    stop.set()
    await running
    await bookkeeper.close()


def requests_against(route: Route, example: Any, schema: Any) -> Iterator[Hostile]:
    names = re.findall(r"{(\w+)}", route.path)
    for method in sorted(route.methods or set()):
        yield from requests_at(
            method,
            route.path,
            dict.fromkeys(names, "17"),
            names=names,
            queries=("cursor", "limit"),
            example=example if method == "POST" else None,
            schema=schema,
            is_write=method == "POST",
        )


async def wrongs_of(app: Any, sent: Iterator[Hostile]) -> list[str]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    wrong = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        for one in sent:
            key = {"idempotency-key": str(new_id()), "content-type": "application/json"}
            answer = await one.send(http, key)
            is_problem = answer.headers.get("content-type") == "application/problem+json"
            if answer.status_code >= 500 or (
                answer.status_code >= 400 and one.method != "HEAD" and not is_problem
            ):
                wrong.append(f"{one} -> {answer.status_code} {answer.text[:200]}")
    return wrong


async def test_nothing_that_the_bank_is_sent_is_a_bug(tmp_path):
    schemas = {"/v1/payments": (ORDER, PaymentOrder.model_json_schema())}
    faults = ({"kind": "latency"}, FaultRule.model_json_schema())
    async with bank(tmp_path) as routes:
        app = Edge(api(routes), metrics=Metrics(CollectorRegistry()))
        for route in routes:
            assert isinstance(route, Route)
            example, schema = schemas.get(route.path, faults)
            assert await wrongs_of(app, requests_against(route, example, schema)) == []


async def test_nothing_that_the_mail_sink_is_sent_is_a_bug():
    routes = Pages(Mailbox(3)).all()
    app = Edge(api(routes), metrics=Metrics(CollectorRegistry()))
    for route in routes:
        assert await wrongs_of(app, requests_against(route, {}, {})) == []


@pytest.mark.parametrize(
    "body", [*BODIES, *(sent for _, sent in bodies_of(EVENT, BankEvent.model_json_schema()))]
)
def test_no_event_of_the_bank_is_a_bug(body):
    with contextlib.suppress(Refusal):
        parse_sent(BankEvent, SentJson.of(body)).result()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("field", ["name", "shape", "datatype", "data"])
def test_no_tensor_is_a_bug(field, value):
    body = infer_body()
    body["inputs"][0][field] = value
    with contextlib.suppress(Refusal):
        read_inference(json.dumps(body).encode(), most_rows=8)


@pytest.mark.parametrize("body", BODIES)
def test_no_inference_request_is_a_bug(body):
    with contextlib.suppress(Refusal):
        read_inference(body, most_rows=8)
    assert MadeUpModel().began == 0
