"""The limit of a submission: the very same statement, sent by pgbench.

The parameters are those of an application that was really submitted, read back from the tables. Five of them must
differ from one transaction to the next and are made by the server: key, application id, tracking id, event ids, stream.
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
_PARAMETER = re.compile(r"\$(\d+)")
_MADE_BY_THE_SERVER = {
    2: "gen_random_uuid()::text",
    5: "uuidv7()",
    6: "left('FL-' || gen_random_uuid()::text, 17)",
    19: "array[uuidv7(), uuidv7(), uuidv7()]",
    25: "'application:' || gen_random_uuid()",
}
_STORED = """
select json_build_object(
    'p1', a.user_id, 'p3', k.request_hash::text, 'p4', k.response_body, 'p7', a.amount_minor::text,
    'p8', a.currency, 'p9', a.term_months::text, 'p10', a.purpose, 'p11', a.business::text,
    'p12', a.figures::text, 'p13', coalesce(a.jobs::text, '{}'), 'p14', a.metadata::text,
    'p15', a.payout_account::text, 'p16', a.payout_kind, 'p17', a.payout_last4, 'p18', a.created_at::text,
    'p20', o.topics::text, 'p21', o.payloads::text, 'p22', o.headers::text, 'p23', a.revolving::text,
    'p24', e.actor, 'p26', e.action, 'p27', e.details, 'p28', e.evidence_hash::text, 'p29', e.hash::text,
    'p30', a.payout_index::text, 'p31', k.response_status::text)
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

    `made_by_the_server` are further parameters, by number, with the SQL that takes their place.
    """

    def __init__(self, site: Site, made_by_the_server: Mapping[int, str] | None = None) -> None:
        self._site = site
        stored: dict[str, Any] = json.loads(site.sql(_STORED))
        self._values = {name: str(value) for name, value in stored.items()}
        made = _MADE_BY_THE_SERVER | dict(made_by_the_server or {})
        self._text = _PARAMETER.sub(lambda p: made.get(int(p[1]), f":p{p[1]}"), SUBMIT).strip() + ";\n"

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
