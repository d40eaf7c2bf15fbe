"""Columns on which no money rests, each with the reason; what is not here is recorded in the audit trail."""

TABLES_WITHOUT_MONEY = {
    "agreements": "what somebody asks for; the deed is an entry of the trail with both people in it",
    "audit_entries": "the trail itself: its chains and anchors hold it",
    "audit_streams": "the trail itself: its chains and anchors hold it",
    "outbox": "delivery: an event on its way; a worker compares what it says with the application's row",
    "consumer_suspects": "delivery: what a consumer had in hand when its process died",
    "case_notes": "sentences for people; the trail has each one",
    "inbox": "delivery: which event was handled; a repeat neither scores nor pays again",
    "idempotency_keys": "delivery: answers given within the last 48 hours",
    "funding_balances": "sums of postings and commitments, which are recorded; `ledger verify` adds them up again",
    "reference_countries": "which countries there are: a request is checked by it",
    "reference_regions": "which regions there are: a request is checked by it",
    "submission_quotas": "how many applications a subject has submitted lately: 429, and nothing else",
    "scoring_lanes": "which lane a request takes: the same score, sooner or later",
    "dead_letter_arrivals": "delivery: which message of a dead-letter topic made which letter",
    "notification_preferences": "who is told, and how",
    "email_codes": "who is told, and how",
    "webhook_endpoints": "who is told, and how",
    "notifications": "what was told",
    "notification_attempts": "what was told",
    "reconciliation_attempts": "how often a state was helped on; it is bounded, then a person has it",
    "reconciliation_runs": "what the reconciler has found before",
    "bank_statement_cursors": "a place in the bank's statement; a full run begins at its first line",
    "bank_statement_lines": "a copy of the bank's statement, which a full run reads and compares again",
}
NO_MONEY = {
    "disbursements": {
        "accepted_at": "that the bank has said it has the order: when to ask again",
        "next_step_at": "when a sweep asks again",
        "steps": "how often a sweep has asked",
    },
    "ledger_transfers": {"booked_in": "the number of the database's transaction"},
    "ledger_accounts": {"description": "text for people"},
    "state_deadlines": {"runbook": "which page helps"},
    "reference_sectors": {"name": "text for people"},
    "reference_states": {"name": "text for people"},
    "cases": {"summary": "a sentence for people, made of the other columns"},
    "dead_letters": {
        "headers": "the envelope; what is paid is in the payload, and compared with the application",
        "cause": "text for people",
        "attempts": "how often it was tried",
        "first_failed_at": "when it was tried",
        "last_failed_at": "when it was tried",
        "reason": "text for people; the trail's entries have each one",
    },
}
ON_EVIDENCE = [("risk_assessments", "evidence")]
"""Compared by the hash that the assessment's entry holds."""
