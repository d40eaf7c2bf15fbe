"""Every column that money rests on: what the audit trail records of each table, and why it does not record the rest.

A test walks the database's own catalogue: a column that stands in neither list fails it.
"""

from fundline.platform.audit.rows import RecordedTable
from fundline.records.application_record import COLUMNS

CONFIGURATION_STREAM = "configuration"
CONFIGURATION_RECORDED = "configuration.recorded"
"""The action of an entry that names every row of every table of the configuration."""
_OF_APPLICATION = "'application:' || t.application_id"
_OF_PAYMENT = "coalesce('application:' || d.application_id, 'payment:' || {}.payment_id)"
_CONFIGURATION = f"'{CONFIGURATION_STREAM}'"

APPLICATIONS = RecordedTable(
    "applications",
    {"application_id": "uuid"},
    (*(name for name in COLUMNS if name != "application_id"), "status", "status_sequence", "updated_at"),
    _OF_APPLICATION,
    json=frozenset(name for name, type_ in COLUMNS.items() if type_ == "jsonb"),
    hidden=frozenset({"payout_last4"}),
)
HISTORY = RecordedTable(
    "application_status_history",
    {"application_id": "uuid", "sequence": "int"},
    ("status", "occurred_at", "actor", "metadata"),
    _OF_APPLICATION,
    json=frozenset({"metadata"}),
)
ASSESSMENTS = RecordedTable(
    "risk_assessments",
    {"application_id": "uuid", "assessment": "int"},
    (
        "risk_score", "verdict", "principal_reasons", "model_version", "policy_version", "assessed_at", "model_asked",
        "fallback_cause", "shadow",
    ),
    _OF_APPLICATION,
    json=frozenset({"principal_reasons", "shadow"}),
)  # fmt: skip
DECISIONS = RecordedTable(
    "underwriter_decisions",
    {"application_id": "uuid"},
    ("decision", "reason", "principal_reasons", "decided_by", "decided_at"),
    _OF_APPLICATION,
    json=frozenset({"principal_reasons"}),
)
PAYMENTS = RecordedTable(
    "disbursements",
    {"payment_id": "uuid"},
    (
        "application_id", "amount_minor", "currency", "state", "transaction_id", "failure_code", "created_at",
        "requested_at", "approved_by", "needs_release", "released_by", "released_at", "release_reason", "order_text",
        "submitted_at", "unknown_since", "finished_at", "escalated_at", "returned_at", "return_code", "replaced_at",
    ),
    _OF_APPLICATION,
    hidden=frozenset({"order_text"}),
)  # fmt: skip
TRANSFERS = RecordedTable(
    "ledger_transfers",
    {"transfer_id": "uuid"},
    ("payment_id", "purpose", "booked_at", "corrects", "reason", "requested_by", "approved_by"),
    _OF_PAYMENT.format("t"),
    joins="left join disbursements d using (payment_id)",
)
POSTINGS = RecordedTable(
    "ledger_postings",
    {"transfer_id": "uuid", "account": "text", "currency": "text"},
    ("amount_minor",),
    _OF_PAYMENT.format("l"),
    joins="left join ledger_transfers l on l.transfer_id = t.transfer_id "
    "left join disbursements d on d.payment_id = l.payment_id",
)
CORRECTIONS = RecordedTable(
    "ledger_corrections",
    {"correction_id": "uuid"},
    (
        "transfer_id", "instead", "reason", "state", "requested_by", "requested_at", "decided_by", "decided_at",
        "reversal_id",
    ),
    _OF_PAYMENT.format("l"),
    joins="left join ledger_transfers l on l.transfer_id = t.transfer_id "
    "left join disbursements d on d.payment_id = l.payment_id",
    json=frozenset({"instead"}),
)  # fmt: skip
PAYMENT_ENDINGS = RecordedTable(
    "payment_endings",
    {"ending_id": "uuid"},
    (
        "payment_id", "outcome", "transaction_id", "code", "evidence", "reason", "state", "requested_by",
        "requested_at", "decided_by", "decided_at",
    ),
    _OF_PAYMENT.format("t"),
    joins="left join disbursements d using (payment_id)",
)  # fmt: skip
CASES = RecordedTable(
    "cases",
    {"case_id": "uuid"},
    (
        "kind", "subject", "application_id", "details", "state", "opened_by", "opened_at", "resolved_by",
        "resolved_at", "resolution", "proposed_by", "proposed_at", "proposed_resolution",
    ),
    "coalesce('application:' || t.application_id, 'case:' || t.subject)",
    json=frozenset({"details"}),
)  # fmt: skip
DEAD_LETTERS = RecordedTable(
    "dead_letters",
    {"dead_letter_id": "uuid"},
    (
        "topic", "consumer_group", "event_id", "key", "application_id", "payload", "moves_money", "state", "replays",
        "edited_payload", "requested_by", "settled_by", "settled_at",
    ),
    "'dead-letter:' || t.dead_letter_id",
    hidden=frozenset({"edited_payload"}),
)  # fmt: skip
MODEL_CHANGES = RecordedTable(
    "model_changes",
    {"change": "bigint"},
    ("changed_at", "actor", "action", "model_version", "share_percent", "reason", "figures"),
    "'model:' || t.model_version",
    json=frozenset({"figures"}),
)
FUNDING_COMMITMENTS = RecordedTable(
    "funding_commitments",
    {"commitment_id": "uuid"},
    (
        "account", "currency", "amount_minor", "reason", "state", "requested_by", "requested_at", "decided_by",
        "decided_at",
    ),
    _CONFIGURATION,
)  # fmt: skip
"""The first by migration, further ones by two people; all in the stream of the configuration."""
CONFIGURATION = (
    RecordedTable("payment_release_limits", {"currency": "text"}, ("paid_without_minor",), _CONFIGURATION),
    RecordedTable("ledger_accounts", {"account": "text"}, ("kind", "role"), _CONFIGURATION),
    RecordedTable("funding_sources", {"currency": "text"}, ("account", "role"), _CONFIGURATION),
    FUNDING_COMMITMENTS,
    RecordedTable("fee_policies", {"currency": "text"}, ("origination_basis_points",), _CONFIGURATION),
    RecordedTable(
        "state_deadlines", {"what": "text", "state": "text"}, ("deadline", "owner"), _CONFIGURATION
    ),
    RecordedTable(
        "reference_sectors", {"sector_code": "text"}, ("default_rate", "revenue_volatility"), _CONFIGURATION
    ),
    RecordedTable("reference_states", {"state_code": "text"}, ("default_rate",), _CONFIGURATION),
)
"""Written by migrations only, but for commitments; each run of them that changed the schema records all of it."""

RECORDED: tuple[RecordedTable, ...] = (
    APPLICATIONS, HISTORY, ASSESSMENTS, DECISIONS, PAYMENTS, TRANSFERS, POSTINGS, CORRECTIONS, PAYMENT_ENDINGS, CASES,
    DEAD_LETTERS, MODEL_CHANGES, *CONFIGURATION,
)  # fmt: skip
BY_NAME = {table.name: table for table in RECORDED}
