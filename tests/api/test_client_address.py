"""Whom a request comes from."""

import pytest
from starlette.requests import HTTPConnection

from api.client_address import client_address, client_network


def _from(host: str | None) -> HTTPConnection:
    client = None if host is None else (host, 40000)
    return HTTPConnection({"type": "http", "headers": [], "client": client})


@pytest.mark.parametrize(
    ("host", "address", "network"),
    [
        ("10.0.0.9", "10.0.0.9", "10.0.0.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::1", "::/64"),
        ("::ffff:10.0.0.9", "10.0.0.9", "10.0.0.9"),
        ("fe80::1%eth0\x1b[31m", "fe80::1", "fe80::/64"),
        ("somebody\x1b[31m", "unknown", "unknown"),
        ("", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_an_address_and_what_limits_count_as_one(
    host: str | None, address: str, network: str
) -> None:
    request = _from(host)
    assert (client_address(request), client_network(request)) == (address, network)
