"""Which instances the gateway sends requests to, as the gateway itself says."""

from collections import defaultdict
from dataclasses import dataclass

import httpx

from fundline.platform.http.client import trust_for

TIMEOUT_S = 2.0
WELL = {"eds_health_status": "HEALTHY"}
"""All that Envoy says of a host in rotation; a failed check, an ejection or a pending one is a further entry."""


@dataclass(frozen=True)
class GatewayView:
    """`administration` is the address of Envoy's administration port, such as http://127.0.0.1:17444."""

    administration: str

    def in_rotation(self) -> dict[int, bool]:
        """By port of an instance: whether every cluster that knows it sends it requests. Empty without an answer."""
        try:
            with httpx.Client(
                trust_env=False, timeout=TIMEOUT_S, verify=trust_for(self.administration)
            ) as client:
                clusters = client.get(f"{self.administration}/clusters?format=json").json()
        except (httpx.HTTPError, ValueError):
            return {}
        found: defaultdict[int, bool] = defaultdict(lambda: True)
        for cluster in clusters.get("cluster_statuses", ()):
            for host in cluster.get("host_statuses", ()):
                port = host["address"]["socket_address"]["port_value"]
                found[port] = found[port] and host["health_status"] == WELL
        return dict(found)
