"""Whom a request comes from, as limits count it and as the log shows it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

UNKNOWN = "unknown"
_OF_ONE_CUSTOMER = 64
"""Bits of an IPv6 address that somebody who has one cannot choose."""


def client_address(request: HTTPConnection) -> str:
    """The IP address; UNKNOWN if there is none, or if what a proxy has told is none."""
    return _shown(request.client.host) if request.client else UNKNOWN


def client_network(request: HTTPConnection) -> str:
    """As client_address, but of IPv6 the network, in which one client has addresses without end."""
    address = read_address(request.client.host) if request.client else None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), _OF_ONE_CUSTOMER), strict=False))
    return UNKNOWN if address is None else str(address)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address without its zone, an IPv4 address where it is one in IPv6; None for others."""
    try:
        # A zone may be any text, and tells nothing of who it is.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=256)
def _shown(host: str) -> str:
    address = read_address(host)
    return UNKNOWN if address is None else str(address)
