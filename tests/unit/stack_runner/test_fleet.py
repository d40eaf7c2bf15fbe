from importlib.util import find_spec
from pathlib import Path

import pytest

from fundline.stack.environment import dependency_settings, file_settings, service_spec, settings_of
from fundline.stack.fleet import ENGINES, FLEET, Process, stop_order
from fundline.stack.layout import Ports, StackHome

HOME = StackHome(Path("/nowhere"))
KNOWN = file_settings(HOME) | dependency_settings(
    FLEET,
    Ports(),
    database_url="postgresql://app@127.0.0.1:1/fundline",
    cache_url="redis://127.0.0.1:2/0",
    bootstrap="127.0.0.1:3",
    dialect="kafka",
)


def process(name):
    return next(candidate for candidate in FLEET if candidate.name == name)


@pytest.mark.parametrize("entry", FLEET, ids=lambda entry: entry.name)
def test_every_process_of_the_table_has_its_module(entry):
    assert find_spec(f"fundline.{entry.module}") is not None


@pytest.mark.parametrize("entry", FLEET, ids=lambda entry: entry.name)
def test_every_dependency_stands_earlier_in_the_table_or_is_an_engine(entry):
    earlier = [other.name for other in FLEET[: FLEET.index(entry)]]
    assert set(entry.depends_on) <= {*ENGINES, *earlier}


def test_what_others_depend_on_stops_last():
    order = stop_order(FLEET)
    assert set(order[-1]) == {"bank-sandbox", "model-service"}
    assert "disbursement-worker" in order[0]


def test_a_circle_of_dependencies_is_refused():
    circle = (Process("a", "a.main", 1, ("b",)), Process("b", "b.main", 1, ("a",)))
    with pytest.raises(ValueError, match="circle"):
        stop_order(circle)


def test_a_process_is_given_nothing_that_it_does_not_depend_on():
    bank = settings_of(process("bank-sandbox"), 1, Ports(), KNOWN)
    assert "FUNDLINE_BANK_DATABASE" in bank
    assert not {"FUNDLINE_DATABASE_URL", "FUNDLINE_ACCOUNT_KEY_FILE", "FUNDLINE_KAFKA_BOOTSTRAP"} & set(bank)
    worker = settings_of(process("risk-worker"), 1, Ports(), KNOWN)
    assert "FUNDLINE_ACCOUNT_KEY_FILE" not in worker


@pytest.mark.parametrize("name", ["application-api", "status-service"])
def test_the_critical_path_knows_neither_a_model_nor_a_bank(name):
    """Promise 5: what answers applicants cannot wait for what it has no address of."""
    settings = settings_of(process(name), 1, Ports(), KNOWN)
    assert not {"FUNDLINE_MODEL_URL", "FUNDLINE_BANK_URL"} & set(settings)
    assert not {"FUNDLINE_MODEL_URL", "FUNDLINE_BANK_URL"} - set(settings_of_everybody())


def settings_of_everybody():
    return {name: value for entry in FLEET for name, value in settings_of(entry, 1, Ports(), KNOWN).items()}


def test_a_pool_that_scores_has_a_second_instance_for_when_the_first_one_stalls():
    """Promise 16."""
    assert all(process(name).instances >= 2 for name in ("risk-worker", "risk-worker-express"))


def test_bank_and_worker_share_the_secret_of_webhooks_and_only_the_bank_learns_where_they_go():
    bank = settings_of(process("bank-sandbox"), 1, Ports(), KNOWN)
    worker = settings_of(process("disbursement-worker"), 1, Ports(), KNOWN)
    doors = "http://127.0.0.1:17150/bank/events,http://127.0.0.1:17151/bank/events"
    assert bank["FUNDLINE_BANK_WEBHOOK_URL"] == doors
    assert bank["FUNDLINE_BANK_WEBHOOK_SECRET_FILE"] == worker["FUNDLINE_BANK_WEBHOOK_SECRET_FILE"]
    assert "FUNDLINE_BANK_WEBHOOK_URL" not in worker


def test_no_service_learns_the_address_of_the_schema_owner():
    for entry in FLEET:
        assert "FUNDLINE_MIGRATION_DATABASE_URL" not in settings_of(entry, 1, Ports(), KNOWN)


def test_the_disbursement_worker_learns_where_the_bank_is():
    settings = settings_of(process("disbursement-worker"), 2, Ports(), KNOWN)
    assert settings["FUNDLINE_BANK_URL"] == f"http://127.0.0.1:{Ports().bank_sandbox}"
    assert settings["FUNDLINE_INSTANCE"] == "disbursement-worker-2"


def test_instances_have_ports_and_logs_of_their_own():
    worker = process("risk-worker")
    specs = [service_spec(worker, n, HOME, settings_of(worker, n, Ports(), KNOWN)) for n in (1, 2)]
    assert len({spec.log_file for spec in specs}) == 2
    assert len({spec.env["FUNDLINE_HTTP_PORT"] for spec in specs}) == 2


def test_the_ports_of_all_instances_differ():
    numbers = [Ports().of_process(p.name, n) for p in FLEET for n in range(1, p.instances + 1)]
    assert len(numbers) == len(set(numbers))
