"""The figures of `fundline model compare`, and what it shows of them."""

import pytest

from fundline.commands.model.comparison import stability
from fundline.commands.model.view import show_change, show_comparison, show_models

OLD, NEW = "scorecard-2", "lightgbm-1"


def test_the_same_scores_are_stable():
    assert stability([5, 10, 20, 10, 5], [5, 10, 20, 10, 5]) == 0


def test_scores_that_moved_are_not():
    assert stability([10] * 10, [1] * 9 + [91]) > 0.25


def test_a_group_that_stays_empty_is_a_large_figure_and_not_an_error():
    assert 1 < stability([10] * 10, [100] + [0] * 9) < 100


def test_one_score_for_everybody_has_no_groups_to_move_between():
    assert stability([50], [50]) == 0


def change(version, champion, share, dropped=3):
    after = {"champion": champion, "sharePercent": share}
    return {
        "state": "done",
        "action": "promoted",
        "modelVersion": version,
        "after": after,
        "scoresDropped": dropped,
    }


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (change(NEW, OLD, 50), "lightgbm-1 decides for 50 % of the applicants, scorecard-2 for the others."),
        (change(NEW, NEW, 0), "lightgbm-1 is the champion now and decides for 100 % of the applicants."),
        (
            change(NEW, OLD, 0),
            "lightgbm-1 decides for nobody any more; scorecard-2 decides for all applicants.",
        ),
        (change(NEW, OLD, 0), "Cached scores dropped: 3."),
        (change(NEW, OLD, 10, None), "The cache did not answer"),
    ],
)
def test_a_change_is_told_in_sentences(answer, sentence):
    assert sentence in show_change(answer)


def model(version, **changes):
    row = {"modelVersion": version, "kind": "woe-logistic", "auc": 0.6106, "refusedBecause": None, "role": "champion",
           "sharePercent": 90, "tripped": False, "trippedBecause": None}  # fmt: skip
    return row | changes


def test_the_list_says_which_model_is_switched_off_or_refused_and_why():
    rows = [
        model(
            NEW, role="challenger", sharePercent=10, tripped=True, trippedBecause="It failed in 60% of 20."
        ),
        model(OLD),
        model("x-1", kind=None, auc=None, role=None, sharePercent=0, refusedBecause="The checksum is wrong."),
    ]
    text = show_models({"flagsProvider": "file", "shadow": "other", "models": rows})
    assert "lightgbm-1   woe-logistic  0.6106           challenger  10 %   tripped" in text
    assert "lightgbm-1 was tripped: It failed in 60% of 20." in text
    assert "x-1 was refused: The checksum is wrong." in text
    assert text.endswith("In the shadow: of champion and challenger, the one that does not decide.")


@pytest.mark.parametrize(("shadow", "told"), [("off", "nobody"), (None, "nobody"), (OLD, OLD)])
def test_the_list_says_who_looks_on(shadow, told):
    text = show_models({"flagsProvider": "file", "shadow": shadow, "models": [model(OLD)]})
    assert text.endswith(f"In the shadow: {told}.")


def test_with_launchdarkly_the_list_says_where_the_shares_are():
    rows = [model(OLD, role=None, sharePercent=None)]
    text = show_models({"flagsProvider": "launchdarkly", "shadow": None, "models": rows})
    assert text.endswith("Roles and shares are in LaunchDarkly.")


def test_before_any_decision_the_comparison_says_so():
    text = show_comparison({"models": [], "since": "2026-11-17T13:38:41.684160+00:00"})
    assert text == "No model has decided since 2026-11-17T13:38."
