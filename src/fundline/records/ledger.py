"""Writing the ledger: what each step of a payment books, and how a wrong transfer is corrected."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundline.domain.ledger import (
    LedgerAccount,
    Posting,
    Transfer,
    TransferPurpose,
    fee_returned,
    origination_fee,
    reversal_of,
    transfer_on,
)
from fundline.domain.money import Money
from fundline.domain.payment import WITH_THE_BANK, PaymentState
from fundline.domain.people import same_person
from fundline.platform.audit.rows import ROWS, Rows, merged, rows_of
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId
from fundline.platform.database import CheckRule, Connection, rule_of_check
from fundline.platform.database.sql import Sql
from fundline.records.audit_streams import application_stream
from fundline.records.funding import WITHIN_COMMITMENT, FundsShort
from fundline.records.recorded_tables import POSTINGS, TRANSFERS

BOOK_TRANSFER = Sql("""
with transfer as (
    insert into ledger_transfers
        (transfer_id, payment_id, purpose, booked_at, corrects, reason, requested_by, approved_by)
    values (:transfer_id, :payment_id, :purpose, :booked_at, :corrects, :reason, :requested_by, :approved_by)
    returning transfer_id
)
insert into ledger_postings (transfer_id, account, currency, amount_minor)
select transfer_id, account, currency, amount_minor
from transfer,
     unnest(:accounts::text[], :currencies::text[], :amounts::bigint[]) as posting (account, currency, amount_minor)
""")
FUNDING_OF_CURRENCY = "select account from funding_sources where currency = $1"
FUNDING_OF_PAYMENT = """
select p.account
from ledger_transfers t join ledger_postings p using (transfer_id) join ledger_accounts a using (account)
where t.payment_id = $1 and t.purpose = 'payment_submitted' and a.role = 'funding'
"""
FEE_OF_PAYMENT = """
select p.amount_minor from ledger_transfers t join ledger_postings p using (transfer_id)
where t.payment_id = $1 and t.purpose = 'fee_charged' and p.account = 'borrower_receivable'
"""
ORIGINATION_FEE = "select origination_basis_points from fee_policies where currency = $1"
POSTINGS_OF_TRANSFER = """
select t.payment_id, t.purpose, p.account, p.currency, p.amount_minor
from ledger_transfers t join ledger_postings p using (transfer_id) where transfer_id = $1
"""
LOCK_PAYMENT = "select application_id, state from disbursements where payment_id = $1 for no key update"


PENDING = "The payment is with the bank: what is booked for it is corrected when it has its result."
"""Without what is pending in clearing, the bank's result could never be booked."""


class NoFundingSource(LookupError):
    """No lender's account pays out in this currency, or none has paid this payment out."""


class TransferUnknown(LookupError):
    """The ledger has no transfer with this id."""


class CorrectionRefused(ValueError):
    """A correction that the rules of the ledger do not allow; the sentence says why."""


async def book_payment(
    connection: Connection,
    reached: PaymentState,
    amount: Money,
    *,
    payment_id: UUID,
    new_id: NewId,
    at: datetime,
) -> Rows:
    """Book what a payment's new state means, if it moves money, and the fee once it is paid. The caller's transaction.

    Returns the rows that were written: the caller's audit entry names them.

    A second step of the same kind violates ledger_transfers_once_per_purpose, a second result
    ledger_transfers_resolved_once. Raises NoFundingSource, FundsShort, or LedgerRuleBroken for an amount that is not
    positive.
    """
    funding = await _funding(connection, reached, amount.currency, payment_id)
    transfer = transfer_on(reached, amount, funding=funding)
    if transfer is None:
        return {}
    rows = await book(connection, transfer, transfer_id=new_id(), payment_id=payment_id, at=at)
    fee = await _fee(connection, reached, amount, payment_id)
    if fee is not None:
        rows = merged(rows, await book(connection, fee, transfer_id=new_id(), payment_id=payment_id, at=at))
    return rows


async def _fee(
    connection: Connection, reached: PaymentState, amount: Money, payment_id: UUID
) -> Transfer | None:
    """Charged when a payment is settled, and given back, as it was charged, when that comes back."""
    if reached is PaymentState.SETTLED:
        return origination_fee(amount, await connection.fetchval(ORIGINATION_FEE, amount.currency) or 0)
    if reached is PaymentState.RETURNED:
        charged = await connection.fetchval(FEE_OF_PAYMENT, payment_id)
        return None if charged is None else fee_returned(Money(charged, amount.currency))
    return None


async def _funding(connection: Connection, reached: PaymentState, currency: str, payment_id: UUID) -> str:
    """The lender's account that a state takes from, or gives back to; for other states the usual one, unused."""
    if reached is PaymentState.SUBMITTED:
        funding = await connection.fetchval(FUNDING_OF_CURRENCY, currency)
    elif reached in {PaymentState.FAILED, PaymentState.RETURNED}:
        funding = await connection.fetchval(FUNDING_OF_PAYMENT, payment_id)
    else:
        return LedgerAccount.LENDER_FUNDING
    if funding is None:
        raise NoFundingSource(f"no lender pays {currency}, or none has paid the payment {payment_id}")
    return str(funding)


