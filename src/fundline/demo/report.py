"""The end of a run, for people and for programs."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fundline.demo.display import STYLES
from fundline.demo.latency import Percentiles
from fundline.demo.models import ModelDecisions
from fundline.demo.outcome import Outcome
from fundline.demo.plan import WHAT_IS_REAL
from fundline.domain.application import ApplicationStatus

SHOWN_REASONS = 6
BAR_WIDTH = 30
TEXT_WIDTH = 110


def report_object(outcome: Outcome) -> dict[str, Any]:
    """The one JSON object. Times in milliseconds, null when nothing was measured."""
    accepted = outcome.accepted()
    report: dict[str, Any] = {
        "submitted": len(accepted),
        "by_status": outcome.by_status(),
        "lost": len(outcome.lost()),
        "paid_twice": outcome.checks.paid_twice,
        "ledger_balanced": outcome.checks.ledger_balanced,
        "bank_matches": outcome.checks.bank_matches,
        "accept_ms": _milliseconds(outcome.accept_ms()),
        "decided_ms": _milliseconds(outcome.decided_ms()),
        "paid_ms": _milliseconds(outcome.paid_ms()),
        "paid_out": {
            currency: {"payments": times, "amount": amount.text()}
            for currency, (times, amount) in outcome.paid_out().items()
        },
        "principal_reasons": {reason.code: reason.times for reason in outcome.reasons},
        "models": {one.model: _model_object(one) for one in outcome.models},
        "repeated_requests": sum(journey.repeats for journey in outcome.journeys),
        "stream_reconnects": sum(journey.reconnects for journey in outcome.journeys),
        "unhappy": {episode.name: not episode.problem for episode in outcome.unhappy},
        "seed": outcome.seed,
        "problems": outcome.problems(),
    }
    if outcome.chaos_seed is not None:
        report["chaos_seed"] = outcome.chaos_seed
        report["killed"] = [
            {"instance": kill.instance, "at_ms": kill.at_ms, "back_after_ms": kill.back_after_ms}
            for kill in outcome.kills
        ]
    return report


def print_report(outcome: Outcome, console: Console) -> None:
    """Outcomes, reasons, latency, kills, the three checks, the unhappy part, and what is real in the data."""
    _section(console, "Outcomes", _outcomes(outcome))
    paid = ", ".join(f"{c} {amount.decimal():,} in {n}" for c, (n, amount) in outcome.paid_out().items())
    if paid:
        console.print(Padding(Text(f"paid out: {paid} payments", style="dim"), (0, 0, 0, 2), expand=False))
    if outcome.reasons:
        _section(console, "Principal reasons of what was rejected or referred", _reasons(outcome))
    if outcome.models:
        _section(console, "Models that decided, by applicant; the other one looked on", _models(outcome))
        _print_fallbacks(outcome, console)
    _section(console, "Latency at the client, from sending the application, in ms", _latencies(outcome))
    if outcome.chaos_seed is not None:
        _section(console, f"Killed with -9, from chaos seed {outcome.chaos_seed}", _kills(outcome))
    _section(console, "Checks", _checks(outcome))
    if outcome.unhappy:
        _section(console, "The unhappy part, one application each", _unhappy(outcome))
    console.print()
    told = Text(WHAT_IS_REAL.format(seed=outcome.seed), style="dim")
    console.print(told, width=min(TEXT_WIDTH, console.width))


def _section(console: Console, title: str, content: Table) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(content, (0, 0, 0, 2), expand=False))


def _outcomes(outcome: Outcome) -> Table:
    table = Table.grid(padding=(0, 2))
    counted = outcome.by_status()
    total = max(1, len(outcome.journeys))
    for name, count in sorted(counted.items(), key=lambda entry: -entry[1]):
        style = STYLES[ApplicationStatus(name)]
        bar = ProgressBar(total, count, width=BAR_WIDTH, complete_style=style, finished_style=style)
        share = Text(f"{100 * count / total:.0f} %", style="dim", justify="right")
        table.add_row(
            Text(name.replace("_", " "), style=style), Text(str(count), justify="right"), share, bar
        )
    return table


def _reasons(outcome: Outcome) -> Table:
    table = Table.grid(padding=(0, 2))
    for reason in outcome.reasons[:SHOWN_REASONS]:
        table.add_row(Text(str(reason.times), justify="right"), Text(reason.sentence))
    return table


def _models(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("")
    table.add_column("")
    for name in ("applicants", "share", "approved", "rejected", "referred", "mean\nscore", "shadow\nagrees"):
        table.add_column(name, justify="right")
    everybody = sum(one.applicants for one in outcome.models)
    for one in outcome.models:
        counts = (one.approved, one.rejected, one.referred)
        table.add_row(
            one.model,
            Text(one.role or "", style="dim"),
            str(one.applicants),
            f"{100 * one.applicants / everybody:.0f} %",
            *(str(count) for count in counts),
            f"{one.mean_score:.4f}",
            f"{100 * one.shadow_agrees / one.shadowed:.0f} %" if one.shadowed else "-",
        )
    return table


def _print_fallbacks(outcome: Outcome, console: Console) -> None:
    fallbacks = sum(one.fallbacks for one in outcome.models)
    if fallbacks:
        told = f"of these decisions, without an answer of the model and so left to a person: {fallbacks}"
        console.print(Padding(Text(told, style="dim"), (0, 0, 0, 2), expand=False))


def _model_object(one: ModelDecisions) -> dict[str, Any]:
    counts = asdict(one)
    del counts["model"]
    return counts | {"mean_score": round(one.mean_score, 4)}


def _latencies(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("")
    for name in Percentiles._fields:
        table.add_column(name.upper(), justify="right")
    measured = (
        ("accepted", outcome.accept_ms()),
        ("decided", outcome.decided_ms()),
        ("paid", outcome.paid_ms()),
    )
    for name, figures in measured:
        table.add_row(name, *(f"{value:,.1f}" for value in figures) if figures else ("-",) * 3)
    return table


def _kills(outcome: Outcome) -> Table:
    table = Table.grid(padding=(0, 2))
    for kill in outcome.kills:
        back = (
            "did not come back"
            if kill.back_after_ms is None
            else f"healthy again after {_s(kill.back_after_ms)}"
        )
        table.add_row(Text(kill.instance, style="red"), f"at {_s(kill.at_ms)}", back)
    repeats = sum(journey.repeats for journey in outcome.journeys)
    reconnects = sum(journey.reconnects for journey in outcome.journeys)
    table.add_row(
        Text("clients", style="dim"), f"{repeats} requests repeated", f"{reconnects} streams reopened"
    )
    return table


def _checks(outcome: Outcome) -> Table:
    checks, accepted, lost = outcome.checks, outcome.accepted(), outcome.lost()
    paid = sum(line.is_paid for line in checks.statement)
    table = Table.grid(padding=(0, 1))
    lines = (
        (
            checks.ledger_balanced,
            "debits = credits",
            f"{checks.books.postings} postings of {checks.books.transfers} transfers sum to zero",
        ),
        (
            checks.bank_matches and not checks.paid_twice,
            "our payouts = the bank's statement",
            f"{paid} payments, one to one, none twice",
        ),
        (
            not lost and not checks.unsettled and len(accepted) == len(outcome.journeys),
            "nothing lost",
            f"{len(accepted) - len(lost)} of {len(outcome.journeys)} are final or in review, as their streams told",
        ),
    )
    for holds, name, detail in lines:
        told = Text(detail, style="dim") if holds else Text("does not hold, see below", style="red")
        table.add_row(_mark(holds), Text(f"{name} "), told)
    return table


def _unhappy(outcome: Outcome) -> Table:
    table = Table.grid(padding=(0, 1))
    for episode in outcome.unhappy:
        table.add_row(_mark(not episode.problem), Text(episode.title, style="bold"))
        for line in episode.lines:
            table.add_row("", Text(line, style="dim"))
        if episode.problem:
            table.add_row("", Text("went otherwise, see below", style="red"))
    return table


def _mark(holds: bool) -> Text:
    return Text("✓", style="bold green") if holds else Text("✗", style="bold red")


def _milliseconds(figures: Percentiles | None) -> dict[str, float | None]:
    return dict.fromkeys(Percentiles._fields) if figures is None else dict(figures._asdict())


def _s(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
