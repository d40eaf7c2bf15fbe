"""`fundline model` as a person runs it: the real command over a real database, flags file and cache."""

import asyncio
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fundline.platform.database import open_database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.api import api as rest
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.settings import DatabaseSettings, TokenSettings
from fundline.records.model_changes import record_change
from fundline.services.operations_api.wiring import bound
from fundline.stack.engines.preflight import plain_environment
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.command import fundline
from support.model_changes import CHALLENGER, CHAMPION, decisions
from support.model_service import over_http
from support.ports import free_port

pytestmark = pytest.mark.integration

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(engines, database_url, tmp_path) -> dict[str, str]:
    """A database, flags and a cache, given by setting as in a deployment without `make up`."""
    file = tmp_path / "flags.json"
    file.write_bytes(DEFAULT_FLAGS.read_bytes())
    return {
        "FUNDLINE_DATABASE_URL": database_url,
        "FUNDLINE_FLAGS_FILE": str(file),
        "FUNDLINE_CACHE_URL": engines.cache_url,
        "FUNDLINE_HOME": str(tmp_path / "nothing-runs-here"),
    }


@pytest.fixture
def api(engines, place):
    """The operations API over HTTP, in a thread of its own: the command is another process."""
    stop = threading.Event()
    urls: queue.Queue[str] = queue.Queue()

    async def serve() -> None:
        database = await open_database(DatabaseSettings(database_url=place["FUNDLINE_DATABASE_URL"]))
        tokens = TokenVerifier(TokenSettings(jwks_file=engines.stack.keys.jwks))
        flags = FlagFile(Path(place["FUNDLINE_FLAGS_FILE"]))
        async with over_http(rest(served(tokens, bound(database, flags)))) as url:
            urls.put(url)
            await asyncio.to_thread(stop.wait)
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    yield urls.get(timeout=30)
    stop.set()
    thread.join()


