"""A call that may wait for ever is one that will: librdkafka's synchronous commit had no time-out and no consumer left.

Every call of `src` that can wait on another process, thread or host says how long. Exceptions have a reason each.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[3] / "src" / "fundline"

NEEDS_A_KEYWORD = {
    "list_topics": {"timeout"},
    "get_watermark_offsets": {"timeout", "cached"},
    "committed": {"timeout"},
    "offsets_for_times": {"timeout"},
    "consume": {"timeout"},
    "admin.create_topics": {"operation_timeout", "request_timeout"},
    "describe_topics": {"request_timeout"},
    "describe_consumer_groups": {"request_timeout"},
    "list_consumer_group_offsets": {"request_timeout"},
    "list_offsets": {"request_timeout"},
    "subprocess.run": {"timeout"},
    "subprocess.check_output": {"timeout"},
    "subprocess.check_call": {"timeout"},
    "communicate": {"timeout"},
    "urlopen": {"timeout"},
    "asyncio.wait": {"timeout"},
    "asyncpg.connect": {"timeout"},
    "asyncpg.create_pool": {"command_timeout"},
    "httpx.Client": {"timeout"},
    "httpx.AsyncClient": {"timeout"},
    "httpx.get": {"timeout"},
    "httpx.post": {"timeout"},
    "aiosmtplib.SMTP": {"timeout"},
}
"""Calls that wait without a limit unless one of these is given by name."""
NEEDS_AN_ARGUMENT = {"result", "join", "wait", "get", "acquire"}
NEEDS_AN_ARGUMENT_OF_KAFKA = {"poll", "flush"}
"""Methods whose argument is the limit: without any they wait for ever. Those of Kafka: of a consumer or producer."""
NEEDS_TWO_ARGUMENTS = {"socket.create_connection"}
NEVER = {"consumer.close", "producer.close", "thread.join"}
"""These take no limit: `let_go` gives them one."""
HOLDS = {
    "threading.Lock",
    "threading.RLock",
    "threading.Condition",
    "threading.Semaphore",
    "threading.Barrier",
}
"""Whoever waits for one waits for as long as it is held: its reason says how long that is."""
LIMITS = {"wait_for", "create_task", "ensure_future", "let_go"}
"""What is handed to these is waited for elsewhere, with a limit or with `stop`."""

MEMORY = "held for a few operations in memory, never over a call that waits"
DONE = "of a task or future that is done, or no future at all"
MAY = {
    (
        "commands/webhook/receiver.py",
        "threading.Lock",
    ): "held while a line is printed, in a command that a person watches",
    ("demo/run.py", "task.result"): DONE,
    (
        "platform/cache/pipeline.py",
        "_tried.wait",
    ): "set after the first attempt to connect, which has a time-out",
    (
        "platform/cache/pipeline.py",
        "asyncio.wait",
    ): "for a task that was cancelled; it waits for nothing after that",
    ("platform/cache/pipeline.py", "lost.result"): DONE,
    (
        "platform/kafka/consumer.py",
        "asyncio.wait",
    ): "for the message before of the same key: order is the point of it",
    ("platform/kafka/offsets.py", "threading.Lock"): MEMORY,
    ("platform/kafka/producer.py", "threading.Lock"): "acquired with a time-out",
    (
        "platform/process.py",
        "asyncio.wait",
    ): "until a stop is asked for or a part ends: what the process is there for",
    ("platform/resilience/breaker.py", "threading.Lock"): MEMORY,
    ("platform/telemetry/context.py", "_current.get"): "a context variable",
    (
        "platform/telemetry/line_writer.py",
        "_wake.wait",
    ): "a thread of its own that waits for lines, and a daemon",
    ("platform/telemetry/line_writer.py", "threading.Lock"): MEMORY,
    ("services/disbursement_worker/bank_events.py", "event.result"): DONE,
    ("services/event_router/anchoring.py", "appending.result"): DONE,
    ("outside/mail_sink/smtp.py", "stop.wait"): "until a stop is asked for",
    (
        "services/model_service/compute.py",
        "asyncio.to_thread",
    ): "the process gives everything it closes a limit",
    ("services/model_service/compute.py", "threading.Lock"): MEMORY,
    ("services/model_service/compute.py", "working.result"): DONE,
    (
        "services/risk_worker/compute.py",
        "asyncio.to_thread",
    ): "the process gives everything it closes a limit",
    ("services/status_api/fan_out.py", "_wake.wait"): "within `asyncio.timeout`",
    ("stack/child.py", "_popen.wait"): "for a child that has ended: it only takes its exit code",
    ("stack/child.py", "threading.Lock"): "held while an ended child is taken note of",
    ("stack/engines/kafka_jars.py", "process.wait"): "for a child that was killed just before",
    ("stack/progress.py", "threading.Lock"): MEMORY,
    ("stack/running.py", "threading.Lock"): "held while a small file is written on this machine",
    ("stack/side_by_side.py", "threading.Condition"): "its wait has a limit, and it is held in memory only",
}


def calls(tree: ast.AST, *, limited: bool = False) -> Iterator[tuple[ast.Call, bool]]:
    """Every call, and whether it is an argument of one that gives it a limit."""
    for node in ast.iter_child_nodes(tree):
        within = limited
        if isinstance(node, ast.Call):
            yield node, limited
            within = limited or named(node).rpartition(".")[2] in LIMITS
        yield from calls(node, limited=within)


def named(call: ast.Call) -> str:
    """`subprocess.run`, `_current.get`, `get` where what it is called on has no name of its own."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if not isinstance(function, ast.Attribute):
        return ""
    owner = function.value
    before = (
        owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    )
    return f"{before}.{function.attr}" if before else function.attr


