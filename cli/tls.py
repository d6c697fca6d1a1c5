"""HTTPS: the certificate and key of the settings, which can be replaced while it is served."""

import ssl

from api.client_address import read_address
from config.settings import Http


class TlsError(Exception):
    """The certificate or its key cannot be used; the text says which and why."""


class Certificate:
    """What new connections are met with, where this first context is listened with."""

    def __init__(self, first: ssl.SSLContext) -> None:
        self._current = first
        # Another certificate in the same context would leave the old one there if its key is of
        # another kind, so each handshake is given a context that knows no other. It is called
        # for clients that name no host too.
        first.sni_callback = self._meet

    def take_over(self, context: ssl.SSLContext) -> None:
        """Meet new connections with this one; those that are open go on."""
        self._current = context

    def _meet(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = self._current


def tls_context(http: Http) -> ssl.SSLContext | None:
    """What the settings' certificate and key make, None if they have none. Raises TlsError."""
    if http.tls_certificate is None or http.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        for file in (http.tls_certificate, http.tls_key):
            file.open().close()
        context.load_cert_chain(http.tls_certificate, http.tls_key, password=_no_password)
    except ssl.SSLError as error:
        files = f"{http.tls_certificate} and {http.tls_key}"
        raise TlsError(f"{files} are no certificate and its key (PEM): {error.reason}") from error
    except OSError as error:
        raise TlsError(f"{error.filename} cannot be read: {error.strerror}") from error
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask at the terminal for that of an encrypted key."""
    return ""


def exposure(http: Http, address: str) -> str | None:
    """What is to be said loudly when the UAPI is served at this IP address; None for nothing."""
    where = read_address(address)
    if http.tls_certificate is not None or (where is not None and where.is_loopback):
        return None
    return (
        f"served at {address} WITHOUT TLS: whoever is on the way can read tokens and calls, and "
        "act with them. Set [http] tls_certificate and tls_key, or host to 127.0.0.1 behind a "
        "proxy with TLS"
    )
