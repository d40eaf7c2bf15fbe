"""The limit of a submission: the very same statement, sent by pgbench.

The parameters are those of an application that was really submitted, read back from the tables. Four of them must
differ from one transaction to the next and are made by the server: key, application id, tracking id, event ids.
"""

import json
import re
import tempfile
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
}
_STORED = """
select json_build_object(
    'p1', a.user_id, 'p3', k.request_hash::text, 'p4', k.response_body, 'p7', a.amount_minor::text,
    'p8', a.currency, 'p9', a.term_months::text, 'p10', a.purpose, 'p11', a.business::text,
    'p12', a.figures::text, 'p13', coalesce(a.jobs::text, '{}'), 'p14', a.metadata::text,
    'p15', a.payout_account::text, 'p16', a.payout_kind, 'p17', a.payout_last4, 'p18', a.created_at::text,
    'p20', o.topics::text, 'p21', o.payloads::text, 'p22', o.headers::text)
from applications a
join idempotency_keys k on k.caller = a.user_id and k.response_body like '%' || a.application_id || '%'
join lateral (
    select array_agg(topic order by position) as topics, array_agg(payload order by position) as payloads,
           array_agg(headers order by position) as headers
    from outbox where key = a.application_id) o on o.topics is not null
order by a.application_id limit 1;
"""


class SubmitLimit:
    """Needs one submitted application whose events are still in the outbox."""

    def __init__(self, site: Site) -> None:
        self._site = site
        stored: dict[str, Any] = json.loads(site.sql(_STORED))
        self._values = {name: str(value) for name, value in stored.items()}
        self.script = _PARAMETER.sub(self._in_pgbench, SUBMIT).strip() + ";\n"

    def transactions_per_second(self, clients: int, duration_s: float) -> float:
        variables = [part for name, value in self._values.items() for part in ("-D", f"{name}={value}")]
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "submit.sql"
            script.write_text(self.script)
            load = [
                "-c",
                str(clients),
                "-j",
                "1",
                "-T",
                f"{duration_s:.0f}",
                "-M",
                "prepared",
                "-f",
                str(script),
            ]
            report = self._site.pgbench(*load, *variables, timeout_s=duration_s + 60)
        return reported_tps(report)

    def _in_pgbench(self, parameter: re.Match[str]) -> str:
        number = int(parameter[1])
        return _MADE_BY_THE_SERVER.get(number, f":p{number}")


def reported_tps(report: str) -> float:
    """Raises ValueError when pgbench reports failed transactions, or nothing."""
    tps, failed = _TPS.search(report), _FAILED.search(report)
    if tps is None or (failed is not None and failed[1] != "0"):
        raise ValueError(f"pgbench did not measure: {report[-500:]}")
    return float(tps[1])
