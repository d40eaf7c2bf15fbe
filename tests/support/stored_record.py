"""The one place of the tests that puts an application into the database past the API: in the shape that it writes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fundline.domain.tracking import tracking_id
from fundline.platform.clock import new_id
from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.records.application_record import INSERT, ApplicationRecord, SealedAccount
from support.applications import an_application

STORE = Sql(INSERT)
NO_ACCOUNT = SealedAccount(sealed=b"", index=None, kind="us", last4="1234")
AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def a_record(**changes: Any) -> ApplicationRecord:
    """Of a sound application without an account, with changes by field."""
    request, application_id = an_application(), new_id()
    record = ApplicationRecord(
        application_id=application_id,
        tracking_id=tracking_id(application_id.int),
        user_id="alice",
        amount=request.money,
        term_months=request.term_months,
        purpose=request.purpose,
        revolving=request.revolving,
        business=request.business,
        figures=request.figures,
        jobs=request.jobs,
        metadata=request.metadata or {},
        account=NO_ACCOUNT,
        created_at=AT,
    )
    return replace(record, **changes)


async def store_record(
    database: Database | Connection,
    record: ApplicationRecord,
    *,
    status: str = "processing",
    sequence: int = 1,
) -> None:
    await database.execute(*STORE(**record.row(), status=status, status_sequence=sequence))
