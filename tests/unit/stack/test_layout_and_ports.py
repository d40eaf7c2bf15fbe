from dataclasses import fields
from pathlib import Path

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import Ports, StackHome
from fundline.stack.process_spec import ProcessSpec


def test_every_port_is_a_setting():
    settings = {
        f"FUNDLINE_PORT_{field.name.upper()}": str(30_000 + n) for n, field in enumerate(fields(Ports))
    }
    ports = Ports.from_environment(settings)
    assert ports.as_environment() == settings


def test_a_port_that_is_no_number_is_refused_with_its_setting():
    with pytest.raises(CommandFailed, match="FUNDLINE_PORT_POSTGRES is “db”; set it to a port number"):
        Ports.from_environment({"FUNDLINE_PORT_POSTGRES": "db"})


def test_the_default_ports_of_ten_instances_each_do_not_overlap():
    ports = Ports()
    processes = ["bank-sandbox", "event-router", "application-api", "application-events"]
    processes += ["risk-worker", "disbursement-worker", "status-service"]
    taken = [ports.of_process(process, instance) for process in processes for instance in range(1, 11)]
    taken += [ports.kafka, ports.kafka_controller, ports.valkey, ports.postgres, ports.gateway]
    taken += [ports.gateway_admin, *range(ports.postgres_replica, ports.postgres_replica + 10)]
    assert len(taken) == len(set(taken))


def test_an_eleventh_instance_is_refused():
    with pytest.raises(CommandFailed, match="risk-worker can run in 1 to 10 instances, not 11"):
        Ports().of_process("risk-worker", 11)


def test_the_home_is_a_setting(tmp_path):
    assert StackHome.from_environment({"FUNDLINE_HOME": str(tmp_path)}).root == tmp_path
    assert StackHome.from_environment({}).root == Path("var").absolute()


def test_secrets_are_kept_in_a_closed_folder(tmp_path):
    home = StackHome(tmp_path / "home").create()
    assert home.keys.stat().st_mode & 0o777 == 0o700


def test_a_wipe_leaves_the_files_of_others_alone(tmp_path):
    home = StackHome(tmp_path).create()
    stranger = tmp_path / "thesis.txt"
    stranger.write_text("years of work")
    home.wipe()
    assert list(tmp_path.iterdir()) == [stranger]


def test_a_home_that_cannot_be_made_gives_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFailed, match=r"cannot be written .* set FUNDLINE_HOME to another folder"):
        StackHome(tmp_path / "file" / "home").create()


def test_a_program_that_ended_is_explained_by_its_last_line(tmp_path):
    log = tmp_path / "valkey.log"
    log.write_text("starting\nFatal: no memory\n\n")
    spec = ProcessSpec(name="valkey", argv=("valkey-server",), log_file=log, cwd=tmp_path)
    sentence = spec.exit_sentence("Valkey", 1)
    assert sentence == f"Valkey stopped with exit code 1: Fatal: no memory (whole log: {log})"
