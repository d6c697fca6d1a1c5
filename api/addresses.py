"""One address for each thing: the spellings that clients use become the one that is routed.

``/unifiedapi/…`` is ``/uapi/…``, a slash at the end is nothing, and the absolute form of a
request target (RFC 9112, 3.2.2) is its path.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_ORIGIN = re.compile(r"https?://[^/]*", re.IGNORECASE)
_ALIAS = "/unifiedapi/"


class OneAddress:
    """ASGI middleware that rewrites the path; clients never see a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = routed_path(scope["path"])
        await self._app(scope, receive, send)


def routed_path(path: str) -> str:
    """The path that the routes know, from a path as it came and percent-decoded."""
    path = _ORIGIN.sub("", path, count=1) if not path.startswith("/") else path
    if path.startswith(_ALIAS):
        path = "/uapi/" + path.removeprefix(_ALIAS)
    return path.removesuffix("/") or "/"