@pytest.fixture
def model(engines, place, api) -> Command:
    """As olga; a promotion or a reset as olga and then as omar, and what omar was told."""

    def run(
        *arguments: str, by: str | None = None, in_process: bool = True, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        if by is None and arguments[0] in {"promote", "reset"}:
            first = run(*arguments, by="olga", **settings)
            return first if first.returncode else run(*arguments, by="omar", **settings)
        if arguments[0] in {"promote", "rollback", "reset"}:
            given = () if "--reason" in arguments else ("--reason", "Said by the tests.")
            arguments = (*arguments, *given, *(() if arguments[0] == "reset" else ("--yes",)))
        token = engines.stack.token(by or "olga", "operator")
        settings = {"FUNDLINE_API_URL": api, "FUNDLINE_TOKEN": token, **settings}
        environment = {**plain_environment(), **place, **settings}
        if not in_process:
            return subprocess.run(
                [sys.executable, "-m", "fundline.cli", "model", *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        return fundline("model", *arguments, environment=environment)

    return run


def with_database(url: str, work) -> None:
    async def run() -> None:
        database = await open_database(DatabaseSettings(database_url=url))
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(run())


def answer(done: subprocess.CompletedProcess[str]):
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_challenger_goes_all_the_way_and_back(model):
    shares = {row["modelVersion"]: row["sharePercent"] for row in answer(model("list", "--json"))["models"]}
    assert shares == {CHAMPION: 90, CHALLENGER: 10}
    half = answer(model("promote", CHALLENGER, "--share", "50", "--json"))
    assert (half["state"], half["after"]["champion"], half["after"]["sharePercent"]) == ("done", CHAMPION, 50)
    last = answer(model("promote", CHALLENGER, "--share", "100", "--json"))
    assert last["after"] == {"champion": CHALLENGER, "challenger": CHAMPION, "sharePercent": 0}
    back = answer(model("rollback", "--json"))
    assert back["after"] == {"champion": CHAMPION, "challenger": CHALLENGER, "sharePercent": 0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("promote", CHALLENGER, "--share", "30"), "A share is 10, 50 or 100 per cent, not 30."),
        (("promote", "cake-1", "--share", "10"), "There is no model “cake-1”; there are"),
        (("promote", CHALLENGER, "--share", "100"), "go to 50 % first"),
        (("reset", CHALLENGER), "is not tripped"),
    ],
)
def test_what_is_refused_is_said_in_one_sentence_with_exit_status_1(model, arguments, sentence):
    done = model(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("fundline: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"FUNDLINE_API_URL": f"http://127.0.0.1:{free_port()}"}, "The operations API does not answer"),
        ({"FUNDLINE_API_URL": ""}, "start Fundline with `make up`"),
        ({"FUNDLINE_TOKEN": "not.a.token"}, "The token is not valid"),
    ],
    ids=["nobody answers", "no address", "no token"],
)
def test_what_is_missing_around_it_is_said_too(model, settings, sentence):
    done = model("promote", CHALLENGER, "--share", "50", **settings)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_flags_that_are_gone_are_said_too(model, place):
    Path(place["FUNDLINE_FLAGS_FILE"]).unlink()
    done = model("promote", CHALLENGER, "--share", "50")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot be read" in done.stderr


def test_a_model_that_the_guardrail_switched_off_is_listed_with_its_reason_and_can_be_reset(model, place):
    async def trip(database) -> None:
        await record_change(
            database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
        )

    with_database(place["FUNDLINE_DATABASE_URL"], trip)
    listed = model("list")
    assert f"{CHALLENGER} was tripped: It failed." in listed.stdout
    assert "was tripped by the guardrail" in model("promote", CHALLENGER, "--share", "50").stderr
    assert model("reset", CHALLENGER, "--reason", "Its files are whole.").returncode == 0
    assert "tripped" not in model("list").stdout


def test_the_comparison_counts_decisions_agreement_and_the_difference(model, place):
    async def decide(database) -> None:
        await decisions(database, CHAMPION, 60, shadow=(CHALLENGER, "approved", "0.1100"))
        await decisions(
            database, CHAMPION, 30, verdict="rejected", shadow=(CHALLENGER, "pending_review", "0.1200")
        )
        await decisions(database, CHALLENGER, 10, score="0.0900", shadow=(CHAMPION, "approved", "0.1000"))
        await decisions(database, CHALLENGER, 5, verdict="pending_review", failed=True)

    with_database(place["FUNDLINE_DATABASE_URL"], decide)
    compared = answer(model("compare", "--json"))
    by_version = {row["modelVersion"]: row for row in compared["models"]}
    assert by_version[CHAMPION]["approvalRate"] == 0.6667
    assert (by_version[CHALLENGER]["decisions"], by_version[CHALLENGER]["errorRate"]) == (15, 0.3333)
    assert compared["approvalTest"]["difference"] == 0.3333
    both = compared["bothScored"]
    assert (both["applications"], both["agreementRate"]) == (100, 0.7)
    assert both["meanDifference"] == pytest.approx((60 * 0.01 + 30 * 0.02 - 10 * 0.01) / 100)
    assert {"champion": "rejected", "challenger": "pending_review", "applications": 30} in both["verdicts"]
    assert "The same verdict in 70.0%" in model("compare").stdout


def test_before_any_decision_there_is_nothing_to_compare(model):
    assert model("compare").stdout.startswith("No model has decided since ")
    assert answer(model("compare", "--json"))["bothScored"] is None


def test_of_two_people_who_promote_at_once_one_asks_and_the_other_agrees(model, place):
    def promote(person: str) -> subprocess.CompletedProcess[str]:
        return model("promote", CHALLENGER, "--share", "50", "--json", by=person, in_process=False)

    with ThreadPoolExecutor(2) as both:
        done = list(both.map(promote, ("a", "b")))
    assert sorted(answer(one)["state"] for one in done) == ["asked", "done"]

    async def look(database) -> None:
        rows = await database.fetch("select actor, figures -> 'before' ->> 'share' s from model_changes")
        assert [(row["actor"] in {"a", "b"}, row["s"]) for row in rows] == [(True, "10")]

    with_database(place["FUNDLINE_DATABASE_URL"], look)
