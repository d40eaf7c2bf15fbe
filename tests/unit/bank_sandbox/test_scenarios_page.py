"""docs/bank.md is one page of test scenarios: whatever the sandbox bank can do stands there, with what it comes to."""

from pathlib import Path

import pytest

from fundline.outside.bank_sandbox.decline_rules import DECLINED_ENDINGS
from fundline.outside.bank_sandbox.faults import FaultKind

PAGE = (Path(__file__).parents[3] / "docs/bank.md").read_text()
SCENARIOS = PAGE.partition("\n## Scenarios\n")[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SCENARIOS.splitlines()
    if line.startswith("| ") and not line.startswith("| ---")
][1:]


@pytest.mark.parametrize("kind", [kind.value for kind in FaultKind])
def test_every_fault_is_described_and_is_in_a_scenario(kind):
    assert f"`{kind}`" in PAGE.partition("\n## Scenarios\n")[0]
    assert any(f"`{kind}`" in row[0] for row in ROWS)


@pytest.mark.parametrize("ending", list(DECLINED_ENDINGS))
def test_every_account_ending_that_the_bank_declines_is_in_a_scenario(ending):
    assert any(ending in row[0] for row in ROWS)


def test_every_scenario_says_what_happens_and_what_the_applicant_sees():
    assert len(ROWS) >= len(FaultKind)
    assert all(len(row) == 3 and all(row) for row in ROWS)
