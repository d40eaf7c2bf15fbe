"""Whether the trail says everything: each change that the tables know of has its entry, with the right evidence.

A chain shows that what was written stands as it was; this shows that what happened was written.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fundline.platform.audit.findings import Finding
from fundline.platform.audit.trail import frozen_form
from fundline.platform.database import Database

PAGE_ROWS = 1000


def _detail(name: str) -> str:
    """A field of an entry's details; null where somebody has made them no JSON: the chain shows that."""
    return f"case when e.details is json object then e.details::jsonb ->> '{name}' end"


@dataclass(frozen=True, slots=True)
class Covered:
    """One table whose rows must each have an entry.

    `page` selects `key` (to go on after), `stream`, `what` (a sentence's subject) and whatever `entry` compares;
    `entry` is the condition for an entry `e` of the row `t`.
    """

    table: str
    first: tuple[Any, ...]
    key: tuple[str, ...]
    page: str
    entry: str

    def sql(self) -> str:
        return f"""
with t as materialized ({self.page})
select t.*, exists (select from audit_entries e where e.stream = t.stream and {self.entry}) as covered
from t order by {", ".join(f"t.{name}" for name in self.key)}
"""  # noqa: S608 - our own texts


_SUBJECT = "substr(e.actor, strpos(e.actor, ':') + 1)"
_NO_ID = "00000000-0000-0000-0000-000000000000"
COVERED: tuple[Covered, ...] = (
    Covered(
        "application_status_history",
        (_NO_ID, 0),
        ("application_id", "sequence"),
        """select application_id, sequence, 'application:' || application_id as stream,
               'application.' || status as action, 'status ' || status || ' (' || sequence || ')' as what
           from application_status_history where (application_id, sequence) > ($1::uuid, $2::int)
           order by application_id, sequence limit $3""",
        f"e.action = t.action and {_detail('sequence')} = t.sequence::text",
    ),
    Covered(
        "underwriter_decisions",
        (_NO_ID,),
        ("application_id",),
        """select application_id, 'application:' || application_id as stream, decision, reason, decided_by,
               'the underwriter''s decision to ' || decision as what
           from underwriter_decisions where application_id > $1::uuid order by application_id limit $2""",
        f"""e.action = 'review.decided' and e.reason = t.reason and {_detail("decision")} = t.decision
            and {_SUBJECT} = t.decided_by""",
    ),
    Covered(
        "model_changes",
        (0,),
        ("change",),
        """select change, 'model:' || model_version as stream, 'model.' || action as action,
               'change ' || change || ', ' || action as what
           from model_changes where change > $1::bigint order by change limit $2""",
        f"e.action = t.action and {_detail('change')} = t.change::text",
    ),
    Covered(
        "disbursements",
        (_NO_ID, ""),
        ("payment_id", "action"),
        """select d.payment_id, step.action, 'application:' || d.application_id as stream,
               'the ' || step.action || ' of ' || d.payment_id as what
           from disbursements d cross join lateral (values
               ('payment.requested', d.requested_at), ('payment.released', d.released_at),
               ('payment.submitted', case when d.order_text is not null then d.submitted_at end),
               ('payment.unknown', d.unknown_since), ('payment.escalated', d.escalated_at),
               (case when d.state in ('settled', 'returned') then 'payment.settled' else 'payment.failed' end,
                d.finished_at),
               ('payment.returned', d.returned_at)
           ) step (action, at)
           where step.at is not null and (d.payment_id, step.action) > ($1::uuid, $2::text)
           order by d.payment_id, step.action limit $3""",
        f"e.action = t.action and {_detail('paymentId')} = t.payment_id::text",
    ),
    Covered(
        "cases",
        (_NO_ID,),
        ("case_id",),
        """select case_id, 'the case ' || case_id as what,
               coalesce('application:' || application_id, 'case:' || subject) as stream
           from cases where case_id > $1::uuid order by case_id limit $2""",
        f"e.action = 'case.opened' and {_detail('caseId')} = t.case_id::text",
    ),
    Covered(
        "case_notes",
        (_NO_ID,),
        ("note_id",),
        """select n.note_id, 'the note ' || n.note_id as what,
               coalesce('application:' || c.application_id, 'case:' || c.subject) as stream
           from case_notes n join cases c using (case_id) where n.note_id > $1::uuid order by n.note_id limit $2""",
        f"e.action = 'case.noted' and {_detail('noteId')} = t.note_id::text",
    ),
    Covered(
        "resolved cases",
        (_NO_ID,),
        ("case_id",),
        """select case_id, 'the end of the case ' || case_id as what,
               coalesce('application:' || application_id, 'case:' || subject) as stream
           from cases where case_id > $1::uuid and state = 'resolved' order by case_id limit $2""",
        f"e.action = 'case.resolved' and {_detail('caseId')} = t.case_id::text",
    ),
    Covered(
        "ledger_transfers",
        (_NO_ID,),
        ("transfer_id",),
        """select transfer_id, 'the reversal ' || transfer_id as what,
               coalesce('application:' || d.application_id, 'payment:' || l.payment_id) as stream
           from ledger_transfers l left join disbursements d using (payment_id)
           where transfer_id > $1::uuid and purpose = 'reversal' order by transfer_id limit $2""",
        f"e.action = 'ledger.corrected' and {_detail('reversal')} = t.transfer_id::text",
    ),
    Covered(
        "dead_letters",
        (_NO_ID,),
        ("dead_letter_id",),
        """select dead_letter_id, 'dead-letter:' || dead_letter_id as stream, 'the dead letter' as what
           from dead_letters where dead_letter_id > $1::uuid order by dead_letter_id limit $2""",
        "e.action = 'deadletter.kept'",
    ),
    Covered(
        "settled dead_letters",
        (_NO_ID,),
        ("dead_letter_id",),
        """select dead_letter_id, 'dead-letter:' || dead_letter_id as stream, 'deadletter.' || state as action,
               settled_by, 'that it was ' || state as what
           from dead_letters where dead_letter_id > $1::uuid and state in ('replayed', 'discarded', 'resolved')
           order by dead_letter_id limit $2""",
        f"e.action = t.action and {_SUBJECT} = t.settled_by",
    ),
)

