"""The audit: a line of the log for each change, each action on a call and each token that is given
out, and what was refused. It says who (user, app, address), what, on what, and how it ended:

    user 12, app 5f0e9c21ab34, from 10.0.0.9: OnHold, view 01 of call 0989cb…, 0003*210: done
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from api.client_address import client_address
from api.errors import UapiError, printable, shown
from api.refusals import Refusals
from daemon.apps import App

log = logging.getLogger(__name__)

DONE = "done"
ACCEPTED = "accepted"

_DEED = "uapid.deed"
"""Where a request's deed stands in its ASGI scope."""

_ACCEPTED_STATUS = 202
_DENIED_STATUS = (401, 403, 429)
_DENIED_CODES = ("pce_access_denied",)
# Their messages show the URL that came, and who has one may have a secret in it.
_SECRETIVE_CODES = ("pce_url_invalid",)


@dataclass(slots=True)
class Deed:
    """Who does what; ``outcomes`` has each part of it by itself, if it has several.

    Until ``what`` is told it is what was asked for, see tell_deed.
    """

    who: str
    what: str = ""
    outcomes: list[tuple[str, str]] = field(default_factory=list)


class Audit:
    """The lines of one app; those of refusals are bounded, see Refusals."""

    def __init__(self) -> None:
        self._refusals = Refusals(log.warning)

    async def run(
        self, request: Request, handler: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Answer a request that changes something; what it raises is to come to ``failed``."""
        request.scope[_DEED] = deed = Deed(_who(request))
        response = await handler(request)
        _write(request, deed, ACCEPTED if response.status_code == _ACCEPTED_STATUS else DONE)
        return response

    def failed(self, request: Request, error: UapiError) -> None:
        """A request has ended with this error."""
        deed: Deed | None = request.scope.get(_DEED)
        if error.status in _DENIED_STATUS or error.code in _DENIED_CODES:
            self.refused(request, _what(request), error.status, error.code, error.message)
        elif deed is not None:
            _write(request, deed, outcome_of(error))

    def refused(self, request: Request, what: str, status: int, code: str, reason: str) -> None:
        """Somebody was refused something; ``what`` and ``reason`` have no secret in them."""
        who = _who(request)
        line = printable(f"{who}: {what}: {status} {code}: {reason}")
        self._refusals.tell(f"{status} {code}, {who}", line)

    def granted(self, request: Request, app: App, seconds: float) -> None:
        """An app has got a token that is valid for so long."""
        who = f"user {app.user}, app {app.id}, from {client_address(request)}"
        log.info("%s: token for %g s: %s", who, seconds, DONE)


def tell_deed(request: Request, what: str) -> None:
    """What this request does and on what, as soon as that is known; it has no secret in it."""
    deed: Deed = request.scope[_DEED]
    deed.what = what


def tell_outcomes(request: Request, outcomes: Sequence[tuple[str, str]]) -> None:
    """What this request has done, one by one, and how each of them ended."""
    deed: Deed = request.scope[_DEED]
    deed.outcomes = list(outcomes)


def outcome_of(error: UapiError) -> str:
    """An error, as a line shows how something ended."""
    message = "" if error.code in _SECRETIVE_CODES else f": {error.message}"
    return f"{error.status} {error.code}{message}"


def _write(request: Request, deed: Deed, outcome: str) -> None:
    for what, ended in deed.outcomes or [(_what(request), outcome)]:
        log.info("%s", printable(f"{deed.who}: {what}: {ended}"))


def _who(request: Request) -> str:
    """As far as it is known: a refused request may be nobody's."""
    address = f"from {client_address(request)}"
    if "auth" not in request.scope:
        return address
    return f"user {request.user.id}, app {request.auth.app}, {address}"


def _what(request: Request) -> str:
    """What it does, as far as that was told; else what was asked for."""
    deed: Deed | None = request.scope.get(_DEED)
    if deed is not None and deed.what:
        return deed.what
    return f"{shown(request.method)} {shown(request.scope['path'])}"
