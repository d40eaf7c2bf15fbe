"""What `fundline model` shows to people; a program reads the same with --json."""

from collections.abc import Mapping
from typing import Any

from fundline.commands.table import aligned
from fundline.records.model_flags import OFF, OTHER


def show_models(answer: Mapping[str, Any]) -> str:
    rows = [["version", "kind", "AUC out of time", "role", "share", "state"]]
    rows += [
        [
            model["modelVersion"],
            _text(model["kind"]),
            _text(model["auc"]),
            _text(model["role"]),
            _percent(model["sharePercent"]),
            _state(model),
        ]
        for model in answer["models"]
    ]
    lines = aligned(rows)
    for model in answer["models"]:
        if model["refusedBecause"]:
            lines.append(f"{model['modelVersion']} was refused: {model['refusedBecause']}")
        if model["tripped"]:
            lines.append(f"{model['modelVersion']} was tripped: {model['trippedBecause']}")
    if answer["flagsProvider"] == "launchdarkly":
        lines.append("Roles and shares are in LaunchDarkly.")
    else:
        lines.append(_shadow_sentence(answer["shadow"]))
    return "\n".join(lines)


def show_change(answer: Mapping[str, Any]) -> str:
    after, version = answer["after"], answer["modelVersion"]
    if answer["state"] == "asked":
        return f"Asked for {version}. Another operator has to agree with the same command; until then nothing changes."
    if answer["action"] == "reset":
        return f"{version} is not tripped any more. Undo: `fundline model rollback`."
    champion, share = after["champion"], after["sharePercent"]
    if version == champion:
        sentence = f"{version} is the champion now and decides for {100 - share} % of the applicants."
    elif share == 0:
        sentence = f"{version} decides for nobody any more; {champion} decides for all applicants."
    else:
        sentence = f"{version} decides for {share} % of the applicants, {champion} for the others."
    dropped = answer["scoresDropped"]
    if dropped is None:
        cached = "The cache did not answer; its scores name their model and are not used for another."
    else:
        cached = f"Cached scores dropped: {dropped}."
    undo = "promote" if answer["action"] == "rolled_back" else "rollback"
    return f"{sentence} In force within a second. {cached} Undo: `fundline model {undo}`."


def show_comparison(answer: Mapping[str, Any]) -> str:
    if not answer["models"]:
        return f"No model has decided since {answer['since'][:16]}."
    rows = [["model", "decisions", "approved", "referred", "failed", "mean score"]]
    rows += [
        [
            model["modelVersion"],
            str(model["decisions"]),
            _rate(model["approvalRate"]),
            _rate(model["referralRate"]),
            _rate(model["errorRate"]),
            _score(model["meanScore"]),
        ]
        for model in answer["models"]
    ]
    lines = aligned(rows)
    if (test := answer["approvalTest"]) is not None:
        lines.append(
            f"Approval rate of {answer['challenger']} less {answer['champion']}: {test['difference']:+.1%} "
            f"(z {test['z']:+.2f}, p {test['p']:.3g})."
        )
    if (both := answer["bothScored"]) is not None:
        lines += ["", f"{both['applications']} applications were scored by both:"]
        verdicts = [[answer["champion"], answer["challenger"], "applications"]]
        verdicts += [[v["champion"], v["challenger"], str(v["applications"])] for v in both["verdicts"]]
        lines += aligned(verdicts)
        lines.append(
            f"The same verdict in {both['agreementRate']:.1%}. Score of {answer['challenger']} less "
            f"{answer['champion']}: {both['meanDifference']:+z.4f}, in size {both['meanAbsoluteDifference']:z.4f}.\n"
            f"PSI of the scores: {both['psi']:.3f}; chance alone gives about {both['psiByChance']:.3f}."
        )
    return "\n".join(lines)


def _shadow_sentence(shadow: str | None) -> str:
    if shadow == OTHER:
        return "In the shadow: of champion and challenger, the one that does not decide."
    return f"In the shadow: {'nobody' if shadow in (None, OFF) else shadow}."


def _state(model: Mapping[str, Any]) -> str:
    if model["refusedBecause"]:
        return "refused"
    return "tripped" if model["tripped"] else "ready"


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _percent(value: int | None) -> str:
    return "-" if value is None else f"{value} %"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:z.4f}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
