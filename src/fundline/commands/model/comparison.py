"""How champion and challenger fare: decisions by model, the same applications scored by both, and what is chance."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from fundline.platform.database import Database
from fundline.services.risk_worker import experiment_store as store
from fundline.services.risk_worker.drift import rate, two_sided_p, z_beyond

PSI_GROUPS = 10
_LEAST_SHARE = 1e-4
"""Stands in for an empty group, as the logarithm of nothing is not a number."""


async def compare(database: Database, since: datetime, pair: tuple[str, str] | None) -> dict[str, Any]:
    """`pair`: champion and challenger; None: of the two that decided most, the busier one counts as the champion."""
    rows = await store.outcomes(database, since)
    models = [_outcome(row) for row in rows]
    if pair is None:
        busiest = sorted(models, key=lambda model: -model["decisions"])[:2]
        pair = (busiest[0]["modelVersion"], busiest[1]["modelVersion"]) if len(busiest) > 1 else None
    answer: dict[str, Any] = {
        "since": since.isoformat(),
        "champion": None,
        "challenger": None,
        "models": models,
    }
    if pair is None:
        return answer | {"approvalTest": None, "bothScored": None}
    champion, challenger = pair
    matrix = await store.agreement(database, since, champion, challenger)
    scores = await store.paired_scores(database, since, champion, challenger)
    return answer | {
        "champion": champion,
        "challenger": challenger,
        "approvalTest": _approval_test({row["version"]: row for row in rows}, champion, challenger),
        "bothScored": _both_scored(matrix, scores),
    }


def _outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    answered = row["decisions"] - row["errors"]
    return {
        "modelVersion": row["version"],
        "decisions": row["decisions"],
        "approvalRate": rate(row["approved"], answered),
        "referralRate": rate(row["referred"], answered),
        "errorRate": rate(row["errors"], row["decisions"]),
        "meanScore": None if row["mean_score"] is None else round(float(row["mean_score"]), 4),
    }


def _approval_test(
    rows: Mapping[str, Mapping[str, Any]], champion: str, challenger: str
) -> dict[str, Any] | None:
    """Challenger less champion among the decisions that each of them made itself; None before both decided."""
    sides = [rows.get(version, {}) for version in (challenger, champion)]
    counts = [(row.get("approved", 0), row.get("decisions", 0) - row.get("errors", 0)) for row in sides]
    if not all(answered for _, answered in counts):
        return None
    (ours, of_ours), (theirs, of_theirs) = counts
    z = z_beyond((ours, of_ours), (theirs, of_theirs))
    return {
        "difference": round(ours / of_ours - theirs / of_theirs, 4),
        "z": round(z, 2),
        "p": float(f"{two_sided_p(z):.3g}"),
    }


def _both_scored(
    matrix: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    total = sum(row["applications"] for row in matrix)
    if not total:
        return None
    agreed = sum(
        row["applications"] for row in matrix if row["champion_verdict"] == row["challenger_verdict"]
    )
    return {
        "applications": total,
        "agreementRate": rate(agreed, total),
        "meanDifference": round(float(sum(row["difference"] for row in matrix)) / total, 4),
        "meanAbsoluteDifference": round(float(sum(row["absolute_difference"] for row in matrix)) / total, 4),
        "psi": round(stability([r["champion"] for r in scores], [r["challenger"] for r in scores]), 4),
        "psiByChance": round(2 * (PSI_GROUPS - 1) / total, 4),
        "verdicts": [
            {
                "champion": row["champion_verdict"],
                "challenger": row["challenger_verdict"],
                "applications": row["applications"],
            }
            for row in matrix
        ],
    }


def stability(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Population stability index of two histograms over the same sorted values, in tenths of `expected`.

    0: the same; above 0.25: another distribution. Neither may be empty. Two independent samples of the same
    distribution, n and m large, give (1/n + 1/m) (groups - 1) on average.
    Sources: Siddiqi (2006), "Credit Risk Scorecards", chapter 8; Yurdakul (2018), "Statistical Properties of
    Population Stability Index", Western Michigan University.
    """
    total = sum(expected)
    groups = [
        min(PSI_GROUPS - 1, (below - count // 2) * PSI_GROUPS // total)
        for count, below in zip(expected, accumulate(expected), strict=True)
    ]
    shares = [[_LEAST_SHARE] * PSI_GROUPS, [_LEAST_SHARE] * PSI_GROUPS]
    for side, histogram in enumerate((expected, actual)):
        for group, count in zip(groups, histogram, strict=True):
            shares[side][group] += count / sum(histogram)
    return math.fsum((a - e) * math.log(a / e) for e, a in zip(*shares, strict=True))
