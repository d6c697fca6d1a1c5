"""Who asks: the bearer token of a request, the user whose it is and the app that sends it."""

import time

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import access_denied
from daemon.people import User
from daemon.service import Service
from daemon.tokens import Token, Tokens

_IN_QUERY = "accessRequestToken"


class Authenticated:
    """ASGI middleware that lets nothing pass without a good token.

    ``caller`` and ``caller_app`` tell whose it is.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._tokens = Tokens(service.store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"], scope["auth"] = await self._who(self._token(HTTPConnection(scope)))
        await self._app(scope, receive, send)

    def _token(self, request: HTTPConnection) -> str:
        """The token that came, in the header or, where the settings allow it, in the query."""
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return _after_bearer(authorization, "header Authorization")
        in_query = request.query_params.get(_IN_QUERY)
        if in_query is not None and self._service.settings.access.token_in_query:
            # Documented with the word Bearer before it, and sent without.
            token = in_query.strip()
            return _after_bearer(token, f"parameter {_IN_QUERY}") if " " in token else token
        raise access_denied("The header Authorization is missing; allowed is Bearer <token>.")

    async def _who(self, token: str) -> tuple[User, Token]:
        found = await self._tokens.find(token)
        user = None if found is None else self._service.directory.user(found.user)
        if found is None or user is None:
            raise access_denied("The token is unknown, or was revoked, or its user is gone.")
        if not found.is_valid(time.time()):
            raise access_denied("The token has expired; /oauth/token gives out new ones.")
        return user, found


def _after_bearer(text: str, name: str) -> str:
    scheme, _, token = text.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        # Neither part is shown: a token without its scheme would come back in the message.
        raise access_denied(f"The {name} is not of the form Bearer <token>.")
    return token.strip()


def caller(request: Request) -> User:
    """The user whose token came with the request."""
    user: User = request.user
    return user


def caller_app(request: Request) -> str:
    """The id of the app whose token came with the request."""
    token: Token = request.auth
    return token.app