@dataclass(frozen=True, slots=True)
class Correction:
    """`corrects` is the transfer that was wrong. Two people answer for it: subjects of their tokens."""

    corrects: UUID
    reason: str
    requested_by: str
    approved_by: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise CorrectionRefused("A correction needs a reason.")
        if same_person(self.requested_by, self.approved_by):
            raise CorrectionRefused("A correction needs two people: who asks for it may not approve it.")


async def correct(
    connection: Connection,
    correction: Correction,
    *,
    instead: tuple[Posting, ...] = (),
    new_id: NewId,
    at: datetime,
    actor: str,
) -> UUID:
    """Reverse a transfer, and book `instead` in its place unless that is empty. Returns the reversal's id.

    Raises TransferUnknown, CorrectionRefused, LedgerRuleBroken, FundsShort; UniqueRule when it was reversed before.
    """
    rows = await connection.fetch(POSTINGS_OF_TRANSFER, correction.corrects)
    if not rows:
        raise TransferUnknown(f"the ledger has no transfer {correction.corrects}")
    payment_id = rows[0]["payment_id"]
    if TransferPurpose(rows[0]["purpose"]) is TransferPurpose.REVERSAL:
        raise CorrectionRefused("A reversal is not reversed again: correct what stands in its place.")
    application_id = await _lock_resolved(connection, payment_id)
    wrong = [Posting(row["account"], Money(row["amount_minor"], row["currency"])) for row in rows]
    reversal_id = new_id()
    booked = await book(
        connection,
        reversal_of(wrong),
        transfer_id=reversal_id,
        payment_id=payment_id,
        at=at,
        correction=correction,
    )
    if instead:
        replaced = await book(
            connection,
            Transfer(TransferPurpose.CORRECTION, instead),
            transfer_id=new_id(),
            payment_id=payment_id,
            at=at,
            correction=correction,
        )
        booked = merged(booked, replaced)
    stream = f"payment:{payment_id}" if application_id is None else application_stream(application_id)
    details = {**_details(correction, reversal_id, instead), ROWS: booked}
    await record(connection, AuditEntry(stream, actor, "ledger.corrected", at, correction.reason, details))
    return reversal_id


def _details(correction: Correction, reversal_id: UUID, instead: tuple[Posting, ...]) -> dict[str, object]:
    return {
        "corrects": str(correction.corrects),
        "reversal": str(reversal_id),
        "requestedBy": correction.requested_by,
        "approvedBy": correction.approved_by,
        "instead": [[posting.account, posting.amount.text(), posting.amount.currency] for posting in instead],
    }


async def _lock_resolved(connection: Connection, payment_id: UUID) -> UUID | None:
    """The payment's application, if it has a row. Raises CorrectionRefused while it is with the bank."""
    payment = await connection.fetchrow(LOCK_PAYMENT, payment_id)
    if payment is None:
        return None
    if PaymentState(payment["state"]) in WITH_THE_BANK:
        raise CorrectionRefused(PENDING)
    application_id: UUID = payment["application_id"]
    return application_id


async def book(
    connection: Connection,
    transfer: Transfer,
    *,
    transfer_id: UUID,
    payment_id: UUID,
    at: datetime,
    correction: Correction | None = None,
) -> Rows:
    """One transfer with its postings; returns these rows. Raises FundsShort, and UniqueRule, see book_payment."""
    row = {
        "transfer_id": transfer_id,
        "payment_id": payment_id,
        "purpose": transfer.purpose.value,
        "booked_at": at,
        "corrects": None if correction is None else correction.corrects,
        "reason": None if correction is None else correction.reason,
        "requested_by": None if correction is None else correction.requested_by,
        "approved_by": None if correction is None else correction.approved_by,
    }
    accounts = [str(posting.account) for posting in transfer.postings]
    currencies = [posting.amount.currency for posting in transfer.postings]
    amounts = [posting.amount.amount_minor for posting in transfer.postings]
    statement = BOOK_TRANSFER(**row, accounts=accounts, currencies=currencies, amounts=amounts)
    try:
        with rule_of_check(WITHIN_COMMITMENT):
            await connection.execute(*statement)
    except CheckRule as above:
        raise FundsShort("The lender has committed less than what would be drawn with this.") from above
    return {
        **rows_of(TRANSFERS, [row]),
        **rows_of(
            POSTINGS,
            [
                {"transfer_id": transfer_id, "account": account, "currency": currency, "amount_minor": minor}
                for account, currency, minor in zip(accounts, currencies, amounts, strict=True)
            ],
        ),
    }
