"""Who asks: the bearer token of a request, the user whose it is and the app that sends it."""

import time

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import access_denied
from daemon.directory import User
from daemon.service import Service
from daemon.tokens import Token, find_token


class Authenticated:
    """ASGI middleware that lets nothing pass without a good token.

    ``caller`` and ``caller_app`` tell whose it is.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"], scope["auth"] = await self._who(Headers(scope=scope).get("authorization"))
        await self._app(scope, receive, send)

    async def _who(self, authorization: str | None) -> tuple[User, Token]:
        if authorization is None:
            raise access_denied("The header Authorization is missing; allowed is Bearer <token>.")
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            # Neither part is shown: a token without its scheme would come back in the message.
            raise access_denied("The header Authorization is not of the form Bearer <token>.")
        found = await self._service.store.look_up(lambda db: find_token(db, token.strip()))
        user = None if found is None else self._service.directory.user(found.user)
        if found is None or user is None:
            raise access_denied("The token is unknown, or was revoked, or its user is gone.")
        if not found.is_valid(time.time()):
            raise access_denied("The token has expired.")
        return user, found


def caller(request: Request) -> User:
    """The user whose token came with the request."""
    user: User = request.user
    return user


def caller_app(request: Request) -> str:
    """The id of the app whose token came with the request."""
    token: Token = request.auth
    return token.app
