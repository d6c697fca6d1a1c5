"""What kind of IP address one is, and which IPv4 addresses one of IPv6 has in it."""

from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Kind(Enum):
    """The value reads on after "this is"."""

    UNSPECIFIED = "the unspecified address"
    LOOPBACK = "a loopback address"
    METADATA = "an address of a cloud's metadata"
    LINK_LOCAL = "a link-local address"
    MULTICAST = "a multicast address"
    RESERVED = "a reserved address"
    PRIVATE = "a private address"
    PUBLIC = "a public address"


def _networks(*names: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, names))


# The first that fits counts: metadata addresses lie in private networks, and even in a public one.
_KINDS: tuple[tuple[Kind, tuple[Network, ...]], ...] = (
    (Kind.UNSPECIFIED, _networks("0.0.0.0/8", "::")),
    (Kind.LOOPBACK, _networks("127.0.0.0/8", "::1")),
    (
        Kind.METADATA,
        _networks(
            "169.254.169.254",  # nearly all clouds
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle, classic
            "fd00:ec2::/32",  # AWS
            "fd20:ce::254",  # Google
            "fd00:c1::a9fe:a9fe",  # Oracle
            "fd00:42::42",  # Scaleway
            "fd00:a9fe:a9fe::1",  # Akamai
            "fd00:100::100:200",  # Alibaba
        ),
    ),
    (Kind.LINK_LOCAL, _networks("169.254.0.0/16", "fe80::/10")),
    (Kind.MULTICAST, _networks("224.0.0.0/4", "ff00::/8")),
    (Kind.RESERVED, _networks("240.0.0.0/4")),
    (
        Kind.PRIVATE,
        _networks(
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
            *("192.0.0.0/24", "198.18.0.0/15", "fc00::/7", "fec0::/10"),
        ),
    ),
)

_LAST_32_BITS = _networks(
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "::/96",  # IPv4-compatible
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64 of the own network
)
_NAT64_OF_ITS_OWN = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFCFFFFFF


def kind_of(address: Address) -> Kind:
    """The kind of the address itself, whatever it has embedded."""
    for kind, networks in _KINDS:
        if is_in(address, networks):
            return kind
    return Kind.PUBLIC


def is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that a connection to this one may end at; none for one of IPv4."""
    if isinstance(address, IPv4Address) or kind_of(address) in (Kind.UNSPECIFIED, Kind.LOOPBACK):
        return ()
    bits = int(address)
    found = []
    if is_in(address, _LAST_32_BITS) or bits >> 32 & _ISATAP_MASK == _ISATAP:
        found.append(bits)
    if address in _NAT64_OF_ITS_OWN and not bits & 0xFFFFFF:
        found.append(bits >> 24)  # with a prefix of 64 bits; shorter ones leave the last 32 zero
    if address in _SIX_TO_FOUR:
        found.append(bits >> 80)
    if address in _TEREDO:
        found += [bits >> 64, ~bits]  # the server, and the client with its bits turned over
    return tuple(IPv4Address(number & 0xFFFFFFFF) for number in found)
