"""Which applications name an account."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fundline.commands.account_key.command import key_file_of
from fundline.commands.place import open_place
from fundline.contracts.payloads import iso_utc
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database
from fundline.platform.key_ring import KeyFileUnusable
from fundline.platform.refusals import Unavailable
from fundline.platform.secrets import SecretBox
from fundline.records.accounts import IbanAccount, PayoutAccount, UsAccount

_ACCOUNTS = TypeAdapter[Any](PayoutAccount)


LIMIT = 1000


FIND = """
select application_id, tracking_id, user_id, status, created_at from applications
where payout_index = $1 order by application_id limit $2
"""


def parsed(text: str) -> IbanAccount | UsAccount:
    """Raises CommandFailed, which does not repeat what was typed."""
    words = text.split()
    is_us = len(words) == 2 and all(word.isdecimal() for word in words)  # noqa: PLR2004 - routing, account
    form = (
        {"type": "us", "routingNumber": words[0], "accountNumber": words[1]}
        if is_us
        else {"type": "iban", "iban": "".join(words)}
    )
    try:
        account: IbanAccount | UsAccount = _ACCOUNTS.validate_python(form)
    except ValidationError:
        raise CommandFailed(
            "This is not an account: give an IBAN, or nine digits of a US routing number, a space, "
            "and the account number."
        ) from None
    return account


async def find_applications(
    home: Path | None, account: IbanAccount | UsAccount, who: str, reason: str
) -> list[dict[str, str]]:
    try:
        index = SecretBox(key_file_of(home)).blind_index(account.identity)
        database = await open_place(home)
        try:
            return await look_up(database, index, account.last4, who, reason)
        finally:
            await database.close()
    except KeyFileUnusable as error:
        raise CommandFailed(f"The keys cannot be used: {error}.") from error
    except Unavailable as error:
        raise CommandFailed("The database does not answer.") from error


async def look_up(
    database: Database, index: bytes, last4: str, who: str, reason: str
) -> list[dict[str, str]]:
    """Oldest first, at most 1000. The look-up is on record; the account is not."""
    async with database.transaction() as connection:
        rows = await connection.fetch(FIND, index, LIMIT)
        details = {"last4": last4, "applications": len(rows)}
        await record(
            connection,
            AuditEntry("accounts", f"command-line:{who}", "account.looked_up", utc_now(), reason, details),
        )
    return [
        {
            "applicationId": str(row["application_id"]),
            "trackingId": row["tracking_id"],
            "userId": row["user_id"],
            "status": row["status"],
            "createdAt": iso_utc(row["created_at"]),
        }
        for row in rows
    ]
