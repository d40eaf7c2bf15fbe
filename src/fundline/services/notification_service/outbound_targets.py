"""URLs are judged by the client that will call them, and by the same rules."""

from fundline.platform.http.outbound import OutboundClient, TargetRefused, TargetUnreachable
from fundline.services.notification_service.targets import TargetNotAcceptable


class OutboundTargets:
    def __init__(self, client: OutboundClient) -> None:
        self._client = client

    async def host_of(self, url: str) -> str:
        """Raises TargetNotAcceptable."""
        try:
            await self._client.check(url)
        except (TargetRefused, TargetUnreachable) as refused:
            raise TargetNotAcceptable(str(refused)) from None
        return self._client.rules.host_of(url)
