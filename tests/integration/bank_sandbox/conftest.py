"""The bank as a process, and every way to it."""

import asyncio

import pytest

from fundline.banks.opening import open_adapter
from fundline.banks.settings import BankSettings
from support.bank import BankProcess, clear_faults
from support.bank_ways import US_NUMBER, WAYS


@pytest.fixture(scope="session")
def bank_process(tmp_path_factory):
    """The bank as it runs in the fleet; one for all tests of a worker, which leave it without faults."""
    folder = tmp_path_factory.mktemp("bank")
    bank = BankProcess(folder / "bank.sqlite", bank_iso_folder=str(folder / "iso"))
    asyncio.run(bank.start())
    yield bank
    bank.kill()
    with_the_bank = folder / "iso" / "taken"  # what has no outcome yet
    written = [path for path in folder.rglob("*") if path.is_file() and path.parent != with_the_bank]
    assert not any(US_NUMBER.encode() in file.read_bytes() for file in written)


@pytest.fixture
async def to_bank(bank_process):
    """Opens a way to the running bank, or to another address."""
    closing = []

    def open_way(way, *, timeout_s=10.0, **changes):
        settings = {
            "bank_url": bank_process.url,
            "bank_iso_folder": bank_process.ledger.parent / "iso",
            **WAYS[way],
            **changes,
        }
        bank = open_adapter(BankSettings(**settings), timeout_s=timeout_s)
        closing.append(bank.close)
        return bank

    yield open_way
    for close in closing:
        await close()
    await clear_faults(bank_process.url)


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def gateway(to_bank, way):
    return to_bank(way)
