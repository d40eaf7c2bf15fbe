"""Where the disk is nearly full the stack starts all the same, and gives up what nobody needs."""

import contextlib
import os

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.kafka import KafkaBroker
from fundline.stack.engines.valkey import ValkeyServer
from fundline.stack.layout import StackHome
from fundline.stack.progress import open_console
from fundline.stack.room import TIGHT_LOG_LIMIT_BYTES, is_tight, limit_log, require_room_to_begin
from support.ports import free_ports
from support.small_disk import small_disk

pytestmark = pytest.mark.integration


def test_a_log_over_its_limit_is_kept_once_and_starts_anew(tmp_path):
    log = tmp_path / "kafka.log"
    log.write_text("x" * 101)
    with log.open("a") as writer:
        assert limit_log(log, limit_bytes=100)
        writer.write("after")
    assert log.read_text() == "after"
    assert (tmp_path / "kafka.log.1").read_text() == "x" * 101


def test_a_log_under_its_limit_is_left_alone(tmp_path):
    log = tmp_path / "kafka.log"
    log.write_text("x" * 100)
    assert not limit_log(log, limit_bytes=100)
    assert not limit_log(tmp_path / "missing.log")


def test_on_a_full_disk_a_log_is_cut_to_its_end_and_its_writer_goes_on(tmp_path):
    with small_disk(tmp_path / "logs", 8) as disk:
        log = disk.place / "kafka.log"
        (disk.place / "kafka.log.1").write_text("earlier")
        lines = b"".join(b"line %06d\n" % number for number in range(500_000))
        with log.open("ab", buffering=0) as writer:
            writer.write(lines)
            disk.fill()
            assert log.stat().st_size > TIGHT_LOG_LIMIT_BYTES
            assert limit_log(log)
            writer.write(b"after\n")
        kept = log.read_bytes()
        assert kept.startswith(b"line 4")
        assert kept.endswith(b"line 499999\nafter\n")
        assert not (disk.place / "kafka.log.1").exists()


def test_an_engine_without_data_needs_room_to_begin_and_says_how_much(tmp_path):
    with pytest.raises(CommandFailed, match=r"cannot begin .* free some space or set FUNDLINE_HOME"):
        require_room_to_begin(tmp_path / "not" / "yet", "PostgreSQL", 1 << 60)


def test_an_engine_that_has_data_is_started_on_a_full_disk_and_gives_up_what_it_can(tmp_path):
    """`make up` used to refuse below 1 GiB, also to bring a stack back that a crash had ended."""
    with small_disk(tmp_path / "home", 64) as disk:
        home, ports = StackHome(disk.place).create(), free_ports()
        cache_file = home.data / "valkey" / "appendonlydir" / "appendonly.aof.1.base.rdb"
        cache_file.parent.mkdir(parents=True)
        cache_file.write_bytes(b"x" * (32 << 20))
        disk.fill()
        assert is_tight(home.root)
        ValkeyServer(home, ports).prepare(lambda _: None)
        assert not cache_file.exists()
        assert "appendonly no" in (home.run / "valkey.conf").read_text()


def test_an_engine_that_has_no_data_does_not_begin_on_a_full_disk(tmp_path):
    with small_disk(tmp_path / "home", 32) as disk:
        home = StackHome(disk.place).create()
        with pytest.raises(CommandFailed, match=r"Apache Kafka cannot begin .* it needs 64 MiB"):
            KafkaBroker(home, free_ports()).prepare(lambda _: None)


def test_the_runner_goes_on_when_nobody_takes_its_lines(monkeypatch):
    reader, gone = os.pipe()
    os.close(reader)
    for descriptor in (os.open("/dev/full", os.O_WRONLY), gone):
        stream = os.fdopen(descriptor, "w", closefd=False)
        monkeypatch.setattr("sys.stdout", stream)
        console = open_console(is_vital=False)
        console.print("healthy again")
        console.print("healthy again")
        with contextlib.suppress(OSError):
            stream.detach()  # flushes once more
        os.close(descriptor)
