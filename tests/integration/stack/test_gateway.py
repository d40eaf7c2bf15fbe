import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from fundline.stack.engines.envoy import Gateway, GatewayLimits
from fundline.stack.keys import StackKeys, mint_token
from fundline.stack.layout import LOOPBACK

pytestmark = pytest.mark.integration


class Service(BaseHTTPRequestHandler):
    """Stands for a service: healthy, answers with the headers it got, holds `/held` until released."""

    protocol_version = "HTTP/1.1"
    reached = threading.Event()
    released = threading.Event()

    def do_GET(self):
        if self.path.endswith("/held"):
            self.reached.set()
            self.released.wait(20)
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay quiet."""


@pytest.fixture
def service(ports):
    port = ports.of_process("application-api", 1)
    server = ThreadingHTTPServer((LOOPBACK, port), Service)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(home, ports):
    trust = ssl.create_default_context(cafile=str(StackKeys(home).authority_certificate))
    url = f"https://localhost:{ports.gateway}"
    with httpx.Client(base_url=url, verify=trust, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def bearer(home):
    return {"authorization": f"Bearer {mint_token(home, 'anna', 'applicant')}"}


def problem(response):
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    return body["type"]


def test_a_request_passes_with_a_good_token_only(home, ports, service, client, bearer, start_engine):
    token = bearer["authorization"].removeprefix("Bearer ")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with start_engine(
        Gateway(home, ports, {"application-api": [service], "status-service": [service]})
    ) as gateway:
        passed = client.get("/v1/applications/1", headers={**bearer, "traceparent": trace})
        assert passed.status_code == 200
        assert passed.json()["traceparent"] == trace
        assert passed.json()["x-request-id"] == passed.headers["x-request-id"]

        refused = client.get("/v1/applications/1")
        assert (refused.status_code, problem(refused)) == (401, "urn:fundline:problem:unauthenticated")
        forged = client.get("/v1/applications/1", headers={"authorization": f"Bearer {token[:-8]}AAAAAAAA"})
        assert (forged.status_code, problem(forged)) == (401, "urn:fundline:problem:unauthenticated")
        stale = mint_token(home, "anna", "applicant", ttl_s=-3600)
        expired = client.get("/v1/applications/1", headers={"authorization": f"Bearer {stale}"})
        assert expired.status_code == 401

        assert client.get(f"/v1/status/1/events?access_token={token}").status_code == 200
        by_query = client.get(f"/v1/status/1?access_token={token}")
        assert by_query.status_code == 401
        assert token[:40] not in by_query.headers["www-authenticate"]
        unknown = client.get("/nothing", headers=bearer)
        assert (unknown.status_code, problem(unknown)) == (404, "urn:fundline:problem:not-found")

        gateway.stop()
        lines = [json.loads(line) for line in gateway.engine.access_log.read_text().splitlines()]
        assert lines[0]["user.id"] == "anna"
        assert "access_token" not in gateway.engine.access_log.read_text()


def test_one_greedy_client_is_slowed_and_another_is_not(home, ports, service, client, bearer, start_engine):
    limits = GatewayLimits(client_per_second=1, client_burst=2)
    with start_engine(
        Gateway(home, ports, {"application-api": [service], "status-service": [service]}, limits)
    ):
        answers = [client.get("/v1/applications/1", headers=bearer) for _ in range(8)]
        slowed = [answer for answer in answers if answer.status_code == 429]
        assert slowed
        assert problem(slowed[-1]) == "urn:fundline:problem:rate-limited"
        assert int(slowed[-1].headers["retry-after"]) >= 1
        other = {"authorization": f"Bearer {mint_token(home, 'bob', 'applicant')}"}
        assert client.get("/v1/applications/1", headers=other).status_code == 200


def test_a_browser_may_call_from_the_origins_of_the_setting_only(
    home, ports, service, client, bearer, start_engine
):
    upstreams = {"application-api": [service], "status-service": [service]}
    ours, theirs = {"origin": "https://app.example.com"}, {"origin": "https://evil.example.com"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "idempotency-key"}
    with start_engine(Gateway(home, ports, upstreams, origins=("https://app.example.com",))):
        first = client.options("/v1/applications", headers=ours | asks)
        assert first.status_code == 200
        assert first.headers["access-control-allow-origin"] == "https://app.example.com"
        assert "idempotency-key" in first.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in first.headers
        answered = client.get("/v1/applications/1", headers=ours | bearer)
        refused = client.get("/v1/applications/1", headers=ours)
        assert (answered.status_code, refused.status_code) == (200, 401)
        for answer in (answered, refused):
            assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
            assert "retry-after" in answer.headers["access-control-expose-headers"]
        for strange in (
            client.options("/v1/applications", headers=theirs | asks),
            client.get("/v1/applications/1", headers=theirs | bearer),
        ):
            assert "access-control-allow-origin" not in strange.headers
    with start_engine(Gateway(home, ports, upstreams, origins=())):
        asked = client.options("/v1/applications", headers=ours | asks)
        assert (asked.status_code, problem(asked)) == (401, "urn:fundline:problem:unauthenticated")
        assert "access-control-allow-origin" not in asked.headers


def test_without_a_healthy_service_the_answer_is_unavailable(home, ports, client, bearer, start_engine):
    dead = ports.of_process("application-api", 2)
    with start_engine(Gateway(home, ports, {"application-api": [dead], "status-service": [dead]})):
        answer = client.get("/v1/applications/1", headers=bearer)
        assert (answer.status_code, problem(answer)) == (503, "urn:fundline:problem:unavailable")
        assert answer.headers["retry-after"] == "1"


def test_a_request_in_flight_is_answered_before_the_gateway_stops(
    home, ports, service, client, bearer, start_engine
):
    with (
        start_engine(
            Gateway(home, ports, {"application-api": [service], "status-service": [service]})
        ) as gateway,
        ThreadPoolExecutor() as pool,
    ):
        held = pool.submit(client.get, "/v1/applications/held", headers=bearer)
        assert Service.reached.wait(10)
        stopping = pool.submit(gateway.stop)
        threading.Timer(0.5, Service.released.set).start()  # the doors are closing by then
        assert held.result(20).status_code == 200
        stopping.result(20)
        assert gateway.process.returncode == 0
