"""A database in which all has happened that money rests on, by the real use cases; and somebody who spoils it."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from fundline.contracts.roles import Role
from fundline.domain.money import Money
from fundline.platform.cache import open_cache
from fundline.platform.clock import new_id, utc_now
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.records.model_changes import record_change
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.review import Review
from fundline.services.application_api.schemas import DecisionRequest, ReassessmentRequest
from fundline.services.operations_api.cases.deeds import CaseResolution
from fundline.services.operations_api.corrections.deeds import LedgerCorrections
from fundline.services.operations_api.corrections.schemas import CorrectionRequest, CorrectTransfer
from fundline.services.operations_api.dead_letters.deeds import DeadLetterReplay
from fundline.services.operations_api.dead_letters.schemas import ApprovalRequest, ReplayRequest
from fundline.services.operations_api.payment_endings.deeds import PaymentEndings
from fundline.services.operations_api.payment_endings.schemas import EndingRequest
from fundline.services.operations_api.payments.deeds import Releases
from support.approved_applications import payment_requested, scoring_completed
from support.bank import Moody, bank_over_http
from support.dead_letters import dead_payment, kept_letter, payment_asked
from support.payment import TestedWorker, worker_on
from support.scoring import Bench, packaged_model
from support.stored import submitted_application
from support.writes import once

UMA = Caller("uma", Role.UNDERWRITER)
OLGA, OTTO = Caller("olga", Role.OPERATOR), Caller("otto", Role.OPERATOR)


class World:
    def __init__(self, database: Database, box: SecretBox, bench: Bench, worker: TestedWorker) -> None:
        self._database, self._box, self._bench, self._worker = database, box, bench, worker

    async def build(self) -> None:
        paid = await self._scored()
        await self._ask_to_pay(paid)
        await self._reviewed_and_released()
        await self._correct_a_transfer(paid)
        await self._replay_a_letter(paid)
        await self._say_what_became_of(paid)
        await self._open_and_resolve_cases()
        async with self._database.transaction() as connection:
            await record_change(
                connection,
                "promoted",
                "scorecard-2",
                source="tests",
                actor="uma",
                reason="Better.",
                share_percent=10,
                figures={"brier": 0.1},
            )

    async def _scored(self, **changes: Any) -> UUID:
        application_id = await submitted_application(self._database, self._box, **changes)
        await self._bench.scoring().score(application_id, event_id=new_id())
        return application_id

    async def _ask_to_pay(self, application_id: UUID) -> None:
        """Both events of an approval arrive."""
        row = await self._database.fetchrow(
            "select amount_minor, currency from applications where application_id = $1", application_id
        )
        assert row is not None
        amount = Money(row["amount_minor"], row["currency"])
        await self._worker.deliver_score(scoring_completed(application_id))
        await self._worker.deliver(payment_requested(application_id, amount))

    async def _reviewed_and_released(self) -> None:
        """Scored twice, approved by uma, released by olga, silent at the bank for a while, and then paid."""
        large = await self._scored(**{"figures.annualRevenue": None, "amount": "600000.00"})
        away = ReassessmentRequest(reason="The model was away.")
        await Reassessment(self._database).request(UMA, large, away, once("uma"))
        await self._bench.scoring().score(large, event_id=new_id())
        approval = DecisionRequest(decision="approve", reason="Accounts seen.")
        await Review(self._database).decide(UMA, large, approval, once("uma"))
        await self._ask_to_pay(large)
        await Releases(self._database).release(OLGA, large, "Papers seen.", once("olga"))
        await self._ask_to_pay(large)

    async def _correct_a_transfer(self, application_id: UUID) -> None:
        corrections = LedgerCorrections(self._database)
        transfer_id = await self._value(
            "select transfer_id from ledger_transfers join disbursements using (payment_id) "
            "where application_id = $1 and purpose = 'payment_settled'",
            application_id,
        )
        back = CorrectTransfer(
            debit="lender_funding", credit="disbursement_clearing", amount="50000.00", currency="USD"
        )
        asked = CorrectionRequest(transfer_id=transfer_id, reason="The bank has taken it back.", instead=back)
        proposed = await corrections.propose(OLGA, asked, once("olga"))
        await corrections.approve(OTTO, proposed.id, "Seen.", once("otto"))

    async def _replay_a_letter(self, application_id: UUID) -> None:
        letter_id = await kept_letter(self._database, dead_payment(application_id))
        replays = DeadLetterReplay(self._database)
        edited = json.loads(payment_asked(application_id, "50000.00"))
        wanted = ReplayRequest(reason="The amount was wrong.", payload=edited)
        await replays.replay(OLGA, letter_id, wanted, once("olga"))
        sent = await self._value(
            "select edited_payload from dead_letters where dead_letter_id = $1", letter_id
        )
        agreed = ApprovalRequest(reason="Seen.", payload_sha256=sha256(sent.encode()).hexdigest())
        await replays.approve(OTTO, letter_id, agreed, once("otto"))

    async def _say_what_became_of(self, application_id: UUID) -> None:
        """A person calls a contradicted payment returned, and then sees that it is not."""
        row = await self._database.fetchrow(
            "select payment_id, transaction_id from disbursements where application_id = $1", application_id
        )
        assert row is not None
        said = NewCase(
            CaseKind.PAYMENT_CONTRADICTED,
            str(row["payment_id"]),
            "It came back, says the bank.",
            application_id,
        )
        async with self._database.transaction() as connection:
            await open_case(connection, said, case_id=new_id(), opened_by="tests", at=utc_now())
        asked = EndingRequest(
            application_id=application_id,
            outcome="returned",
            transaction_id=row["transaction_id"],
            code="account_closed",
            evidence="Letter of the bank of 27 November.",
            reason="The letter says so.",
        )
        endings = PaymentEndings(self._database)
        proposed = await endings.propose(OLGA, asked, once("olga"))
        await endings.withdraw(OTTO, proposed.id, "The letter is about another one.", once("otto"))

    async def _open_and_resolve_cases(self) -> None:
        case_id = new_id()
        async with self._database.transaction() as connection:
            case = NewCase(CaseKind.BANK_MISMATCH, str(new_id()), "It differs.", None, {"difference": "gone"})
            await open_case(connection, case, case_id=case_id, opened_by="tests", at=utc_now())
        for caller in (OLGA, OTTO):
            await CaseResolution(self._database).resolve(caller, case_id, "Explained.", once(caller.subject))

    async def _value(self, sql: str, *arguments: Any) -> Any:
        row = await self._database.fetchrow(sql, *arguments)
        assert row is not None
        return row[0]


async def build_world(database: Database, cache_url: str, account_key_file: Path, folder: Path) -> None:
    cache = await open_cache(CacheSettings(cache_url=cache_url, cache_timeout_ms=1000))
    bench = Bench(database, cache, packaged_model("scorecard-2"))
    async with bank_over_http(folder / "bank.sqlite", Moody()) as bank_url:
        worker = worker_on(database, bank_url, account_key_file)
        await World(database, SecretBox(account_key_file), bench, worker).build()
        await worker.client.close()
    await bench.compute.close()
    await cache.close()


class Spoiler:
    """A superuser whom neither a trigger nor a rule stops; what he edits, he can put back."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def disarm(self) -> None:
        await self._connection.execute("set session_replication_role = replica")
        for table in await self.tables():
            await self._connection.execute(f"alter table {table} disable trigger all")

    async def lift_rules(self) -> None:
        """So that any value can be put anywhere."""
        rules = await self._connection.fetch(
            "select conrelid::regclass::text as name, conname from pg_constraint "
            "where contype in ('c', 'f', 'u') and connamespace = 'public'::regnamespace "
            "order by contype <> 'f'"
        )
        for rule in rules:
            await self._connection.execute(f"alter table {rule['name']} drop constraint {rule['conname']}")
        indexes = await self._connection.fetch(
            "select indexrelid::regclass::text as name from pg_index join pg_class on pg_class.oid = indrelid "
            "where indisunique and not indisprimary and relnamespace = 'public'::regnamespace"
        )
        for index in indexes:
            await self._connection.execute(f"drop index {index['name']}")
        await self._connection.execute("alter table model_changes alter column change drop identity")

    async def tables(self) -> list[str]:
        rows = await self._connection.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
            "and relname <> 'alembic_version' order by relname"
        )
        return [row["relname"] for row in rows]

    async def columns(self, table: str) -> dict[str, str]:
        """Types by names, from the catalogue."""
        rows = await self._connection.fetch(
            "select attname, format_type(atttypid, null) as type from pg_attribute "
            "where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum",
            table,
        )
        return {row["attname"]: row["type"] for row in rows}

    async def edit(self, table: str, column: str, to: str) -> Any:
        """One row; returns what `put_back` takes. `to` is SQL and may use the column."""
        return await self._connection.fetchrow(
            f"update {table} set {column} = {to} where ctid = "  # noqa: S608 - names of our own catalogue
            f"(select ctid from {table} order by ({column} is null), {table}::text limit 1) "
            f"returning old.{column} as before, new.{column} as after, new.ctid as place"
        )

    async def put_back(self, table: str, column: str, edited: Any) -> None:
        done = await self._connection.execute(
            f"update {table} set {column} = $1 where ctid = $2",  # noqa: S608 - names of our own catalogue
            edited["before"],
            edited["place"],
        )
        assert done == "UPDATE 1"

    async def take_out(self, table: str) -> Any:
        """One row; returns what `put_in` takes."""
        return await self._connection.fetchrow(
            f"delete from {table} where ctid = (select min(ctid) from {table}) returning *"  # noqa: S608 - as above
        )

    async def put_in(self, table: str, row: Mapping[str, Any]) -> None:
        values = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self._connection.execute(
            f"insert into {table} ({', '.join(row.keys())}) overriding system value values ({values})",  # noqa: S608 - as above
            *row.values(),
        )

    async def copy(self, table: str, key: str, other: str) -> None:
        """A row once more, under another key."""
        types = await self.columns(table)
        values = ", ".join(other if name == key else name for name in types)
        await self._connection.execute(
            f"insert into {table} overriding system value select {values} from {table} limit 1"  # noqa: S608 - as above
        )

    async def remove_copy(self, table: str, before: Sequence[Any]) -> None:
        await self._connection.execute(f"delete from {table} where ctid <> all($1::tid[])", before)  # noqa: S608 - as above

    async def places(self, table: str) -> list[Any]:
        return [row["ctid"] for row in await self._connection.fetch(f"select ctid from {table}")]  # noqa: S608 - as above


ANOTHER = {
    "text": "coalesce({0}, '') || 'x'",
    "bigint": "coalesce({0}, 0) + 1000",
    "integer": "coalesce({0}, 0) + 1000",
    "smallint": "coalesce({0}, 0) + 1",
    "numeric": "coalesce({0}, 0) + 0.0001",
    "uuid": "gen_random_uuid()",
    "boolean": "not {0}",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "interval": "{0} + interval '1 second'",
    "jsonb": """'[{{"edited": true}}]'""",
    "bytea": r"coalesce({0}, '') || '\x00'",
}
"""By type, SQL for another value of the column."""
