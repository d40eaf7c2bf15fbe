"""`fundline decision show` as a page that an underwriter files: what was decided, why, and on what it rested."""

import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from fundline.commands.doors import text_of
from fundline.commands.table import aligned
from fundline.domain.reasons import SENTENCES
from fundline.platform.terminal import one_line

WIDTH = 100
_VERDICTS = {
    "approved": "APPROVED",
    "rejected": "REJECTED",
    "pending_review": "REFERRED to an underwriter",
}
_RULE_VERDICTS = {"pass": "holds", "refer": "refers", "reject": "rejects"}
_EVIDENCE = ("facts", "features", "capacity", "engines")


def show_decision(header: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """`header` names the assessment; `evidence` is as it was stored."""
    parts = [
        _title(header),
        _reasons(evidence),
        _score(header, evidence),
        _stress(evidence),
        _rules(evidence),
        *(_facts(name, evidence.get(name)) for name in _EVIDENCE),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _title(header: Mapping[str, Any]) -> list[str]:
    verdict = _VERDICTS.get(header["verdict"], str(header["verdict"]))
    return [
        f"DECISION ON APPLICATION {header['trackingId']}: {verdict}",
        *aligned(
            [
                ("application", header["applicationId"]),
                ("assessment", f"number {header['assessment']}, {header['assessedAt']}"),
                ("policy", text_of(header["policyVersion"])),
            ]
        ),
    ]


def _reasons(evidence: Mapping[str, Any]) -> list[str]:
    """Each with the rule that gave it and its figures."""
    codes: Sequence[str] = evidence["decision"]["reasons"]
    if not codes:
        return ["REASONS", "  None: every rule holds."]
    lines = ["REASONS, the strongest first"]
    for number, code in enumerate(codes, start=1):
        lines += _wrapped(f"{number}. {SENTENCES.get(code, code)}", "  ", "     ")
        lines += _wrapped(f"({code}{_figures(code, evidence)})", "     ", "     ")
    return lines


def _figures(code: str, evidence: Mapping[str, Any]) -> str:
    for rule in evidence["rules"]:
        if rule["reason"] == code and rule["observed"] is not None:
            limit = "" if rule["limit"] is None else f", limit {text_of(rule['limit'])}"
            return f": {rule['rule']} is {text_of(rule['observed'])}{limit}"
    return ""


def _score(header: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
    score = evidence.get("score")
    lines = ["SCORE"]
    if score is None:
        why = evidence.get("noScoreBecause") or evidence.get("fallbackBecause") or "no model answered"
        return [*lines, *_wrapped(f"There is no score: {why}. Without one nothing is approved.", "  ", "  ")]
    lines += _wrapped(
        f"{header['riskScore']}: of 100 businesses like this one about {_percent(header['riskScore'])} are expected to "
        f"default at today's level. By {score['version']}, which saw {_percent(score['base_rate'])} of 100 default.",
        "  ",
        "  ",
    )
    if evidence.get("fallbackBecause"):
        lines += _wrapped(
            f"{evidence['asked']} was asked and did not answer ({evidence['fallbackBecause']}).", "  ", "  "
        )
    strongest = sorted(score["contributions"], key=lambda one: -abs(_decimal(one["log_odds"])))
    rows = [("  feature", "observed", "log odds", "")]
    rows += [
        (f"  {one['feature']}", text_of(one["observed"]), str(one["log_odds"]), _direction(one["log_odds"]))
        for one in strongest
    ]
    return [*lines, *aligned(rows, right={2})]


def _stress(evidence: Mapping[str, Any]) -> list[str]:
    stress = evidence.get("stress")
    if stress is None:
        return ["STRESS", "  The cash flow could not be simulated: a figure is missing."]
    return [
        "STRESS",
        *_wrapped(
            f"In {_percent(stress['shortfall_probability'])} of 100 simulated futures the business cannot pay an "
            f"instalment within {stress['months']} months ({stress['paths']} futures, {stress['method']}, seed "
            f"{stress['seed']}).",
            "  ",
            "  ",
        ),
    ]


def _rules(evidence: Mapping[str, Any]) -> list[str]:
    rows = [("  rule", "answer", "observed", "limit")]
    rows += [
        (
            f"  {rule['rule']}",
            _RULE_VERDICTS.get(rule["verdict"], str(rule["verdict"])),
            text_of(rule["observed"]),
            text_of(rule["limit"]),
        )
        for rule in evidence["rules"]
    ]
    return [f"RULES of {evidence['policy']}; the strictest answer decides", *aligned(rows)]


def _facts(name: str, content: Any) -> list[str]:
    if not isinstance(content, Mapping) or not content:
        return []
    return [
        f"EVIDENCE: {name}",
        *aligned([(f"  {key}", one_line(text_of(value))) for key, value in content.items()]),
    ]


def _direction(log_odds: Any) -> str:
    value = _decimal(log_odds)
    return "" if value == 0 else "raises the risk" if value > 0 else "lowers the risk"


def _percent(share: Any) -> str:
    return f"{_decimal(share) * 100:.1f}"


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=first, subsequent_indent=then)
