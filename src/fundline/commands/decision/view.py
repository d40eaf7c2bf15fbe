"""What `fundline decision` shows to people; a program reads the same with --json."""

from collections.abc import Sequence
from typing import Any

from fundline.platform.terminal import say
from fundline.risk.replay import Difference


def show_differences(row: Any, differences: Sequence[Difference]) -> None:
    name = f"Assessment {row['assessment']} of {row['application_id']}"
    if not differences:
        say(
            f"{name}: the same. {row['verdict']} at {row['risk_score']} "
            f"by {row['model_version']} and {row['policy_version']}."
        )
        return
    say(f"{name}: {len(differences)} differences.")
    for difference in differences:
        say(f"  {difference.what}: recorded {difference.recorded}, repeated {difference.repeated}")
