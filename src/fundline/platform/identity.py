"""Who does something: a subject and a role, by whatever door they came in."""

from dataclasses import dataclass

from fundline.contracts.roles import STAFF, Role
from fundline.platform.refusals import Kind, Refusal


class Forbidden(Refusal):
    kind = Kind.FORBIDDEN
    code = "forbidden"
    title = "The token's role may not do this"
    challenge = "insufficient_scope"


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the token's subject; what somebody owns is owned by it."""

    subject: str
    role: Role

    @property
    def sees_everything(self) -> bool:
        return self.role in STAFF

    def require(self, *roles: Role) -> None:
        """Raises Forbidden."""
        if self.role not in roles:
            raise Forbidden(f"This needs the role {' or '.join(roles)}; the token has {self.role}.")
