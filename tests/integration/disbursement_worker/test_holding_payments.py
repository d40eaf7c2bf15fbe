"""The kill switch and the circuit breaker hold payments back: nothing is lost, nothing becomes a dead letter."""

import asyncio
import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from fundline.banks.bank import Settled
from fundline.banks.guard import GuardedBank
from fundline.platform.flag_file import replace_flags
from fundline.platform.flags import FlagSettings, open_flags
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.gate import KillSwitch
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.approved_applications import payment_requested, store_application
from support.bank import BankProcess, whole_statement
from support.books import assert_books_agree
from support.payment import disbursement

pytestmark = pytest.mark.integration
LONGER_THAN_A_BREAK_S = 60.0
LONGEST_REST_S = 1.2
"""Of the breaker, its dice included."""


def turn(file: Path, variant: str) -> None:
    document = json.loads(DEFAULT_FLAGS.read_bytes())
    document["flags"]["payments"]["defaultVariant"] = variant
    if not file.exists():
        file.write_bytes(DEFAULT_FLAGS.read_bytes())
    replace_flags(file, document)


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def flags_of():
    opened = []

    async def make(file: Path):
        opened.append(await open_flags(FlagSettings(flags_file=file), Metrics(CollectorRegistry())))
        return opened[-1]

    yield make
    for flags in opened:
        await flags.close()


@pytest.fixture
def switch_of(flags_of):
    async def make(file: Path) -> KillSwitch:
        return KillSwitch(await flags_of(file), Metrics(CollectorRegistry()))

    return make


async def test_while_payments_are_halted_nothing_new_is_sent_look_ups_go_on_and_all_is_paid_when_it_is_lifted(
    tmp_path, flags_of, new_worker, conduct, database, box, bank_url
):
    file = tmp_path / "flags.json"
    turn(file, "on")
    flags = await flags_of(file)
    worker = new_worker(flags=flags, timeout_s=0.5)
    unknown = await store_application(database, box)
    conduct.silent_after_booking = True
    await worker.deliver(payment_requested(unknown))
    conduct.silent_after_booking = False

    turn(file, "halted")
    await until(lambda: worker.parts.gate.is_halted)
    waiting = [await store_application(database, box) for _ in range(3)]
    for application_id in waiting:
        await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    assert (await disbursement(database, unknown))["state"] == "settled", "a look-up sends nothing"
    states = {(await disbursement(database, application_id))["state"] for application_id in waiting}
    assert states == {"requested"}
    assert len(await whole_statement(bank_url)) == 1

    turn(file, "on")
    await until(lambda: not worker.parts.gate.is_halted)
    while await worker.sweep():
        pass
    assert len(await whole_statement(bank_url)) == 4
    await assert_books_agree(database, bank_url)


async def test_a_halt_also_holds_back_what_the_bank_has_never_seen(
    tmp_path, flags_of, new_worker, conduct, database, box, bank_url
):
    file = tmp_path / "flags.json"
    turn(file, "on")
    worker = new_worker(flags=await flags_of(file), timeout_s=0.5)
    application_id = await store_application(database, box)
    conduct.silent_before_booking = True
    await worker.deliver(payment_requested(application_id))
    conduct.silent_before_booking = False
    turn(file, "halted")
    await until(lambda: worker.parts.gate.is_halted)
    await worker.sweep()
    assert worker.calls("find", "not_found") == 1
    assert await whole_statement(bank_url) == []
    turn(file, "on")
    await until(lambda: not worker.parts.gate.is_halted)
    while await worker.sweep():
        pass
    await assert_books_agree(database, bank_url)


async def test_a_flag_file_that_breaks_or_goes_keeps_the_last_state(tmp_path, switch_of):
    file = tmp_path / "flags.json"
    turn(file, "on")
    switch = await switch_of(file)
    assert not switch.is_halted
    file.write_text("{ broken")
    other = tmp_path / "other.json"
    turn(other, "halted")
    other_switch = await switch_of(other)
    assert other_switch.is_halted
    other.unlink()
    await asyncio.sleep(1)  # four looks of the provider: neither file can be read any more
    assert not switch.is_halted
    assert other_switch.is_halted
    turn(file, "halted")
    await until(lambda: switch.is_halted)


async def test_a_worker_that_starts_without_a_readable_flag_does_not_pay(tmp_path, switch_of):
    assert (await switch_of(tmp_path / "nowhere.json")).is_halted
    broken = tmp_path / "broken.json"
    broken.write_text("{ broken")
    switch = await switch_of(broken)
    assert switch.is_halted
    turn(broken, "on")
    await until(lambda: not switch.is_halted)


