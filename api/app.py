"""The routes of the UAPI."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from api.addresses import OneAddress
from api.audit import Audit
from api.auth import Authenticated
from api.concurrency import LimitedPerToken
from api.deliveries import DeliveriesResource
from api.errors import error_handlers, not_implemented
from api.oauth import TokenEndpoint
from api.openapi.resource import OpenApiResource
from api.phone_call_events import PhoneCallEventsResource
from api.phone_calls import PhoneCallsResource
from api.readiness import ReadinessResource
from daemon.service import Service

_Handler = Callable[[Request], Awaitable[Response]]


def create_app(service: Service) -> Starlette:
    """The UAPI of this service, which whoever calls this starts and stops."""
    uapi = Mount(
        "/uapi",
        app=Router(_uapi_routes(service), redirect_slashes=False),
        middleware=[
            Middleware(Authenticated, service=service),
            Middleware(LimitedPerToken, service=service),
        ],
    )
    audit = Audit()
    app = Starlette(
        routes=[
            uapi,
            *_oauth_routes(TokenEndpoint(service, audit)),
            _address("/ready", GET=ReadinessResource(service).show),
            _address("/openapi.json", GET=OpenApiResource(service).show),
        ],
        middleware=[Middleware(OneAddress)],
        exception_handlers=error_handlers(audit.failed),
    )
    app.router.redirect_slashes = False
    app.state.audit = audit
    return app


def _oauth_routes(tokens: TokenEndpoint) -> list[BaseRoute]:
    return [
        *(Route(f"/oauth/token{end}", tokens) for end in ("", ".php")),
        *(
            _address(f"/oauth/{name}{end}", GET=_not_yet, POST=_not_yet)
            for name in ("authorize", "register")
            for end in ("", ".php")
        ),
    ]


def _uapi_routes(service: Service) -> list[BaseRoute]:
    events = PhoneCallEventsResource(service)
    deliveries = DeliveriesResource(service)
    calls = PhoneCallsResource(service)
    extension = "/extensions/{user}/{extension}"
    return [
        _address(
            f"{extension}/phoneCallEvents",
            GET=events.list_events,
            POST=events.create,
            DELETE=events.delete,
        ),
        _address(
            f"{extension}/phoneCallEvents/{{type}}",
            GET=events.list_events,
            POST=events.create,
            DELETE=events.delete,
        ),
        _address(
            f"{extension}/phoneCallEvents/{{type}}/{{id}}",
            GET=events.list_events,
            PUT=events.update,
            DELETE=events.delete,
        ),
        _address(
            f"{extension}/phoneCallEvents/{{type}}/{{id}}/deliveries",
            GET=deliveries.list_deliveries,
            POST=deliveries.retry_all,
        ),
        _address(
            f"{extension}/phoneCallEvents/{{type}}/{{id}}/deliveries/{{deliveryId}}",
            GET=deliveries.show,
            POST=deliveries.retry,
        ),
        _address("/phoneCalls/{user}/simple", POST=_not_yet),
        _address("/phoneCalls/{user}/callback", POST=_not_yet),
        _address("/phoneCalls/{user}/conferenceInvite", POST=_not_yet),
        _address(
            "/phoneCalls/{user}/{extension}", GET=calls.list_calls, PUT=calls.act, DELETE=_not_yet
        ),
        _address(
            "/phoneCalls/{user}/{extension}/{phoneCallId}",
            GET=calls.list_calls,
            PUT=calls.act,
            DELETE=_not_yet,
        ),
        _address(f"{extension}/presence", GET=_not_yet),
        _address(f"{extension}/queue/agents", GET=_not_yet, PUT=_not_yet),
        _address(f"{extension}/queue/agents/{{agent}}", GET=_not_yet, PUT=_not_yet),
        _address("/faxes/{user}/{extension}", POST=_not_yet),
        _address("/cdr", GET=_not_yet),
        _address("/cdr/{user}", GET=_not_yet),
        _address("/cdr/stats/{user}", GET=_not_yet),
    ]


def _address(path: str, **handlers: _Handler) -> Route:
    return Route(path, _Address(handlers), methods=[*handlers, "OPTIONS"])


class _Address:
    """ASGI app for all methods of an address, so that OPTIONS and a 405 can name all of them.

    All others but GET change something, which is written to the audit.
    """

    def __init__(self, handlers: Mapping[str, _Handler]) -> None:
        self._handlers = handlers
        heads = ["HEAD"] if "GET" in handlers else []
        self._allowed = ", ".join(sorted([*handlers, *heads, "OPTIONS"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": self._allowed})
        if request.method in ("GET", "HEAD"):
            return await self._handlers["GET"](request)
        audit: Audit = request.app.state.audit
        return await audit.run(request, self._handlers[request.method])


async def _not_yet(request: Request) -> Response:
    """The UAPI has it, this daemon does not have it yet."""
    raise not_implemented(f"{request.method} {request.scope['path']}")
