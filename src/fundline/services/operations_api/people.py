"""Which roles read what the operations API shows; a noun that shows it to others too says so itself."""

from fundline.contracts.roles import Role

READERS = (Role.OPERATOR, Role.COMPLIANCE)
