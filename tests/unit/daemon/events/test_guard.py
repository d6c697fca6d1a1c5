"""What the guard has against addresses and URLs; see test_guard_connections for the sockets."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Delivery
from daemon.events.guard import Guard
from tests.unit.reproducible import reproducible


def _guard(**settings: Any) -> Guard:
    return Guard(Delivery.model_validate(settings))


BY_DEFAULT = _guard()
NEVER_BY_DEFAULT = [
    *("0.0.0.0", "127.0.0.1", "127.8.9.10", "169.254.1.1", "169.254.169.254", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%2", "fe80::1%eth0", "ff02::1", "fd00:ec2::254"),
    *("::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "::ffff:0.0.0.0"),
    *("64:ff9b::127.0.0.1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::1", "2a00::5efe:127.0.0.1"),
    *("2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1:8000:63bf:f7f7:f7f7"),
]
PRIVATE = [
    *("10.0.0.1", "172.16.3.4", "192.168.1.20", "100.64.0.1", "fc00::1", "fd12:3456::1"),
    *("fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:c0a8:1::1"),
]
PUBLIC = ["8.8.8.8", "100.128.0.1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", NEVER_BY_DEFAULT)
@pytest.mark.parametrize("allow_private", [True, False])
def test_refused_unless_it_is_named(address: str, allow_private: bool) -> None:
    refusal = _guard(allow_private=allow_private).refusal(address)
    assert refusal is not None
    assert refusal.startswith(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_a_matter_of_one_setting(address: str) -> None:
    assert BY_DEFAULT.refusal(address) is None
    refusal = _guard(allow_private=False).refusal(address)
    assert refusal is not None
    assert "allow_private is false" in refusal


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_always_allowed(address: str) -> None:
    assert BY_DEFAULT.refusal(address) is None
    assert _guard(allow_private=False).refusal(address) is None


@pytest.mark.parametrize(
    ("network", "allowed", "refused"),
    [
        ("127.0.0.1/32", "127.0.0.1", "127.0.0.2"),
        ("127.0.0.1/32", "::ffff:127.0.0.1", "::1"),
        ("127.0.0.1/32", "2002:7f00:1::1", "2002:7f00:2::1"),
        ("::ffff:127.0.0.1/128", "::ffff:127.0.0.1", "127.0.0.1"),
        ("::1/128", "::1", "127.0.0.1"),
        ("fe80::/10", "fe80::1%eth0", "169.254.1.1"),
        ("169.254.169.254/32", "169.254.169.254", "169.254.169.253"),
        ("10.1.0.0/16", "10.1.2.3", "10.2.0.1"),
        ("10.1.0.0/16", "64:ff9b::10.1.2.3", "64:ff9b::10.2.0.1"),
    ],
)
def test_a_named_network_is_allowed_and_no_more_than_it(
    network: str, allowed: str, refused: str
) -> None:
    guard = _guard(allow_private=False, allow_networks=[network])
    assert guard.refusal(allowed) is None
    assert guard.refusal(refused) is not None


@pytest.mark.parametrize("address", ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "64:ff9b::"])
def test_no_setting_leads_to_the_unspecified_address(address: str) -> None:
    # On Linux a connection to it is one to this machine.
    everywhere = _guard(allow_networks=["0.0.0.0/0", "::/0"])
    assert everywhere.refusal("127.0.0.1") is None
    assert everywhere.refusal(address) is not None


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "127.0.0.01", "[::1]", "v1.a:b"])
def test_what_is_no_address_is_never_connected_to(text: str) -> None:
    assert _guard(allow_networks=["0.0.0.0/0", "::/0"]).refusal(text) is not None


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0X7F.1"),
        *("0177.0.0.01", "0x7f.0.0.0x1", "127.0.0.1.", "%31%32%37.0.0.1", "0", "0.0.0.0"),
        *("１２７.0.0.1", "127。0。0。1", "①②⑦.1", "２８５２０３９１６６", "169.254.43518"),  # noqa: RUF001
        *("[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[::]"),
        *("[fe80::1%25eth0]", "[fe80::1%eth0]", "[64:ff9b::a9fe:a9fe]", "[fd00:EC2::254]"),
        *("localhost", "LOCALHOST", "localhost.", "app.localhost", "a.b.localhost.", "ⓛocalhost"),
    ],
)
@pytest.mark.parametrize("form", ["http://{}/", "https://{}:8443/hook?x=1", "http://{}"])
def test_a_url_that_is_plainly_refused_is_told_with_its_host(host: str, form: str) -> None:
    refusal = BY_DEFAULT.refusal_of_url(form.format(host))
    assert refusal is not None
    assert refusal.casefold().startswith(host.strip("[]").casefold())


@pytest.mark.parametrize(
    "host",
    [
        *("myevent.com", "myevent.com.", "hooks.example", "müller.example", "1.2.3.4.example"),
        *("localhost.example", "mylocalhost", "127.0.0.1.example", "0x7f.example", "a..b"),
        *("8.8.8.8", "134744072", "192.168.1.20", "[2a00:1450::1]", "[::ffff:10.0.0.1]"),
    ],
)
def test_a_url_that_may_lead_anywhere_is_for_the_connection_to_judge(host: str) -> None:
    assert BY_DEFAULT.refusal_of_url(f"http://{host}:8080/127.0.0.1?localhost") is None


@pytest.mark.parametrize("url", ["http://[::1/", "http://[v1.a:b]/", "http://ä..b/", "http://[x]/"])
def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    assert BY_DEFAULT.refusal_of_url(url) is not None


def test_the_refusal_names_the_address_and_the_setting_that_counts() -> None:
    assert BY_DEFAULT.refusal_of_url("http://0x7f.1/") == (
        "0x7f.1: 127.0.0.1 is a loopback address; [delivery] allow_networks does not name it"
    )
    assert _guard(allow_private=False).refusal("::ffff:10.0.0.1") == (
        "::ffff:10.0.0.1 (10.0.0.1) is a private address; "
        "[delivery] allow_private is false and allow_networks does not name it"
    )
    assert BY_DEFAULT.refusal("0.0.0.0") == (
        "0.0.0.0 is the unspecified address; webhooks never go there"
    )


@pytest.mark.parametrize("loopback", ["127.0.0.0/8", "::1/128"])
def test_localhost_may_be_called_when_one_of_its_addresses_may(loopback: str) -> None:
    assert _guard(allow_networks=[loopback]).refusal_of_url("http://localhost:8080/") is None


@pytest.mark.parametrize(
    ("settings", "story"),
    [
        ({}, "webhooks may go to public and private addresses"),
        ({"allow_private": False}, "webhooks may go to public addresses only"),
        (
            {"allow_networks": ["127.0.0.0/8", "::1/128"]},
            "webhooks may go to public and private addresses, and to 127.0.0.0/8, ::1/128",
        ),
        (
            {"allow_private": False, "proxy": "http://10.0.0.1:3128"},
            "webhooks may go to public addresses only, through the proxy http://10.0.0.1:3128",
        ),
    ],
)
def test_the_story_for_the_log(settings: dict[str, Any], story: str) -> None:
    assert _guard(**settings).story == story


# --- every spelling ---

_REFUSED = tuple(
    map(ip_network, ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"])
)
_refused_ipv4 = st.sampled_from(_REFUSED).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1]))
)
_DIGITS = ["{}", "0{:o}", "00{:o}", "0x{:x}", "0X{:X}"]
_WIDE = str.maketrans("0123456789.", "０１２３４５６７８９。")  # noqa: RUF001


@st.composite
def _spelt(draw: st.DrawFn) -> str:
    """A host that stands for a refused IPv4 address, in any of the ways there are."""
    bits = draw(_refused_ipv4)
    dotted = str(IPv4Address(bits))
    form = draw(st.integers(0, 7))
    if form == 0:
        return f"[{IPv6Address(0xFFFF << 32 | bits)}]"
    if form == 1:
        return f"[::ffff:{dotted}]"
    if form == 2:
        return f"[64:ff9b::{dotted}]"
    if form == 3:
        return f"[{IPv6Address(0x2002 << 112 | bits << 80 | draw(st.integers(0, 2**80 - 1)))}]"
    count = draw(st.integers(1, 4))
    parts = [bits >> 8 * (3 - at) & 0xFF for at in range(count - 1)]
    parts.append(bits & (1 << 8 * (5 - count)) - 1)
    digits = draw(st.lists(st.sampled_from(_DIGITS), min_size=count, max_size=count))
    host = ".".join(digit.format(part) for digit, part in zip(digits, parts, strict=True))
    if draw(st.booleans()):
        host = host.translate(_WIDE)
    return host + "." * draw(st.integers(0, 1))


@given(_spelt())
@reproducible
def test_no_spelling_of_a_refused_ipv4_address_gets_past(host: str) -> None:
    assert BY_DEFAULT.refusal_of_url(f"http://{host}/") is not None


@given(
    st.from_regex(
        r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fx.]{1,12}|\[[0-9a-f:.]{2,20}\]", fullmatch=True
    )
)
@reproducible
def test_what_the_machine_reads_as_a_refused_address_is_refused(host: str) -> None:
    flags = socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(host.strip("[]"), 80, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        return
    if BY_DEFAULT.refusal(str(found[0][4][0])) is not None:
        assert BY_DEFAULT.refusal_of_url(f"http://{host}/") is not None
