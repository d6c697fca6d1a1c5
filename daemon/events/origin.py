"""Which server a URL leads to. Pure."""

from contextlib import suppress
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from yarl import URL

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """``scheme://host:port`` of an http or https URL, the same for all spellings of it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    return f"{parts.scheme}://{_bracketed(host) if ':' in host else ascii_host(host)}:{port}"


def ascii_host(host: str) -> str:
    """A host name as it is looked up: what is not ASCII as IDNA has it, without a last dot.

    A name that IDNA does not allow stays as it is.
    """
    if not host.isascii():
        with suppress(ValueError):
            host = URL.build(scheme="http", host=host).raw_host or host
    return host.rstrip(".").lower()


def _bracketed(host: str) -> str:
    try:
        return f"[{IPv6Address(host)}]"
    except ValueError:
        return f"[{host}]"
