"""A bank that is spoken to by files: what it has not taken, has in hand, or finds no room for."""

import asyncio

import pytest

from fundline.banks.bank import (
    Accepted,
    Settled,
)
from fundline.banks.opening import open_adapter
from fundline.banks.settings import BankSettings
from fundline.platform.http.client import CallNotSent, CallUnanswered
from support.bank import BankProcess, whole_statement
from support.bank_ways import SHORT_S, WAYS, order, until_final
from support.small_disk import small_disk

pytestmark = pytest.mark.integration


async def test_a_file_that_the_bank_does_not_take_is_withdrawn_and_was_never_sent(to_bank, tmp_path):
    for name in ("to-bank", "from-bank", "taken"):
        (tmp_path / name).mkdir()
    gateway = to_bank("iso-files", timeout_s=SHORT_S, bank_iso_folder=tmp_path)
    sent = order()
    with pytest.raises(CallNotSent, match="withdrawn"):
        await gateway.pay(sent)
    assert [*tmp_path.glob("*/*")] == []
    assert await gateway.find(sent.payment_id) is None


async def test_files_in_the_bank_s_hands_are_finished_after_a_kill(tmp_path):
    """Killed between taking a file and its result: the restarted bank goes on with it, once."""
    folder = tmp_path / "iso"
    settings = {"bank_iso_folder": str(folder), "bank_settlement_delay_ms": "1500"}
    bank = BankProcess(tmp_path / "bank.sqlite", **settings)
    await bank.start()
    gateway = open_adapter(
        BankSettings(bank_url=bank.url, bank_iso_folder=folder, **WAYS["iso-files"]), timeout_s=5.0
    )
    sent = [order() for _ in range(5)]
    assert {type(result) for result in await asyncio.gather(*map(gateway.pay, sent))} == {Accepted}
    bank.kill()
    await bank.start()
    try:
        for one in sent:
            assert isinstance(await until_final(gateway, one.payment_id), Settled)
        assert len(await whole_statement(bank.url)) == len(sent)
        async with asyncio.timeout(30):  # the answer is written first, then the order is deleted
            while [*folder.glob("t*/*")]:
                await asyncio.sleep(0.05)
    finally:
        bank.kill()


async def test_an_answer_that_finds_no_room_on_the_disk_is_written_when_there_is_some(tmp_path):
    folder = tmp_path / "iso"
    bank = BankProcess(tmp_path / "bank.sqlite", bank_iso_folder=str(folder))
    with small_disk(folder / "from-bank", 1) as disk:
        await bank.start()
        gateway = open_adapter(
            BankSettings(bank_url=bank.url, bank_iso_folder=folder, **WAYS["iso-files"]), timeout_s=SHORT_S
        )
        try:
            disk.fill()
            sent = order()
            with pytest.raises(CallUnanswered):
                await gateway.pay(sent)
            disk.free()
            assert isinstance(await until_final(gateway, sent.payment_id), Settled)
            assert len(await whole_statement(bank.url)) == 1
        finally:
            bank.kill()
