"""Schemathesis, with all its checks: what the document allows is answered as it says, and what it forbids is refused.

Values are made from docs/openapi.json, within and beyond what it allows; each answer is compared with it: status,
content type, headers, body. A token that is missing or wrong and a method that is not offered are tried too.
"""

import uuid
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from fundline.manual.endpoints import all_endpoints
from fundline.manual.pages import DOCS
from fundline.platform.http.endpoints import WEBSOCKET, Endpoint
from support.running_services import over_http

pytestmark = pytest.mark.integration
REFUSED = ["400", "401", "403", "404", "409", "413", "415", "422", "429"]
ALL_CHECKS = {
    "checks": {
        # A rule that a schema cannot say (a check digit, decimals of a currency, two fields together) is a 422.
        "positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSED]},
        "negative_data_rejection": {"expected-statuses": REFUSED},
    }
}
DOCUMENT = schemathesis.openapi.from_path(
    DOCS / "openapi.json", config=SchemathesisConfig.from_dict(ALL_CHECKS)
)
STREAMS = {"followByEvents"}
"""An answer without an end is read by the tests of the status service."""
ENDPOINTS = [
    pytest.param(endpoint, id=endpoint.name)
    for endpoint in all_endpoints()
    if endpoint.method != WEBSOCKET and endpoint.name not in STREAMS
]


@pytest.fixture
def address(place):
    with over_http(place) as served:
        yield served


def headers_for(endpoint: Endpoint[Any, Any], engines, mode: GenerationMode) -> dict[str, str]:
    """A key that was used by an earlier example would hide what comes after it; a wrong one is among what is tried."""
    role = endpoint.roles[0] if endpoint.roles else "applicant"
    headers = {"Authorization": f"Bearer {engines.stack.token('alice', role)}"}
    wants_key = endpoint.is_write and mode is GenerationMode.POSITIVE
    return headers | ({"Idempotency-Key": str(uuid.uuid4())} if wants_key else {})


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_the_document_says(address, engines, endpoint, mode):
    operation = DOCUMENT[endpoint.path][endpoint.method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=20,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def answered(case):
        case.call_and_validate(base_url=address, headers=headers_for(endpoint, engines, mode))

    answered()
