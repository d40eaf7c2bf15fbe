"""Which roles read what the operations API shows; a noun that shows it to others too says so itself."""

from fundline.platform.identity import Role

READERS = (Role.OPERATOR, Role.COMPLIANCE)
