"""HTTPS: which certificate clients are met with, and what is said when there is none."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from cli.tls import exposure
from config.settings import Http
from tests.unit.cli.commands import settings_file, uapid
from tests.unit.cli.serving import NO_PBX, started
from tests.unit.ports import free_port

HOST = "127.0.0.1"


class Files:
    """The certificate and the key that the settings name."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"

    def become(self, authority: trustme.CA, kind: trustme.KeyType = trustme.KeyType.ECDSA) -> None:
        issued = authority.issue_cert(HOST, "localhost", key_type=kind)
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def config(tmp_path: Path, files: Files, port: int) -> Path:
    tls = f'tls_certificate = "{files.certificate}"\ntls_key = "{files.key}"\n'
    return settings_file(tmp_path, f"{NO_PBX}[http]\nport = {port}\n{tls}")


@contextmanager
def client(
    port: int, authority: trustme.CA, host: str = HOST
) -> Iterator[http.client.HTTPSConnection]:
    """One that trusts nobody else; it names its host if that is no address."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=10)
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def answered(connection: http.client.HTTPSConnection) -> int:
    """The status of /ready, asked for over this very connection."""
    before = connection.sock
    connection.request("GET", "/ready")
    response = connection.getresponse()
    response.read()
    assert connection.sock is before
    return response.status


@pytest.mark.parametrize("host", [HOST, "localhost"], ids=["with no name", "with a name"])
def test_a_new_certificate_is_for_new_connections_and_open_ones_go_on(
    config: Path, files: Files, port: int, host: str
) -> None:
    old, new = trustme.CA(), trustme.CA()
    files.become(old, trustme.KeyType.RSA)
    with started(config) as systemd, client(port, old, host) as open_before:
        assert answered(open_before) == 503
        files.become(new, trustme.KeyType.ECDSA)
        systemd.reload()
        with client(port, new, host) as fresh:
            assert answered(fresh) == 503
        with pytest.raises(ssl.SSLCertVerificationError), client(port, old, host):
            pass
        assert answered(open_before) == 503


def test_who_would_rather_have_the_old_kind_of_key_is_not_met_with_the_old_certificate(
    config: Path, files: Files, port: int
) -> None:
    """A context that has an RSA and an ECDSA certificate lets the client choose."""
    old, new = trustme.CA(), trustme.CA()
    files.become(old, trustme.KeyType.RSA)
    with started(config) as systemd:
        files.become(new, trustme.KeyType.ECDSA)
        systemd.reload()
        context = ssl.create_default_context()
        old.configure_trust(context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aRSA")
        with pytest.raises(ssl.SSLError) as refused:
            http.client.HTTPSConnection(HOST, port, context=context, timeout=10).connect()
        assert not isinstance(refused.value, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("fault", ["no certificate", "another key", "gone"])
def test_a_bad_new_certificate_is_told_and_the_old_one_stays(
    config: Path, files: Files, port: int, fault: str
) -> None:
    authority = trustme.CA()
    files.become(authority)
    with started(config) as systemd:
        spoil(files, fault)
        text = config.read_text()
        config.write_text(text.replace('name = "John"', 'name = "Jane"'))
        told = systemd.reload()
        assert "ERROR" in told
        assert str(files.key) in told
        assert "changed: users" not in told, "it is all or nothing"
        with client(port, authority) as fresh:
            assert answered(fresh) == 503
        files.become(authority)
        assert "changed: users" in systemd.reload()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00"], ids=["nothing", "half a hello"])
def test_who_does_not_begin_with_tls_is_not_waited_for(
    config: Path, files: Files, port: int, sent: bytes
) -> None:
    files.become(trustme.CA())
    config.write_text(config.read_text().replace("[http]\n", "[http]\ntimeout = 0.3\n"))
    with started(config), socket.create_connection((HOST, port), timeout=5) as silent:
        silent.sendall(sent)
        assert silent.recv(100) == b""


def test_who_says_nothing_after_that_is_not_waited_for_either(
    config: Path, files: Files, port: int
) -> None:
    authority = trustme.CA()
    files.become(authority)
    config.write_text(config.read_text().replace("[http]\n", "[http]\ntimeout = 0.3\n"))
    with started(config), client(port, authority) as silent:
        silent.sock.settimeout(5)
        with suppress(ssl.SSLEOFError):
            assert silent.sock.recv(100) == b""


def spoil(files: Files, fault: str) -> None:
    match fault:
        case "no certificate":
            files.certificate.write_text("-----BEGIN NOTHING-----\n")
        case "another key":
            files.key.write_bytes(trustme.CA().issue_cert(HOST).private_key_pem.bytes())
        case "gone":
            files.key.unlink()


def test_it_does_not_start_with_a_certificate_that_cannot_be_used(
    config: Path, files: Files
) -> None:
    files.become(trustme.CA())
    spoil(files, "another key")
    ended = uapid("serve", "--config", config)
    assert ended.returncode == 1
    assert f"{files.certificate} and {files.key} are no certificate and its key" in ended.stderr


@pytest.mark.parametrize("tls", [False, True])
def test_a_start_on_every_address_without_tls_warns_loudly(
    tmp_path: Path, config: Path, files: Files, tls: bool
) -> None:
    files.become(trustme.CA())
    text = config.read_text().replace("[http]\n", '[http]\nhost = "0.0.0.0"\n')
    config.write_text(text if tls else text.partition("tls_certificate")[0])
    assert warnings(config) == (0 if tls else 1)


def test_a_start_on_loopback_does_not(config: Path) -> None:
    config.write_text(config.read_text().partition("tls_certificate")[0])
    assert warnings(config) == 0


def warnings(config: Path) -> int:
    """How many lines a start has with what to do about TLS."""
    with started(config) as systemd:
        return sum(
            line.startswith("WARNING") and "Set [http] tls_certificate and tls_key" in line
            for line in systemd.log.splitlines()
        )


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("127.0.0.1", False),
        ("127.8.9.10", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("10.1.2.3", True),
        ("fe80::1%eth0", True),
        ("203.0.113.7", True),
    ],
)
def test_only_loopback_is_safe_without_tls(address: str, exposed: bool) -> None:
    assert (exposure(Http(), address) is not None) == exposed
