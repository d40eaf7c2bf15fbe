"""What `fundline decision` shows to people; a program reads the same with --json."""

from collections.abc import Sequence
from typing import Any

import typer

from fundline.risk.evidence import Difference


def show_differences(row: Any, differences: Sequence[Difference]) -> None:
    name = f"Assessment {row['assessment']} of {row['application_id']}"
    if not differences:
        typer.echo(
            f"{name}: the same. {row['verdict']} at {row['risk_score']} "
            f"by {row['model_version']} and {row['policy_version']}."
        )
        return
    typer.echo(f"{name}: {len(differences)} differences.")
    for difference in differences:
        typer.echo(f"  {difference.what}: recorded {difference.recorded}, repeated {difference.repeated}")


def show_content(content: Any, indent: str = "  ") -> None:
    """Objects a line a field, lists a line an entry."""
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, list | dict) and value:
                typer.echo(f"{indent}{name}")
                show_content(value, indent + "  ")
            else:
                typer.echo(f"{indent}{name:<22} {value}")
    elif isinstance(content, list):
        for entry in content:
            text = "  ".join(f"{k}={v}" for k, v in entry.items()) if isinstance(entry, dict) else str(entry)
            typer.echo(f"{indent}{text}")
    else:
        typer.echo(f"{indent}{content}")
