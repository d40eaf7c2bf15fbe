import os
import socket
import time
from pathlib import Path

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.keys import StackKeys
from fundline.stack.layout import LOOPBACK, StackHome

pytestmark = pytest.mark.integration


def rows_when_they_arrive(node, sql, expected):
    deadline = time.monotonic() + 20
    while (rows := node.run_sql(sql, "fundline").strip()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return rows


def test_a_committed_row_survives_kill_9(home, ports, start_engine):
    node = PostgresNode(home, ports.postgres)
    with start_engine(node) as postgres:
        node.run_sql("CREATE TABLE kept (amount_minor bigint); INSERT INTO kept VALUES (4200);", "fundline")
        postgres.kill()
        node.prepare(print)
        postgres.start()
        assert node.run_sql("SELECT amount_minor FROM kept;", "fundline").strip() == "4200"
        postgres.stop()
        assert postgres.process.returncode == 0


def test_the_primary_demands_passwords_and_runs_unprivileged(home, ports, start_engine):
    node = PostgresNode(home, ports.postgres)
    with start_engine(node) as postgres:
        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0
        rights = "SELECT has_schema_privilege('fundline_app', 'public', 'CREATE');"
        assert node.run_sql(rights, "fundline").strip() == "f"
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'fundline';"
        assert node.run_sql(owner).strip() == "fundline_owner"
        # Other keys mean other passwords: they open nothing.
        StackKeys(home).database.unlink()
        with pytest.raises(CommandFailed, match="does not accept the password"):
            node.run_sql("SELECT 1;")


def test_a_replica_follows_its_primary_also_after_both_restart(home, ports, start_engine):
    primary = PostgresNode(home, ports.postgres)
    replica = PostgresNode.replica_of(primary, ports, 1)
    with start_engine(primary) as first:
        primary.run_sql("CREATE TABLE followed (n int); INSERT INTO followed VALUES (1);", "fundline")
        with start_engine(replica) as second:
            assert rows_when_they_arrive(replica, "SELECT n FROM followed;", "1") == "1"
            assert replica.run_sql("SELECT pg_is_in_recovery();").strip() == "t"
            second.stop()
            first.kill()
            primary.prepare(print)
            first.start()
            primary.run_sql("INSERT INTO followed VALUES (2);", "fundline")
            replica.prepare(print)
            second.start()
            assert rows_when_they_arrive(replica, "SELECT sum(n) FROM followed;", "3") == "3"


def test_a_home_that_the_account_cannot_reach_keeps_its_database_outside(tmp_path, ports, start_engine):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = StackHome(closed / "home")
    StackKeys(home).create()
    node = PostgresNode(home, ports.postgres)
    try:
        with start_engine(node):
            place = home.outside if os.geteuid() == 0 else home.data
            assert node.spec().cwd.is_relative_to(place)
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        home.wipe()
    assert not home.outside.exists()


def test_a_port_in_use_gives_a_sentence_that_says_what_to_do(home, ports):
    with socket.create_server((LOOPBACK, ports.postgres)), pytest.raises(CommandFailed) as refusal:
        PostgresNode(home, ports.postgres).prepare(print)
    assert str(refusal.value) == (
        f"Port {ports.postgres} for PostgreSQL is in use by another program; "
        "stop it or set FUNDLINE_PORT_POSTGRES."
    )
