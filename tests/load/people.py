"""Who asks, and the requests that they send, prepared as bytes before the measuring begins."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fundline.demo.applicants import derive_application, sample_loans
from load.connection import http_request
from load.generator import FRESH_KEY, FRESH_NUMBER

_SEED = 1
_TRACE = ("x-correlation-id", "bench")


@dataclass(frozen=True)
class Applicants:
    """Token subjects with their tokens; their applications are made from the demo's sample of real loans.

    They are partners, who apply for many businesses, each with an account of its own where that is in the US: what is
    open already never counts together with what comes.
    """

    tokens: Mapping[str, str]

    @classmethod
    def with_tokens(cls, token_for: Callable[[str, str], str], count: int, run: str) -> "Applicants":
        subjects = [f"bench-{run}-applicant-{number:03d}" for number in range(count)]
        return cls({subject: token_for(subject, "partner") for subject in subjects})

    def submissions(self) -> list[str]:
        """`POST /v1/applications`, one per loan of the sample, each with a fresh Idempotency-Key when sent."""
        loans = sample_loans()
        people = itertools.cycle(self.tokens.values())
        return [
            _text(
                http_request(
                    "POST",
                    "/v1/applications",
                    [
                        ("authorization", f"Bearer {token}"),
                        ("content-type", "application/json"),
                        ("idempotency-key", FRESH_KEY),
                        _TRACE,
                    ],
                    json.dumps(_of_its_own(derive_application(loan, _SEED))).encode(),
                )
            )
            for loan, token in zip(loans, people, strict=False)
        ]

    def status_reads(self, owned: Sequence[tuple[str, str]]) -> list[str]:
        """`GET /v1/status/{id}` of (application id, subject), each by its owner."""
        return [
            _text(
                http_request(
                    "GET",
                    f"/v1/status/{application_id}",
                    [("authorization", f"Bearer {self.tokens[subject]}"), _TRACE],
                )
            )
            for application_id, subject in owned
        ]


def without_token() -> list[str]:
    """The cheapest request there is: the gateway itself refuses it with 401."""
    return [_text(http_request("GET", "/v1/status/unknown", [_TRACE]))]


def _of_its_own(body: dict[str, Any]) -> dict[str, Any]:
    body["business"]["legalName"] += f" {FRESH_NUMBER}"
    if body["payoutAccount"]["type"] == "us":
        body["payoutAccount"]["accountNumber"] = FRESH_NUMBER
    return body


def _text(request: bytes) -> str:
    return request.decode("latin-1")
