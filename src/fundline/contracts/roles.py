"""The roles that a token can carry, in its claim `role`."""

from enum import StrEnum


class Role(StrEnum):
    APPLICANT = "applicant"
    PARTNER = "partner"
    UNDERWRITER = "underwriter"
    OPERATOR = "operator"
    COMPLIANCE = "compliance"


STAFF = frozenset({Role.UNDERWRITER, Role.OPERATOR, Role.COMPLIANCE})
"""They see what others own."""
