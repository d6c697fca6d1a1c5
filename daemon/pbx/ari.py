"""The ARI line: aioari supervised.

aioari fetches the API's description when it connects and ends silently with its WebSocket; here a
client lives as long as its WebSocket, and the next one is made with backoff. Credentials travel in
a header, so that no URL ever carries them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aioari.client import Client
from aiohttp import WSMsgType
from aiohttp.http import WS_CLOSED_MESSAGE
from aiohttp.web_exceptions import HTTPException
from aioswagger11.http_client import AsynchronousHttpClient
from aioswagger11.processors import SwaggerError

from config.settings import Ari
from daemon.pbx.line import CONNECT_DEADLINE, Line, PbxRefused, PbxTimeout, PbxUnavailable
from daemon.supervise import Pace

_REPLACED = "another client has taken the application; each daemon needs an [ari] app of its own"
# Two daemons with one application take it from each other for ever: not in a hurry.
_AFTER_REPLACEMENT = Pace(first=0.2, longest=30.0)
_REMEDY = "compare [ari] username and password with ari.conf; the user must not be read_only"


class _WebSocket:
    """What aioari needs of a WebSocket. Pongs, which it would not see, count as heard too, and
    a failure, which it would only log, is an end like any other."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, on_data: Callable[[], object]
    ) -> None:
        self._socket = socket
        self._on_data = on_data

    @property
    def silence(self) -> str:
        """That no answer to a ping came, if that ended it."""
        error = self._socket.exception()
        return str(error) if isinstance(error, TimeoutError) else ""

    async def receive(self) -> aiohttp.WSMessage:
        while True:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    self._on_data()
                    return message
                case WSMsgType.PING:
                    self._on_data()
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    self._on_data()
                case WSMsgType.ERROR:
                    return WS_CLOSED_MESSAGE
                case _:
                    return message

    async def close(self) -> None:
        await self._socket.close()


class _HttpClient(AsynchronousHttpClient):  # type: ignore[misc]
    """aioari's way out: with deadlines, and with ``on_data`` called whenever the PBX speaks."""

    def __init__(self, settings: Ari, on_data: Callable[[], object]) -> None:
        self.authenticator = None
        self.websockets: set[_WebSocket] = set()
        self._on_data = on_data
        self._heartbeat = settings.ping_interval
        self.session = aiohttp.ClientSession(
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    settings.username, settings.password.get_secret_value()
                )
            },
            timeout=aiohttp.ClientTimeout(total=settings.timeout, sock_connect=CONNECT_DEADLINE),
        )

    @property
    def why_lost(self) -> str:
        silences = [socket.silence for socket in self.websockets if socket.silence]
        return ": ".join(["the WebSocket was lost", *silences])

    async def request(self, *arguments: Any, **named: Any) -> Any:
        try:
            answer = await super().request(*arguments, **named)
        except HTTPException:
            self._on_data()
            raise
        self._on_data()
        return answer

    async def ws_connect(self, url: str, params: dict[str, str] | None = None) -> Any:
        opened = await self.session.ws_connect(
            url,
            params=params,
            heartbeat=self._heartbeat,
            autoping=False,
        )
        socket = _WebSocket(opened, self._on_data)
        self.websockets.add(socket)
        return socket


