"""``POST /oauth/token``: an app gets a token for its key and secret (RFC 6749, section 4.4).

Its failures are OAuth's, ``{"error": "invalid_client", "error_description": "…"}``, and not those
of the UAPI.
"""

import time
from dataclasses import dataclass
from math import ceil

from sqlite_utils import Database
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.attempts import Attempts
from api.audit import Audit
from api.client_address import client_network
from api.errors import RETRY_SOON, not_implemented
from api.json_answer import JsonAnswer
from api.token_request import (
    Credentials,
    OAuthError,
    credentials,
    invalid_client,
    read_token_request,
)
from daemon.apps import App, app_with_key
from daemon.service import Service
from daemon.store import StoreUnavailable
from daemon.tokens import create_token

_METHODS = {"Allow": "OPTIONS, POST"}
_NEVER_KEEP = {"Cache-Control": "no-store", "Pragma": "no-cache"}

# Failed attempts in a minute: of one address, behind which may be several apps, and of one key
# from that address. From elsewhere nobody can use up what an app has.
_OF_ADDRESS = 60
_OF_KEY = 10


@dataclass(frozen=True, slots=True)
class _Grant:
    app: App
    token: str
    seconds: float


class TokenEndpoint:
    """ASGI app for all methods of the address."""

    def __init__(self, service: Service, audit: Audit) -> None:
        self._service = service
        self._audit = audit
        self._of_address = Attempts(_OF_ADDRESS)
        self._of_key = Attempts(_OF_KEY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_METHODS)
        try:
            grant = await self._granted(request)
        except OAuthError as error:
            return self._refused(request, error)
        except StoreUnavailable as error:
            reason = f"The store cannot be used now: {error}."
            failure = OAuthError(503, "temporarily_unavailable", reason, RETRY_SOON)
            return self._refused(request, failure)
        self._audit.granted(request, grant.app, grant.seconds)
        body = {
            "access_token": grant.token,
            "expires_in": int(grant.seconds),
            "token_type": "Bearer",
        }
        return JsonAnswer(body, headers=_NEVER_KEEP)

    async def _granted(self, request: Request) -> _Grant:
        """Raises OAuthError, StoreUnavailable, and UapiError for what is not implemented."""
        if request.method != "POST":
            reason = "The method is not one of this address; allowed is POST."
            raise OAuthError(405, "invalid_request", reason, _METHODS)
        fields = await read_token_request(request)
        match fields.get("grant_type"):
            case "client_credentials":
                pass
            case "authorization_code":
                raise not_implemented("The authorization-code flow")
            case None | "":
                reason = "grant_type is missing; allowed is client_credentials."
                raise OAuthError(400, "invalid_request", reason)
            case _:
                reason = "grant_type is not client_credentials."
                raise OAuthError(400, "unsupported_grant_type", reason)
        asked = credentials(fields, request.headers.get("authorization"))
        return await self._grant(asked, client_network(request))

    async def _grant(self, asked: Credentials, address: str) -> _Grant:
        # Read before it is written: what is wrong costs no transaction.
        app = await self._service.store.read(lambda db: _app(db, asked))
        if app is None:
            raise self._failure(asked, address, time.monotonic())
        if app.user is None or self._service.directory.user(app.user) is None:
            reason = "The user of this app is not in the settings any more."
            raise invalid_client(reason, f"app {app.id}")

        seconds = self._service.settings.access.token_lifetime

        def make(db: Database) -> _Grant | None:
            app = _app(db, asked)
            if app is None or app.user is None:
                return None
            token = create_token(db, app.user, app.id, time.time() + seconds)
            return _Grant(app, token, seconds)

        grant = await self._service.store.write(make)
        if grant is None:
            raise invalid_client("The app was revoked just now.", f"app {app.id}")
        return grant

    def _failure(self, asked: Credentials, address: str, now: float) -> OAuthError:
        """What a wrong key or secret is answered.

        A right secret is never refused for the failures of others, so that nobody can lock an app
        out, not even from behind the same address. It has 256 random bits: what the limits are to
        spare is the machine, the log and the app that does not notice that it fails.
        """
        # Who takes one for the other sends the secret as the key: only what looks like one is told.
        key = asked.key if asked.are_possible else ""
        about = f"app {key}" if key else ""
        attempts = ((self._of_address, address), (self._of_key, (address, key)))
        wait = max(limit.wait(who, now) for limit, who in attempts)
        if wait > 0:
            reason = "Too many attempts have failed; Retry-After has how many seconds to wait."
            headers = {"Retry-After": str(ceil(wait))}
            return OAuthError(429, "temporarily_unavailable", reason, headers, about)
        for limit, who in attempts:
            limit.failed(who, now)
        return invalid_client("client_id and client_secret are those of no app.", about)

    def _refused(self, request: Request, error: OAuthError) -> Response:
        what = f"token for {error.about}" if error.about else "token"
        self._audit.refused(request, what, error.status, error.error, error.reason)
        body = {"error": error.error, "error_description": error.reason}
        return JsonAnswer(body, error.status, {**_NEVER_KEEP, **(error.headers or {})})


def _app(db: Database, asked: Credentials) -> App | None:
    return app_with_key(db, asked.key, asked.secret) if asked.are_possible else None
