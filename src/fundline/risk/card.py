"""The model cards: what each version is, how it was judged, and where it is weak. Written by training, as Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fundline.risk.artefact import LoadedModel
from fundline.risk.calibration import Floats
from fundline.risk.card_texts import CAVEATS, INNER, LEFT_OUT, MEASURES, PUBLISHED, SIGNS, USE
from fundline.risk.features import FEATURE_NAMES, FEATURES, FeatureValues
from fundline.risk.inner_checks import InnerCheck
from fundline.risk.measures import Measures, ReliabilityBin, measure, reliability
from fundline.risk.recipe import Family, Vintage
from fundline.risk.reliability_plot import plot

_FEWEST_OF_A_SEGMENT = 150
"""Below this the interval of an AUC is wider than any difference worth telling."""


@dataclass(frozen=True, slots=True)
class Validated:
    """A trained version with the windows it was judged on; `random` is the flattering validation."""

    family: Family
    model: LoadedModel
    windows: dict[str, Vintage]
    everything: Vintage
    random: Measures
    inner: Sequence[InnerCheck]

    def on(self, vintage: Vintage) -> Measures:
        scores = self.model.manifest.training_scores
        return measure(self.probabilities(vintage.rows), vintage.outcome, scores)

    def probabilities(self, rows: Sequence[FeatureValues]) -> Floats:
        return np.array(self.model.probabilities(rows))


def cards_of(validated: Sequence[Validated]) -> dict[str, str]:
    """The files of docs/models by name: an index, and for each version its card and its reliability plot."""
    files = {"README.md": _index(validated)}
    for one in validated:
        test = one.windows["test"]
        bins = reliability(one.probabilities(test.rows), test.outcome)
        files[f"{one.model.version}.md"] = _card(one, bins)
        files[f"{one.model.version}-reliability.svg"] = plot(bins, one.model.version)
    return files


def _index(validated: Sequence[Validated]) -> str:
    rows = []
    for one in validated:
        test, version = one.on(one.windows["test"]), one.model.version
        rows.append([f"[{version}]({version}.md)", one.family.title, *_figures(test), _f(one.random.auc, 3)])
    head = [
        "version",
        "kind",
        "AUC (95 %)",
        "KS",
        "Brier (base rate)",
        "calibration slope",
        "random split AUC",
    ]
    return _page(
        "# Risk models",
        "Written by `make train`; do not edit. Figures are out of time: trained on loans approved from June to "
        "November 2004, judged on those approved from December 2004 on. The last column is what a random split "
        "over all years would have reported; it is flattering, because the year of approval shines through. "
        "Why it is done like this: [ADR 0019](../adr/0019-the-model-ships-as-it-was-validated.md).",
        _table(head, rows),
        MEASURES,
    )


def _figures(one: Measures) -> list[str]:
    return [
        f"{_f(one.auc, 3)} ({_f(one.auc_low, 3)} to {_f(one.auc_high, 3)})",
        _f(one.ks, 3),
        f"{_f(one.brier, 4)} ({_f(one.brier_base_rate, 4)})",
        _f(one.calibration_slope, 2),
    ]


_FIGURES_HEAD = [
    "validation",
    "rows",
    "bad rate",
    "AUC (95 %)",
    "KS",
    "Brier (base rate)",
    "calibration slope",
    "intercept",
]


def _card(one: Validated, bins: Sequence[ReliabilityBin]) -> str:
    manifest, test = one.model.manifest, one.windows["test"]
    calibration = manifest.calibration
    figures = [
        [name, f"{m.rows:,}", _p(m.bad_rate), *_figures(m), _f(m.calibration_intercept, 2)]
        for name, m in (
            ("**out of time: December 2004 on**", one.on(test)),
            ("random five folds over all years (flattering, uncalibrated)", one.random),
            ("training months themselves (not a validation)", one.on(one.windows["training"])),
        )
    ]
    windows = [
        [name.replace("_", " "), f"{w.start} to before {w.end}", f"{w.rows:,}", _p(w.bad_rate)]
        for name, w in manifest.windows.items()
    ]
    return _page(
        f"# {manifest.version}: {one.family.title}",
        f"Written by `make train`; do not edit. Digest `{manifest.digest}`, seed {manifest.seed}.",
        USE,
        "## Data",
        "Loans guaranteed by the US Small Business Administration, resolved: Li, Mickel and Taylor 2018, doi "
        f"10.1080/10691898.2018.1434342; SHA-256 of the file `{manifest.data_sha256}`.",
        _table(["window", "approved", "rows", "bad rate"], windows),
        f"Probabilities are at the level of {_p(manifest.base_rate)} defaults.",
        "## Features",
        _features(one),
        LEFT_OUT,
        "## How good it is",
        _table(_FIGURES_HEAD, figures),
        f"Calibrated with slope {calibration.slope:g} and intercept {calibration.intercept:g}: {calibration.how}.",
        f"![Predicted against observed]({manifest.version}-reliability.svg)",
        _bins(bins),
        INNER,
        _inner(one),
        "## Stability",
        "PSI against the scores of the training months: below 0.1 is stable, above 0.25 has shifted.",
        _segments(one, _by_month),
        "## Where it is weak",
        f"Segments of the out-of-time loans with at least {_FEWEST_OF_A_SEGMENT} rows. Where the mean score and "
        "the bad rate differ, the model is wrong about the segment, however well it ranks.",
        _segments(one, _by_kind),
        SIGNS,
        PUBLISHED,
        CAVEATS,
    )


def _features(one: Validated) -> str:
    """With their weight: the mean absolute contribution to the log odds of the out-of-time loans."""
    answers = one.model.answer(one.windows["test"].rows)
    weight = {n: float(np.mean([abs(a.contributions[n]) for a in answers])) for n in FEATURE_NAMES}
    trained = {feature.name: feature for feature in one.model.manifest.features}
    rows = []
    for feature in sorted(FEATURES, key=lambda f: -weight[f.name]):
        seen = trained[feature.name]
        span = f"{seen.values} values" if seen.values is not None else f"{seen.lowest:g} to {seen.highest:g}"
        rows.append([feature.name, feature.column, feature.why_known, span, _f(weight[feature.name], 3)])
    return _table(["feature", "column", "why it is known at application", "in training", "mean weight"], rows)


def _bins(bins: Iterable[ReliabilityBin]) -> str:
    rows = [
        [f"{b.rows:,}", _p(b.mean_probability), _p(b.bad_rate), f"{_p(b.low)} to {_p(b.high)}"] for b in bins
    ]
    return _table(["rows", "predicted", "observed", "95 % interval"], rows)


def _inner(one: Validated) -> str:
    """Slopes divide: one learnt elsewhere would have left the test window with its uncalibrated slope over that one."""
    slope = one.on(one.windows["test"]).calibration_slope
    uncalibrated = None if slope is None else slope * one.model.manifest.calibration.slope
    rows = [
        [
            f"June to before {check.fitted_until}",
            f"{check.month}{', as shipped' if check.is_used else ''}",
            f"{check.figures.rows:,}",
            _f(check.figures.auc, 3),
            _f(check.slope, 2),
            "-" if uncalibrated is None else _f(uncalibrated / check.slope, 2),
        ]
        for check in one.inner
    ]
    return _table(["fitted to", "judged on", "rows", "AUC", "slope", "test slope it leads to"], rows)


def _segments(one: Validated, of: Callable[[Vintage], dict[str, list[int]]]) -> str:
    test = one.windows["test"]
    rows = []
    for name, members in of(test).items():
        if len(members) < _FEWEST_OF_A_SEGMENT:
            continue
        m = one.on(test.part(members))
        auc = f"{_f(m.auc, 3)} ({_f(m.auc_low, 3)} to {_f(m.auc_high, 3)})"
        rows.append([name, f"{m.rows:,}", _p(m.bad_rate), _p(m.mean_probability), auc, _f(m.psi, 3)])
    return _table(["loans", "rows", "bad rate", "mean score", "AUC (95 %)", "PSI"], rows)


def _by_month(vintage: Vintage) -> dict[str, list[int]]:
    months = _grouped(f"approved {loan.approved_on[:7]}" for loan in vintage.loans)
    return {**months, "all out of time": list(range(len(vintage.loans)))}


def _by_kind(vintage: Vintage) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for label in (_age, _product, _size, _staff, _form, _sector, _state):
        found |= _grouped(label(row) for row in vintage.rows)
    return found


def _age(row: FeatureValues) -> str:
    return f"business age: {row['business_age']}"


def _product(row: FeatureValues) -> str:
    return "product: revolving line" if row["revolving"] else "product: term loan"


def _size(row: FeatureValues) -> str:
    edges = ((25_000.0, "up to 25,000"), (100_000.0, "25,001 to 100,000"), (float("inf"), "above 100,000"))
    return "amount: " + next(name for edge, name in edges if float(row["amount"]) <= edge)


def _staff(row: FeatureValues) -> str:
    edges = ((1.0, "at most one"), (5.0, "2 to 5"), (float("inf"), "6 and more"))
    return "employees: " + next(name for edge, name in edges if float(row["employees"]) <= edge)


def _form(row: FeatureValues) -> str:
    return f"legal form: {row['legal_form']}"


def _sector(row: FeatureValues) -> str:
    return f"sector {str(row['subsector'])[:2]}" if row["subsector"] != "unknown" else "sector unknown"


def _state(row: FeatureValues) -> str:
    return f"state {row['state']}"


def _grouped(labels: Iterable[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        groups.setdefault(label, []).append(place)
    return dict(sorted(groups.items()))


def _f(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"
