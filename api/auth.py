"""Who asks: the bearer token of a request and the user whose it is."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import access_denied
from daemon.directory import User
from daemon.service import Service
from daemon.tokens import user_of_token


class Authenticated:
    """ASGI middleware that lets nothing pass without a good token; ``caller`` tells whose."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = await self._user(Headers(scope=scope).get("authorization"))
        await self._app(scope, receive, send)

    async def _user(self, authorization: str | None) -> User:
        if authorization is None:
            raise access_denied("The header Authorization is missing; allowed is Bearer <token>.")
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            # Neither part is shown: a token without its scheme would come back in the message.
            raise access_denied("The header Authorization is not of the form Bearer <token>.")
        user_id = await self._service.store.read(lambda db: user_of_token(db, token.strip()))
        user = None if user_id is None else self._service.directory.user(user_id)
        if user is None:
            raise access_denied("The token is unknown, or was revoked, or its user is gone.")
        return user


def caller(request: Request) -> User:
    """The user whose token came with the request."""
    user: User = request.user
    return user
