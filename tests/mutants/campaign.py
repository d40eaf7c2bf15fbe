"""The list of `make mutants ENGINES=1`; tests/unit/repository/test_mutants_apply.py holds it to the source of today."""

from mutants.money_faults import MONEY_FAULTS
from mutants.platform_faults import PLATFORM_FAULTS

MUTATIONS = (*PLATFORM_FAULTS, *MONEY_FAULTS)
