"""How many requests of one token are at work at a time."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import UapiError
from daemon.service import Service
from daemon.tokens import Token

_RETRY_SECONDS = 1


class LimitedPerToken:
    """ASGI middleware behind Authenticated: of each token ``[api] concurrency`` requests pass, and
    one more is 429."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._at_work: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token: Token = scope["auth"]
        at_work = self._at_work.get(token.id, 0)
        limit = self._service.settings.api.concurrency
        if at_work >= limit:
            raise UapiError(
                429,
                "too_many_requests",
                f"This token has {at_work} requests at work; {limit} at a time are allowed.",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        self._at_work[token.id] = at_work + 1
        try:
            await self._app(scope, receive, send)
        finally:
            left = self._at_work.pop(token.id) - 1
            if left:
                self._at_work[token.id] = left
