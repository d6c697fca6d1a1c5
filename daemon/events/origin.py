"""Which server a URL leads to. Pure."""

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """``scheme://host:port`` of an http or https URL, the same for all spellings of it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host.rstrip('.')}:{port}"
