"""The bank's ISO 20022 door by files: takes what lies in `to-bank`, answers in `from-bank`.

A file is taken by moving it to `taken`, and is gone when its payment has its outcome: it holds the full account number.
So a bank that was killed goes on where it was. A fault that would silence an answer delays it here.
"""

import asyncio
import contextlib
from pathlib import Path
from uuid import UUID

from fundline.outside.bank_sandbox.bank import Bank
from fundline.outside.bank_sandbox.bookkeeper import LedgerUnavailable
from fundline.outside.bank_sandbox.conduct import BankBusy, BankClosed, Misbehaviour
from fundline.outside.bank_sandbox.iso_messages import (
    booking_notification,
    read_credit_transfer,
    status_report,
)
from fundline.outside.bank_sandbox.schemas import PaymentOrder, order_amount
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.clock import Clock
from fundline.platform.loop import Loop
from fundline.platform.refusals import Refusal

LOOK_EVERY_S = 0.1
AGAIN_AFTER_S = 2.0
_PATTERN = "[!.]*.pain.001.xml"
"""A name that begins with a dot is of a file that is still being written: it was taken from under its writer."""


class MailRoom(Loop):
    def __init__(self, folder: Path, bank: Bank, *, now: Clock) -> None:
        """Makes the folders, for its own account only."""
        super().__init__("mail-room", every_s=LOOK_EVERY_S)
        self._to_bank, self._from_bank, self._taken = (
            folder / name for name in ("to-bank", "from-bank", "taken")
        )
        for part in (self._to_bank, self._from_bank, self._taken):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bank, self._now = bank, now
        self._accepted: dict[str, UUID] = {}
        """By file name: what was answered with accepted."""
        self._returned_to = 0
        """The place of the last payment that came back and was told of; a bank that restarts tells again."""
        self._later: dict[str, float] = {}
        """By file name: when to try again, by the loop's clock."""

    async def turn(self) -> None:
        """Once: take what has come, and go on with what was taken."""
        for file in sorted(self._to_bank.glob(_PATTERN)):
            with contextlib.suppress(OSError):  # withdrawn at this moment; or the disk takes it next time
                file.rename(self._taken / file.name)
        with contextlib.suppress(OSError):  # a full disk: told at the next turn
            await self._announce_returns()
        await asyncio.gather(*(self._try(file) for file in sorted(self._taken.glob(_PATTERN))))

    async def _announce_returns(self) -> None:
        for payment in await self._bank.returns(self._returned_to):
            name = f"{UUID(payment.payment_id).hex}.camt.054.xml"
            self._put(name, booking_notification(payment, self._now()))
            self._returned_to = payment.position

    async def _try(self, file: Path) -> None:
        if asyncio.get_running_loop().time() < self._later.get(file.name, 0.0):
            return
        try:
            await self._go_on(file)
        except OSError as error:  # a full disk keeps the answer back, not what was booked
            self._log.error("bank.file_not_written", cause=str(error), file=file.name)
            self._try_later(file)

    def _try_later(self, file: Path) -> None:
        self._later[file.name] = asyncio.get_running_loop().time() + AGAIN_AFTER_S

    async def _go_on(self, file: Path) -> None:
        known = self._accepted.get(file.name)
        if known is not None:
            payment = await self._bank.outcome(known)
            if payment is not None and payment.status != "accepted":
                self._answer(file, payment)
            return
        try:
            payment_id, order = self._read(file)
            result = await self._bank.pay(payment_id, order_amount(order), order)
        except (Misbehaviour, BankBusy, BankClosed, LedgerUnavailable):
            self._try_later(file)
        except Refusal as refusal:
            self._refuse(file, refusal)
        else:
            self._accepted[file.name] = payment_id
            self._answer(file, result.payment)

    def _read(self, file: Path) -> tuple[UUID, PaymentOrder]:
        return read_credit_transfer(file.read_bytes())

    def _refuse(self, file: Path, refusal: Refusal) -> None:
        """There is no message for it: nothing was booked, and whoever asks finds nothing new."""
        self._log.error("bank.file_refused", cause=refusal.code, file=file.name)
        file.unlink()

    def _answer(self, file: Path, payment: Payment) -> None:
        key, at = UUID(payment.payment_id).hex, self._now()
        self._put(f"{key}.pain.002.xml", status_report(payment, at))
        if payment.status == "accepted":
            return
        if payment.status == "settled":
            self._put(f"{key}.camt.054.xml", booking_notification(payment, at))
        file.unlink()
        self._accepted.pop(file.name, None)
        self._later.pop(file.name, None)

    def _put(self, name: str, message: bytes) -> None:
        """Nobody sees half a file."""
        draft = self._from_bank / f".{name}"
        draft.write_bytes(message)
        draft.rename(self._from_bank / name)
