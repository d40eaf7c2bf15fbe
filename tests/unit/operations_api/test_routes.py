"""What is offered, as it is declared; no database is asked."""

from pathlib import Path
from typing import Any

from fundline.contracts.roles import Role
from fundline.platform.flag_file import FlagFile
from fundline.services.operations_api.routes import ENDPOINTS
from fundline.services.operations_api.wiring import bound

PEOPLE_OF_THE_LENDER = {Role.OPERATOR, Role.COMPLIANCE, Role.UNDERWRITER}


def test_what_is_declared_is_what_is_bound():
    unused: Any = None
    assert [one.endpoint for one in bound(unused, FlagFile(Path("flags.json")))] == list(ENDPOINTS)


def test_only_operators_write_and_nobody_from_outside_reads():
    for endpoint in ENDPOINTS:
        assert set(endpoint.roles) <= PEOPLE_OF_THE_LENDER, endpoint.name
        assert endpoint.roles, endpoint.name
        if endpoint.is_write:
            assert endpoint.roles == (Role.OPERATOR,), endpoint.name


def test_every_list_is_paged_by_a_cursor():
    lists = [endpoint for endpoint in ENDPOINTS if endpoint.name.startswith("list")]
    assert len(lists) == 6
    for endpoint in lists:
        assert {"cursor", "limit"} <= endpoint.takes.model_fields.keys()
        assert {"items", "next_cursor"} == endpoint.gives.model_fields.keys()
