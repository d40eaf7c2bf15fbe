"""The transfer that a correction is about: whether it can be corrected, and what may stand in its place."""

from typing import NoReturn

from fundline.domain.ledger import Posting, TransferPurpose
from fundline.domain.money import Money, MoneyError
from fundline.domain.payment import WITH_THE_BANK
from fundline.platform.database import Connection
from fundline.platform.identity import Caller
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.records.ledger import PENDING
from fundline.services.operations_api.corrections import store
from fundline.services.operations_api.corrections.schemas import CorrectionRequest, CorrectTransfer
from fundline.services.operations_api.four_eyes import require_uninvolved


class CorrectionConflict(Refusal):
    kind = Kind.CONFLICT
    code = "correction-conflict"
    title = "The transfer cannot be corrected like this now"


async def require_correctable(connection: Connection, caller: Caller, asked: CorrectionRequest) -> None:
    """Raises InvalidRequest, SecondPersonNeeded for the applicant, CorrectionConflict."""
    transfer = await store.transfer(connection, asked.transfer_id)
    if transfer is None:
        _refuse("transferId", "The ledger has no such transfer.")
    require_uninvolved(caller, first=None, applicant=transfer["user_id"])
    if transfer["is_reversed"] or transfer["purpose"] == TransferPurpose.REVERSAL:
        raise CorrectionConflict("It is reversed, or a reversal itself; correct what stands in its place.")
    if transfer["state"] in WITH_THE_BANK:
        raise CorrectionConflict(PENDING)
    if asked.instead is not None:
        accounts = [asked.instead.debit, asked.instead.credit]
        if unknown := await store.unknown_accounts(connection, accounts):
            _refuse("instead", f"The ledger has no account {unknown[0]}.")
        _pair(asked.instead)


def postings(stored: str | None) -> tuple[Posting, ...]:
    """Of what a proposal wants in the transfer's place; none when nothing is to stand there."""
    return () if stored is None else _pair(CorrectTransfer.model_validate_json(stored))


def _pair(instead: CorrectTransfer) -> tuple[Posting, ...]:
    """Raises InvalidRequest."""
    try:
        amount = Money.parse(instead.amount, instead.currency)
    except MoneyError as error:
        _refuse("instead.amount", str(error))
    if amount.amount_minor == 0:
        _refuse("instead.amount", "A transfer moves more than nothing.")
    if instead.debit == instead.credit:
        _refuse("instead.credit", "A transfer moves between two accounts.")
    negative = Money(-amount.amount_minor, amount.currency)
    return (Posting(instead.debit, amount), Posting(instead.credit, negative))


def _refuse(path: str, sentence: str) -> NoReturn:
    raise InvalidRequest("Nothing was corrected.", errors=[FieldError(path, sentence)])
