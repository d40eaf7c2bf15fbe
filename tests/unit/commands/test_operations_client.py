import httpx
import pytest

from fundline.commands.operations_client import OperationsClient
from fundline.platform.command_errors import CommandFailed


class Answers(httpx.BaseTransport):
    """Gives the answers one after the other; an exception is raised. Keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def handle_request(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, detail: str, **more) -> httpx.Response:
    return httpx.Response(
        status, json={"type": f"urn:fundline:problem:{code}", "title": "t", "detail": detail, **more}
    )


def client(transport: Answers) -> OperationsClient:
    return OperationsClient("http://api.test", "a-token", transport=transport, pause=lambda _s: None)


def test_a_read_carries_the_token_and_only_the_filters_that_are_set():
    there = Answers(httpx.Response(200, json={"items": []}))
    assert client(there).get("/v1/cases", {"state": "open", "kind": None}) == {"items": []}
    assert there.asked[0].headers["authorization"] == "Bearer a-token"
    assert there.asked[0].url == "http://api.test/v1/cases?state=open"


def test_a_write_keeps_its_key_over_every_repeat():
    there = Answers(
        httpx.ConnectError("away"),
        problem(503, "database-unavailable", "Away."),
        problem(409, "request-in-flight", "Repeat."),
        httpx.Response(200, json={"done": True}),
    )
    assert client(there).post("/v1/x", {"a": 1}) == {"done": True}
    assert len({request.headers["idempotency-key"] for request in there.asked}) == 1


def test_a_refusal_is_told_in_its_own_sentence_and_is_not_repeated():
    wrong = [{"path": "reason", "message": "This field is required."}]
    there = Answers(problem(422, "invalid-request", "The request was refused.", errors=wrong))
    with pytest.raises(CommandFailed, match=r"^The request was refused\. reason: This field is required\.$"):
        client(there).post("/v1/x", {})
    assert len(there.asked) == 1


def test_an_api_that_stays_away_is_a_sentence():
    there = Answers(*(httpx.ConnectError("away") for _ in range(4)))
    with pytest.raises(CommandFailed, match="does not answer at"):
        client(there).get("/v1/cases")


def test_a_page_of_a_proxy_in_between_is_a_sentence_too():
    there = Answers(httpx.Response(404, text="<html>"))
    with pytest.raises(CommandFailed, match="answered 404"):
        client(there).get("/v1/cases")
