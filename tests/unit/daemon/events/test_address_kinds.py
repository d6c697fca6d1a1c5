from ipaddress import IPv4Address, ip_address

import pytest

from daemon.events.address_kinds import Kind, embedded, kind_of


@pytest.mark.parametrize(
    ("kind", "addresses"),
    [
        (Kind.UNSPECIFIED, ["0.0.0.0", "0.255.255.255", "::"]),
        (Kind.LOOPBACK, ["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1"]),
        (Kind.METADATA, ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192"]),
        (Kind.METADATA, ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe"]),
        (Kind.METADATA, ["fd00:42::42", "fd00:a9fe:a9fe::1", "fd00:100::100:200"]),
        (Kind.LINK_LOCAL, ["169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1"]),
        (Kind.MULTICAST, ["224.0.0.1", "239.255.255.255", "ff00::", "ff02::1"]),
        (Kind.RESERVED, ["240.0.0.0", "255.255.255.254", "255.255.255.255"]),
        (Kind.PRIVATE, ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"]),
        (Kind.PRIVATE, ["192.168.0.1", "100.64.0.0", "100.127.255.255", "198.18.0.1"]),
        (Kind.PRIVATE, ["192.0.0.1", "fc00::1", "fdff::1", "fec0::1"]),
        (Kind.PUBLIC, ["1.0.0.0", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.1"]),
        (Kind.PUBLIC, ["172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0"]),
        (Kind.PUBLIC, ["169.253.255.255", "169.255.0.0", "192.167.255.255", "192.169.0.0"]),
        (Kind.PUBLIC, ["168.63.129.15", "168.63.129.17", "223.255.255.255"]),
        (Kind.PUBLIC, ["2001:4860:4860::8888", "2a00::1", "::2:0:0"]),
    ],
)
def test_each_network_from_its_first_address_to_its_last(kind: Kind, addresses: list[str]) -> None:
    assert {text: kind_of(ip_address(text)) for text in addresses} == dict.fromkeys(addresses, kind)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("::ffff:127.0.0.1", ["127.0.0.1"]),
        ("::ffff:0:127.0.0.1", ["127.0.0.1"]),
        ("::127.0.0.1", ["127.0.0.1"]),
        ("64:ff9b::169.254.169.254", ["169.254.169.254"]),
        ("64:ff9b:1::169.254.169.254", ["169.254.169.254"]),
        ("64:ff9b:1:9:a9:fea9:fe00:0", ["254.0.0.0", "169.254.169.254"]),
        ("64:ff9b:1:a9fe:a9:fe00::", ["0.0.0.0", "169.254.0.0"]),
        ("2002:7f00:1::", ["127.0.0.1"]),
        ("2002:a9fe:a9fe:1::99", ["169.254.169.254"]),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", ["65.54.227.120", "127.0.0.1"]),
        ("2a00::5efe:10.0.0.1", ["10.0.0.1"]),
        ("2a00::200:5efe:10.0.0.1", ["10.0.0.1"]),
        ("2a00:0:0:0:1000:5efe:a00:1", []),
        ("64:ff9b:2::7f00:1", []),
        ("2001:4860:4860::8888", []),
        ("2003:7f00:1::", []),
        ("::", []),
        ("::1", []),
        ("127.0.0.1", []),
    ],
)
def test_the_addresses_that_another_one_leads_to(address: str, found: list[str]) -> None:
    assert list(embedded(ip_address(address))) == [IPv4Address(text) for text in found]