@pytest.mark.parametrize("variant", ["off", "no", "HALTED"])
async def test_whatever_is_not_on_halts(tmp_path, switch_of, variant):
    file = tmp_path / "flags.json"
    document = json.loads(DEFAULT_FLAGS.read_bytes())
    document["flags"]["payments"] |= {"variants": {variant: variant}, "defaultVariant": variant}
    file.write_text(json.dumps(document))
    assert (await switch_of(file)).is_halted


async def test_an_open_breaker_keeps_payments_requested_and_they_are_paid_when_the_bank_is_back(
    new_worker, database, box, bank_url
):
    away = new_worker(url="http://127.0.0.1:9")
    applications = [await store_application(database, box) for _ in range(8)]
    for application_id in applications:
        await away.deliver(payment_requested(application_id))
    states = [(await disbursement(database, application_id))["state"] for application_id in applications]
    assert states == ["submitted"] * 5 + ["requested"] * 3
    assert away.calls("pay", "not_sent") == 5, "the breaker opens after at most five failures"
    assert await away.sweep() == 0, "an open breaker takes nothing"

    back = new_worker()
    while await back.sweep():
        pass
    assert len(await whole_statement(bank_url)) == 8
    await assert_books_agree(database, bank_url)


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
async def test_after_an_outage_exactly_one_call_tries_the_bank_and_then_all_go_on(new_worker, database, box):
    class Bank:
        away = True
        calls = 0

        async def pay(self, order):
            self.calls += 1
            if self.away:
                raise CallNotSent("nobody listens")
            return Settled(f"txn_{order.payment_id}", order.amount)

        async def find(self, payment_id):
            self.calls += 1
            if self.away:
                raise CallUnanswered("nothing came back")

    bank, clock_s = Bank(), [0.0]
    worker = new_worker(bank=bank, breaker_clock=lambda: clock_s[0])
    state_of = worker.metrics.registry.get_sample_value
    for _ in range(8):
        await worker.deliver(payment_requested(await store_application(database, box)))
    assert bank.calls == 5
    clock_s[0] += LONGER_THAN_A_BREAK_S
    assert await worker.sweep() == 0
    assert bank.calls == 6, "one call finds out whether the bank is back"
    assert await worker.sweep() == 0
    assert bank.calls == 6, "and the next one waits its turn"
    assert state_of("fundline_breaker_state", {"dependency": "bank"}) == 2
    bank.away = False
    clock_s[0] += LONGER_THAN_A_BREAK_S
    assert await worker.sweep() == 8
    assert state_of("fundline_breaker_state", {"dependency": "bank"}) == 0
    while await worker.sweep():
        pass
    rows = await database.fetch("select distinct state from disbursements")
    assert [row["state"] for row in rows] == ["settled"]


async def test_after_a_long_outage_payments_begin_with_the_next_turn_of_the_sweep(
    new_worker, database, box, tmp_path
):
    """After three minutes of an outage payments began again 32 s late, for nothing else was on the line."""
    bank, clock_s = BankProcess(tmp_path / "away.sqlite"), [0.0]
    worker = new_worker(url=bank.url, breaker_clock=lambda: clock_s[0])
    for _ in range(8):
        await worker.deliver(payment_requested(await store_application(database, box)))

    async def turn_of_the_sweep() -> None:
        clock_s[0] += LONGEST_REST_S
        worker.clock.advance(LONGEST_REST_S)
        await worker.parts.sweep.turn()

    turns = round(180 / LONGEST_REST_S)
    for _ in range(turns):
        await turn_of_the_sweep()
    assert worker.calls("pay", "not_sent") == 5, "no payment is risked to find out"
    assert worker.calls("find", "not_sent") == turns, "one look-up each time"
    await bank.start()
    try:
        await turn_of_the_sweep()
        states = await database.fetch("select distinct state from disbursements")
        assert [row["state"] for row in states] == ["settled"]
        assert len(await whole_statement(bank.url)) == 8
    finally:
        bank.kill()


async def test_twenty_callers_at_half_open_are_one_call(new_worker):
    class Bank:
        calls = 0
        answer = asyncio.Event()

        async def find(self, payment_id):
            self.calls += 1
            if self.calls > 5:
                await self.answer.wait()
                return
            raise CallUnanswered("nothing came back")

    bank, clock_s = Bank(), [0.0]
    guarded = GuardedBank(
        "bank", bank, Metrics(CollectorRegistry()), clock=lambda: clock_s[0], dice=lambda: 0.0
    )
    await asyncio.gather(*(guarded.find("x") for _ in range(5)), return_exceptions=True)
    clock_s[0] += 5.0
    callers = [asyncio.create_task(guarded.find("x")) for _ in range(20)]
    await asyncio.sleep(0)
    bank.answer.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert bank.calls == 6
    assert [type(o).__name__ for o in outcomes].count("BreakerOpen") == 19
