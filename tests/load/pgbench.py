"""The limit of a submission: the very same statement, sent by pgbench.

The parameters are those of an application that was really submitted, read back from the tables. Six of them must
differ from one transaction to the next and are made by the server: key, application id, tracking id, event ids, stream,
and whose submissions are counted.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fundline.services.application_api.store import SUBMIT
from load.site import Site

_TPS = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+) ", re.MULTILINE)
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_MADE_BY_THE_SERVER = {
    "key": "gen_random_uuid()::text",
    "application_id": "uuidv7()",
    "tracking_id": "left('FL-' || gen_random_uuid()::text, 17)",
    "event_ids": "array[uuidv7(), uuidv7(), uuidv7()]",
    "stream": "'application:' || gen_random_uuid()",
    "quota_subject": "'bench-' || floor(random() * 200)",
}
_STORED = """
select json_build_object(
    'caller', a.user_id, 'submitted_as', a.submitted_as, 'allowed', '1000000',
    'window_since', (a.created_at - interval '1 hour')::text,
    'request_hash', k.request_hash::text, 'response_status', k.response_status::text,
    'response_body', k.response_body, 'user_id', a.user_id, 'amount_minor', a.amount_minor::text,
    'currency', a.currency, 'term_months', a.term_months::text, 'purpose', a.purpose,
    'revolving', a.revolving::text, 'business', a.business::text, 'figures', a.figures::text,
    'jobs', coalesce(a.jobs::text, '{}'), 'metadata', a.metadata::text, 'payout_account', a.payout_account::text,
    'payout_index', a.payout_index::text, 'payout_kind', a.payout_kind, 'payout_last4', a.payout_last4,
    'created_at', a.created_at::text, 'status', 'processing', 'status_sequence', '1', 'actor', e.actor,
    'action', e.action, 'details', e.details, 'evidence_hash', e.evidence_hash::text, 'hash', e.hash::text,
    'topics', o.topics::text, 'payloads', o.payloads::text, 'headers', o.headers::text)
from (select key as application_id from outbox order by position limit 1) chosen
join applications a using (application_id)
join audit_entries e on e.stream = 'application:' || a.application_id and e.sequence = 1
join idempotency_keys k on k.caller = a.user_id and k.response_body::json ->> 'id' = a.application_id::text
cross join lateral (
    select array_agg(topic order by position) as topics, array_agg(payload order by position) as payloads,
           array_agg(headers order by position) as headers
    from outbox where key = a.application_id) o
limit 1;
"""


class SubmitScript:
    """Needs one submitted application whose events are still in the outbox.

    `made_by_the_server` are further parameters, by name, with the SQL that takes their place.
    """

    def __init__(self, site: Site, made_by_the_server: Mapping[str, str] | None = None) -> None:
        self._site = site
        stored: dict[str, Any] = json.loads(site.sql(_STORED))
        self._values = {name: str(value) for name, value in stored.items()}
        made = _MADE_BY_THE_SERVER | dict(made_by_the_server or {})
        self._text = _NAME.sub(lambda name: made.get(name[1], name[0]), SUBMIT.named).strip() + ";\n"

    def run(self, clients: int, duration_s: float, rate: float | None = None) -> float:
        """Transactions per second; as many as possible without a `rate`."""
        variables = [part for name, value in self._values.items() for part in ("-D", f"{name}={value}")]
        pace = [] if rate is None else ["-R", str(rate)]
        load = ["-c", str(clients), "-T", f"{duration_s:.0f}", *pace]
        return run_script(self._site, self._text, *load, *variables, timeout_s=duration_s + 60)


def run_script(site: Site, text: str, *arguments: str, timeout_s: float) -> float:
    """Transactions per second of a pgbench script, one thread, prepared statements.

    Raises ValueError when pgbench reports failed transactions, or nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(text)
        report = site.pgbench("-j", "1", "-M", "prepared", "-f", str(script), *arguments, timeout_s=timeout_s)
    tps, failed = _TPS.search(report), _FAILED.search(report)
    if tps is None or (failed is not None and failed[1] != "0"):
        raise ValueError(f"pgbench did not measure: {report[-500:]}")
    return float(tps[1])