def waits_for_ever(call: ast.Call) -> bool:
    name = named(call).lstrip("_")
    owner, _, method = name.rpartition(".")
    keywords = {keyword.arg for keyword in call.keywords}
    wanted = NEEDS_A_KEYWORD.get(name) or NEEDS_A_KEYWORD.get(method)
    if name in HOLDS or (name in NEVER and not call.args):
        return True
    if wanted is not None:
        return not wanted & keywords and None not in keywords
    if name in NEEDS_TWO_ARGUMENTS:
        return len(call.args) < 2 and "timeout" not in keywords
    if method == "commit":
        return any(
            k.arg == "asynchronous" and getattr(k.value, "value", None) is False for k in call.keywords
        )
    if method == "to_thread" and isinstance(call.args[0], ast.Attribute):
        return call.args[0].attr in {*NEEDS_AN_ARGUMENT, "close", "shutdown"} and len(call.args) == 1
    is_kafka = method in NEEDS_AN_ARGUMENT_OF_KAFKA and owner in {"consumer", "producer", "member"}
    is_method = method in NEEDS_AN_ARGUMENT and isinstance(call.func, ast.Attribute)
    return (is_kafka or is_method) and not call.args and not keywords


def found_in(source: str) -> list[str]:
    return [
        named(call)
        for call, is_limited in calls(ast.parse(source))
        if not is_limited and waits_for_ever(call)
    ]


@cache
def found() -> set[tuple[str, str]]:
    return {
        (str(path.relative_to(SRC)), name)
        for path in sorted(SRC.rglob("*.py"))
        for name in found_in(path.read_text())
    }


def test_no_call_waits_without_a_limit_but_those_that_say_why():
    assert found() - MAY.keys() == set()


def test_every_exception_is_still_there():
    assert MAY.keys() - found() == set()


@pytest.mark.parametrize(
    "source",
    [
        "consumer.commit(offsets=offsets, asynchronous=False)",
        "consumer.close()",
        "self._consumer.close()",
        "consumer.poll()",
        "producer.flush()",
        "consumer.list_topics('a')",
        "thread.join()",
        "stopping.wait()",
        "await stop.wait()",
        "await asyncio.wait([task])",
        "await asyncio.to_thread(self._poller.join)",
        "subprocess.run(argv)",
        "socket.create_connection((host, port))",
        "await asyncpg.connect(url)",
        "self._lock.acquire()",
        "lock = threading.Lock()",
        "await self._queue.get()",
        "future.result()",
    ],
)
def test_a_call_that_waits_for_ever_is_found(source):
    assert found_in(source if "await" not in source else f"async def f():\n    {source}")


@pytest.mark.parametrize(
    "source",
    [
        "consumer.commit(offsets=offsets, asynchronous=True)",
        "let_go(consumer.close, name='a', limit_s=1)",
        "consumer.poll(0.1)",
        "thread.join(5)",
        "' '.join(words)",
        "found.get(key)",
        "asyncio.wait_for(stop.wait(), 5)",
        "asyncio.create_task(stop.wait())",
        "subprocess.run(argv, timeout=5)",
        "self._lock.acquire(timeout=5)",
    ],
)
def test_a_call_with_a_limit_is_not(source):
    assert not found_in(source)
