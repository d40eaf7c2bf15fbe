"""What the making of an endpoint asks the network: may this URL be called?"""

from typing import Protocol

from fundline.platform.refusals import FieldError, InvalidRequest


class Targets(Protocol):
    async def host_of(self, url: str) -> str:
        """Of a URL that would be called now, in lower case, without the port. Raises TargetNotAcceptable."""


class TargetNotAcceptable(InvalidRequest):
    """`why` is a sentence that does not name the address to which a name leads."""

    def __init__(self, why: str) -> None:
        super().__init__("The request was refused and nothing was stored.", errors=[FieldError("url", why)])
