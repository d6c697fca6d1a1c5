"""An HTTP server that plays the REST interface of an Asterisk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
from aiohttp import web

PASSWORD = "s3cret"
APP = "uapid"

Answer = tuple[int, Any]


class _Operation(NamedTuple):
    path: str
    method: str
    nickname: str
    query: tuple[str, ...] = ()


_SNOOP_OPTIONS = ("spy", "whisper", "app", "appArgs")
_OPERATIONS = {
    "applications": [_Operation("/applications/{applicationName}", "GET", "get")],
    "asterisk": [_Operation("/asterisk/modules", "GET", "listModules")],
    "channels": [
        _Operation("/channels", "GET", "list"),
        _Operation("/channels/{channelId}", "DELETE", "hangup"),
        _Operation("/channels/{channelId}/moh", "POST", "startMoh", ("mohClass",)),
        _Operation(
            "/channels/{channelId}/snoop/{snoopId}", "POST", "snoopChannelWithId", _SNOOP_OPTIONS
        ),
    ],
    "endpoints": [_Operation("/endpoints", "GET", "list")],
    "events": [_Operation("/events", "GET", "eventWebsocket", ("app",))],
}


def _declared(operation: _Operation) -> dict[str, Any]:
    """As Asterisk's description of its ARI has it."""
    in_path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [(name, "path") for name in in_path]
    parameters += [(name, "query") for name in operation.query]
    return {
        "httpMethod": operation.method,
        "nickname": operation.nickname,
        "responseClass": "void",
        "parameters": [
            {
                "name": name,
                "paramType": kind,
                "required": kind == "path",
                "dataType": "string",
            }
            for name, kind in parameters
        ],
    }


class AriServer:
    """``answers`` is how a path below /ari is answered: status and JSON.

    ``act`` is asked first, with the method, the path and the query; it may answer None.
    ``requests`` has the URL of each request. A frozen server keeps its sockets open and answers
    nothing, not even a ping.
    """

    def __init__(self, password: str = PASSWORD) -> None:
        self.act: Callable[[str, str, Mapping[str, str]], Answer | None] = lambda *_: None
        self.answers: dict[str, Answer] = {
            "/channels": (200, []),
            "/endpoints": (200, []),
        }
        self.port = 0
        self.requests: list[str] = []
        self.authorization = aiohttp.encode_basic_auth("uapid", password)
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._authenticated])
        app.router.add_get("/ari/api-docs/{name}.json", self._documentation)
        app.router.add_get("/ari/events", self._events)
        app.router.add_route("*", "/ari{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.thaw()
        await self.hang_up()
        await self._runner.cleanup()

    def freeze(self) -> None:
        self._thawed.clear()
        for transport in self._transports.values():
            transport.pause_reading()

    def thaw(self) -> None:
        self._thawed.set()
        for transport in self._transports.values():
            transport.resume_reading()

    @property
    def connected(self) -> int:
        """How many WebSockets are open."""
        return len(self._transports)

    async def send(self, event: dict[str, Any]) -> None:
        for socket in self._transports:
            await socket.send_json(event)

    async def hang_up(self) -> None:
        """Close every WebSocket."""
        for socket in list(self._transports):
            await socket.close()

    @web.middleware
    async def _authenticated(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        await self._thawed.wait()
        self.requests.append(str(request.url))
        if request.headers.get("Authorization") != self.authorization:
            raise web.HTTPUnauthorized(text='{"message": "Authentication required"}')
        return await handler(request)

    async def _documentation(self, request: web.Request) -> web.Response:
        if request.path.removeprefix("/ari") in self.answers:
            return await self._answer(request)
        listing = request.match_info["name"] == "resources"
        return self._listing(request) if listing else self._declaration(request)

    def _listing(self, request: web.Request) -> web.Response:
        apis = [
            {"path": f"/api-docs/{name}.{{format}}", "description": name} for name in _OPERATIONS
        ]
        return web.json_response(
            {"swaggerVersion": "1.1", "basePath": self._base(request), "apis": apis}
        )

    def _declaration(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        operations = [_declared(operation) for operation in _OPERATIONS[name]]
        if name == "events":
            operations[0]["upgrade"] = "websocket"
        paths = [operation.path for operation in _OPERATIONS[name]]
        return web.json_response(
            {
                "swaggerVersion": "1.1",
                "basePath": self._base(request),
                "resourcePath": f"/api-docs/{name}.{{format}}",
                "apis": [
                    {"path": path, "operations": [operation]}
                    for path, operation in zip(paths, operations, strict=True)
                ],
                "models": {},
            }
        )

    def _base(self, request: web.Request) -> str:
        return f"http://{request.host}/ari"

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/ari")
        answer = self.act(request.method, path, request.query)
        status, body = answer or self.answers.get(path, (404, {"message": "Resource not found"}))
        if status == 204:
            return web.Response(status=204)
        return web.json_response(body, status=status)

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        self._transports[socket] = request.transport
        self.answers[f"/applications/{APP}"] = (200, {"name": APP})
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
        finally:
            del self._transports[socket]
            if not self._transports:
                del self.answers[f"/applications/{APP}"]
        return socket
