"""Which server a URL leads to. Pure."""

from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from yarl import URL

_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=1024)  # the same few URLs come again and again
def origin_of(url: str) -> str:
    """``scheme://host:port`` of an http or https URL, the same for all spellings of it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    name = _bracketed(host) if ":" in host else _ascii(host).rstrip(".").lower()
    return f"{parts.scheme}://{name}:{port}"


def ascii_origin(url: str) -> str:
    """The URL with its host name as IDNA has it, which is how servers are asked for it.

    A name that IDNA does not allow stays as it is.
    """
    if url.isascii():
        return url
    netloc = urlsplit(url).netloc
    host, colon, port = netloc.partition(":")
    return url.replace(netloc, f"{_ascii(host)}{colon}{port}", 1)


def _ascii(host: str) -> str:
    if not host.isascii():
        with suppress(ValueError):
            return URL.build(scheme="http", host=host).raw_host or host
    return host


def _bracketed(host: str) -> str:
    try:
        return f"[{IPv6Address(host)}]"
    except ValueError:
        return f"[{host}]"
