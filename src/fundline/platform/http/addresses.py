"""Which addresses of the network may be called on behalf of a stranger: public unicast ones, and no others.

A list of our own, because what Python calls global has changed between its releases and contains addresses that lead
to private ones (NAT64, 6to4). Sources: IANA's IPv4 and IPv6 special-purpose address registries; RFC 6890.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_REFUSED_V4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by customers of a provider
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # link-local, and the metadata service of every cloud
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, retired
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
"""All that is given out: loopback, unique-local, link-local, multicast, IPv4-mapped and NAT64 lie outside."""
_REFUSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(text: str) -> bool:
    """False for everything that is not a public unicast address, and for what is not an address."""
    address = _parsed(text)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if isinstance(address, IPv6Address):
        return address in _UNICAST_V6 and not any(address in network for network in _REFUSED_V6)
    return False


def is_this_machine(text: str) -> bool:
    """127.0.0.0/8 and ::1."""
    address = _parsed(text)
    return address is not None and address.is_loopback


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
