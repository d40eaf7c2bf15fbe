"""A log that cannot be written costs lines, counted, and nothing else.

Incident: on a full disk 173 submissions timed out and eleven processes restarted for ever, because a line of their log
could not be written; and no line said why.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.liveness import HUNG_EXIT_CODE
from fundline.platform.metrics import ProcessMetrics
from fundline.platform.telemetry.line_writer import BUFFER_FULL, NOT_WRITTEN, LineWriter
from fundline.platform.telemetry.metrics import Metrics

LIMIT_S = 20


def tell(event: str, fields: Mapping[str, int | str]) -> bytes:
    return json.dumps({"message": event, **fields}).encode() + b"\n"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def full() -> Iterator[int]:
    """The descriptor of a disk that is always full."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def test_lines_arrive_whole_and_in_their_order(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        writer = LineWriter(file.fileno(), tell)
        for number in range(3000):
            writer.write(b"%d\n" % number)
        assert writer.flush(LIMIT_S)
        writer.close(LIMIT_S)
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(3000)]
    assert not writer.lost


def test_on_a_full_disk_each_line_is_counted_and_standard_error_is_told_once(full, tmp_path):
    with (tmp_path / "stderr").open("wb") as last_resort:
        writer = LineWriter(full, tell, last_resort=last_resort.fileno())
        for number in range(100):
            writer.write(b"%d\n" % number)
            if number % 50 == 0:
                until(lambda: writer.lost[NOT_WRITTEN] > 0)
        writer.close(LIMIT_S)
    assert writer.lost == {NOT_WRITTEN: 100}
    (said,) = (tmp_path / "stderr").read_text().splitlines()
    assert json.loads(said) == {"message": "logs.not_written", "cause": "No space left on device"}


def test_when_writing_works_again_the_log_says_how_many_lines_are_missing(full, tmp_path):
    target = os.dup(full)
    writer = LineWriter(target, tell)
    writer.write(b"lost\n")
    until(lambda: writer.lost[NOT_WRITTEN] == 1)
    with (tmp_path / "log").open("wb") as file:
        os.dup2(file.fileno(), target)
        writer.write(b"kept\n")
        assert writer.flush(LIMIT_S)
        writer.write(b"kept too\n")
        writer.close(LIMIT_S)
    os.close(target)
    first, *others = (tmp_path / "log").read_text().splitlines()
    assert json.loads(first) == {"message": "logs.lost", NOT_WRITTEN: 1}
    assert others == ["kept", "kept too"]


def test_a_pipe_that_nobody_reads_fills_the_buffer_and_holds_up_nobody(pipe):
    reader, descriptor = pipe
    writer = LineWriter(descriptor, tell, buffer_lines=50)
    for _ in range(1000):
        writer.write(b"x" * 4096 + b"\n")  # a pipe holds 64 KiB
    assert writer.lost[BUFFER_FULL] > 800
    assert not writer.flush(0.05)
    os.close(reader)
    writer.close(LIMIT_S)


def test_a_pipe_made_non_blocking_gets_every_line_once_it_is_read(pipe):
    reader, descriptor = pipe
    os.set_blocking(descriptor, False)
    writer = LineWriter(descriptor, tell)
    for number in range(200):
        writer.write(b"%04d" % number + b"x" * 4000 + b"\n")
    received = b""
    while received.count(b"\n") < 200:
        received += os.read(reader, 1 << 20)
    assert [int(line[:4]) for line in received.splitlines()] == list(range(200))
    writer.close(LIMIT_S)
    assert not writer.lost


def test_a_reader_that_is_gone_costs_the_lines(pipe):
    reader, descriptor = pipe
    os.close(reader)
    writer = LineWriter(descriptor, tell)
    writer.write(b"to nobody\n")
    until(lambda: writer.lost[NOT_WRITTEN] == 1)
    writer.close(LIMIT_S)


def test_the_metric_counts_each_lost_line_once():
    metrics = Metrics(CollectorRegistry())
    for total in (3, 3, 5):
        metrics.of(ProcessMetrics).observe_lost_lines({NOT_WRITTEN: total})
    assert metrics.registry.get_sample_value("fundline_log_lines_lost_total", {"cause": NOT_WRITTEN}) == 5


def logging_process(
    work: str, stdout: int, stderr: int = subprocess.PIPE
) -> "subprocess.CompletedProcess[bytes]":
    set_up = (
        "from fundline.platform.telemetry.logs import configure_logs, get_log, flush_logs\n"
        "configure_logs(process='p', instance='p-1', level='INFO')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", set_up + work],
        stdout=stdout,
        stderr=stderr,
        timeout=LIMIT_S,
        check=False,
    )


def last_line(path: Path) -> str:
    return str(json.loads(path.read_text().splitlines()[-1])["message"])


def test_a_process_on_a_full_disk_runs_to_its_end(full):
    ended = logging_process("for number in range(10_000): get_log().info('something', number=number)", full)
    assert ended.returncode == 0
    assert json.loads(ended.stderr)["message"] == "logs.not_written"


def test_a_process_whose_reader_stands_still_runs_to_its_end(pipe):
    ended = logging_process("for _ in range(10_000): get_log().info('something', text='x' * 500)", pipe[1])
    assert ended.returncode == 0


def test_a_process_that_was_started_without_standard_output_writes_into_nothing_else(tmp_path):
    """The next file that it opens gets the number 1."""
    work = (
        f"import os; file = os.open({str(tmp_path / 'data')!r}, os.O_CREAT | os.O_WRONLY)\n"
        "assert file == 1\n"
        "from fundline.platform.telemetry.logs import configure_logs, get_log, flush_logs\n"
        "configure_logs(process='p', instance='p-1', level='INFO')\n"
        "get_log().info('something'); assert flush_logs(10)"
    )
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", work]
    ended = subprocess.run(closed, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "data").read_bytes() == b""


@pytest.mark.parametrize(
    "end", ["raise RuntimeError('a crash')", "raise SystemExit(3)", "flush_logs(5); import os; os._exit(86)"]
)
def test_the_last_lines_are_out_when_a_process_crashes(tmp_path, end):
    with (tmp_path / "log").open("wb") as file:
        ended = logging_process(f"get_log().info('the.last')\n{end}", file.fileno())
    assert ended.returncode != 0
    assert last_line(tmp_path / "log") == "the.last"


HUNG = "from fundline.platform.liveness import end_process\nget_log().info('the.last')\nend_process('relay')"


def test_a_hung_process_ends_itself_also_on_a_full_disk(full):
    assert logging_process(HUNG, full, full).returncode == HUNG_EXIT_CODE


def test_a_hung_process_ends_also_when_nobody_reads_what_it_says(pipe):
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], b"x" * 4096)
    os.set_blocking(pipe[1], True)
    assert logging_process(HUNG, pipe[1], pipe[1]).returncode == -signal.SIGALRM


def test_a_hung_process_leaves_its_last_lines_and_says_which_loop_it_was(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        ended = logging_process(HUNG, file.fileno())
    assert ended.returncode == HUNG_EXIT_CODE
    assert last_line(tmp_path / "log") == "the.last"
    assert b'"fundline.loop":"relay"' in ended.stderr