ASSESSMENTS = f"""
with t as materialized (
    select application_id, assessment, 'application:' || application_id as stream, evidence::text
    from risk_assessments where (application_id, assessment) > ($1::uuid, $2::int)
    order by application_id, assessment limit $3
)
select t.*, recorded.evidence_hash from t left join lateral (
    select e.evidence_hash from audit_entries e
    where e.stream = t.stream and e.action = 'assessment.recorded'
      and {_detail("assessment")} = t.assessment::text
    limit 1
) recorded on true
order by t.application_id, t.assessment
"""  # noqa: S608 - our own texts


async def check_coverage(database: Database) -> AsyncIterator[Finding]:
    """Rows without their entry, and decisions whose evidence is not what was recorded. Raises DatabaseUnavailable."""
    for covered in COVERED:
        async for finding in _check_table(database, covered):
            yield finding
    async for finding in _check_evidence(database):
        yield finding


async def _check_table(database: Database, covered: Covered) -> AsyncIterator[Finding]:
    sql, after = covered.sql(), covered.first
    while rows := await database.fetch(sql, *after, PAGE_ROWS):
        for row in rows:
            if not row["covered"]:
                sentence = f"{row['stream']}: {row['what']} in {covered.table} has no entry in the trail."
                yield Finding("not_covered", sentence, row["stream"])
        after = tuple(rows[-1][name] for name in covered.key)


async def _check_evidence(database: Database) -> AsyncIterator[Finding]:
    after: tuple[Any, ...] = (_NO_ID, 0)
    while rows := await database.fetch(ASSESSMENTS, *after, PAGE_ROWS):
        for row in rows:
            stream, number = row["stream"], row["assessment"]
            if row["evidence_hash"] is None:
                sentence = f"{stream}: assessment {number} has no entry in the trail."
                yield Finding("not_covered", sentence, stream)
            elif row["evidence_hash"] != evidence_hash(row["evidence"]):
                sentence = (
                    f"{stream}: risk_assessments.evidence of assessment {number} is not what was recorded: "
                    "it was edited."
                )
                yield Finding(
                    "evidence_changed",
                    sentence,
                    stream,
                    table="risk_assessments",
                    column="evidence",
                    row=f"{row['application_id']} {number}",
                )
        after = (rows[-1]["application_id"], rows[-1]["assessment"])


def evidence_hash(stored: str) -> bytes:
    """What the trail keeps of evidence, made from its stored form."""
    return sha256(frozen_form(stored)).digest()