class AriLine(Line):
    """A supervised ARI client.

    ``on_event`` is called with each event (a dict) of our Stasis application and must not wait;
    ``on_connect`` (a coroutine function) runs once the application is registered.
    """

    def __init__(
        self,
        settings: Ari,
        *,
        on_event: Callable[[dict[str, Any]], None],
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__("ARI")
        self._settings = settings
        self._on_event = on_event
        self._on_connect = on_connect
        self._client: Client | None = None
        self._replaced = asyncio.Event()

    @property
    def app(self) -> str:
        return self._settings.app

    @property
    def connected(self) -> bool:
        """True from the moment calls can be made, a little before the status is up."""
        return self._client is not None

    async def call(self, resource: str, operation: str, **parameters: str) -> Any:
        """Call an operation of the ARI, e.g. ``call("channels", "get", channelId="1.1")``.

        The decoded JSON of the answer, None if it has no body. Raises PbxError; PbxRefused
        carries the HTTP status.
        """
        client = self._client
        if client is None:
            raise PbxUnavailable(f"ARI is not connected ({self.status.reason})")
        return await self._call(client, resource, operation, parameters)

    async def _connect_once(self) -> Pace:
        # aioari adds "ari/" itself; operators know the URL with and without it.
        url = self._settings.url.rstrip("/").removesuffix("/ari") + "/"
        http = _HttpClient(self._settings, self._hear)
        client = Client(url, http)
        try:
            await _read_description(client)
            client.on_event("*", self._take)
            self._replaced.clear()
            listening = asyncio.create_task(client.run(apps=self.app), name="ARI events")
            replaced = asyncio.create_task(self._replaced.wait())
            try:
                await self._wait_until_registered(client, listening)
                self._client = client
                await self._on_connect()
                self._set_up(f"{url} as application {self.app}")
                await asyncio.wait({listening, replaced}, return_when=asyncio.FIRST_COMPLETED)
                if self._replaced.is_set():
                    self._set_down(f"{url}: {_REPLACED}")
                    return _AFTER_REPLACEMENT
                return self._set_down(f"{url}: {http.why_lost}")
            finally:
                replaced.cancel()
                listening.cancel()
                await asyncio.gather(listening, replaced, return_exceptions=True)
        except HTTPException as error:
            return self._end(f"{url}: HTTP status {error.status} {error.reason}", error.status)
        except PbxRefused as error:
            return self._end(f"{url}: {error}", error.status)
        except (aiohttp.ClientError, TimeoutError, OSError, PbxUnavailable, ValueError) as error:
            return self._set_down(f"{url}: {str(error) or 'no answer'}")
        finally:
            self._client = None
            # Client.close() recurses without end when the description was never read.
            await http.close()

    def _end(self, reason: str, status: int | None) -> Pace:
        # While Asterisk starts it answers too, with 404 or 503, and will let us in soon.
        if status in (401, 403):
            return self._set_refused(f"{reason}; {_REMEDY}")
        return self._set_down(reason)

    def _take(self, event: dict[str, Any]) -> None:
        # Our WebSocket stays open then, but no event and no channel of the application is ours.
        if event["type"] == "ApplicationReplaced":
            self._replaced.set()
        self._on_event(event)

    async def _wait_until_registered(self, client: Client, listening: asyncio.Task[None]) -> None:
        # The application exists once the WebSocket is open; only the list of them can tell.
        async with asyncio.timeout(self._settings.timeout):
            while True:
                try:
                    await self._call(client, "applications", "get", {"applicationName": self.app})
                    return
                except PbxRefused as error:
                    if error.status != 404:
                        raise
                if listening.done():
                    await listening
                    raise PbxUnavailable("the WebSocket was closed at once")
                await asyncio.sleep(0.02)

    async def _call(
        self, client: Client, resource: str, operation: str, parameters: dict[str, str]
    ) -> Any:
        name = f"{resource}.{operation}"
        seconds = self._settings.timeout
        try:
            async with asyncio.timeout(seconds):
                response = await _operation(client, resource, operation)(**parameters)
                return None if response.status == 204 else await response.json()
        except HTTPException as error:
            raise PbxRefused(
                f"ARI refused {name}: {error.status} {error.text}", error.status
            ) from error
        except TimeoutError:
            raise PbxTimeout(f"ARI gave no answer to {name} in {seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise PbxUnavailable(f"ARI did not take {name}: {error}") from error


def _operation(client: Client, resource: str, operation: str) -> Callable[..., Awaitable[Any]]:
    try:
        found: Callable[..., Awaitable[Any]] = getattr(getattr(client.swagger, resource), operation)
    except AttributeError:  # the PBX has not loaded that part of its ARI
        raise PbxRefused(f"ARI has no {resource}.{operation}", 404) from None
    return found


async def _read_description(client: Client) -> None:
    try:
        await client.init()
    except (SwaggerError, AttributeError, KeyError, TypeError) as error:
        raise PbxUnavailable("what answers is no ARI of an Asterisk") from error
