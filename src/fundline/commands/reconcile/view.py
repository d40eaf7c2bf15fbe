"""What `fundline reconcile` shows: to people as lines, to programs as JSON."""

from typing import Any

from fundline.contracts.payloads import iso_utc
from fundline.services.reconciler.findings import Run


def run_json(run: Run) -> dict[str, Any]:
    return {
        "runId": str(run.run_id),
        "startedAt": iso_utc(run.started_at),
        "finishedAt": iso_utc(run.finished_at),
        "full": run.is_full,
        "clean": run.is_clean,
        "found": run.found(),
        "repaired": run.repaired(),
        "casesOpened": run.cases_opened(),
        "unchecked": run.unchecked,
        "findings": [
            {
                "trouble": finding.trouble.value,
                "subject": finding.subject,
                "sentence": finding.sentence,
                "repaired": finding.is_repaired,
                "openedCase": finding.opened_case,
            }
            for finding in run.findings
        ],
    }


def show_run(run: Run) -> str:
    """A line for each finding, and one for the run."""
    lines = [
        f"{'repaired' if finding.is_repaired else 'case':<8}  {finding.sentence}" for finding in run.findings
    ]
    lines += [f"unchecked {sentence}" for sentence in run.unchecked.values()]
    if run.is_clean and not run.findings:
        return "Nothing is stuck, and nothing differs."
    found, repaired = len(run.findings), sum(run.repaired().values())
    return "\n".join([*lines, f"{found} found, {repaired} repaired, {run.cases_opened()} cases opened."])
