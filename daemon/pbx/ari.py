"""The ARI line: aioari supervised.

aioari fetches the API's description when it connects and ends silently with its WebSocket; here a
client lives as long as its WebSocket, and the next one is made with backoff. Credentials travel in
a header, so that no URL ever carries them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aioari.client import Client
from aiohttp.web_exceptions import HTTPException
from aioswagger11.http_client import AsynchronousHttpClient

from config.settings import Ari
from daemon.pbx.line import Line, LineState, PbxRefused, PbxTimeout, PbxUnavailable
from daemon.supervise import keep_running

log = logging.getLogger(__name__)

DEADLINE = 5.0
HEARTBEAT = 5.0
_REPLACED = "another client has taken the application; each daemon needs an [ari] app of its own"


class _HttpClient(AsynchronousHttpClient):  # type: ignore[misc]
    def __init__(self, settings: Ari) -> None:
        self.authenticator = None
        self.websockets: set[aiohttp.ClientWebSocketResponse] = set()
        self.session = aiohttp.ClientSession(
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    settings.username, settings.password.get_secret_value()
                )
            },
            timeout=aiohttp.ClientTimeout(total=DEADLINE),
        )

    async def ws_connect(self, url: str, params: dict[str, str] | None = None) -> Any:
        socket = await self.session.ws_connect(url, params=params, heartbeat=HEARTBEAT)
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

    async def run(self) -> None:
        """Connect, register the application and stay so until cancelled."""
        await keep_running("ARI line", self._connect_once)

    async def call(self, resource: str, operation: str, **parameters: str) -> Any:
        """Call an operation of the ARI, e.g. ``call("channels", "get", channelId="1.1")``.

        The decoded JSON of the answer, None if it has no body. Raises PbxError; PbxRefused
        carries the HTTP status.
        """
        client = self._client
        if client is None:
            raise PbxUnavailable(f"ARI is not connected ({self.status.reason})")
        return await _call(client, resource, operation, parameters)

    async def _connect_once(self) -> None:
        # aioari adds "ari/" itself; operators know the URL with and without it.
        url = self._settings.url.rstrip("/").removesuffix("/ari") + "/"
        http = _HttpClient(self._settings)
        client = Client(url, http)
        try:
            await client.init()
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
                reason = _REPLACED if self._replaced.is_set() else "the WebSocket was lost"
                self._set_down(LineState.DOWN, f"{url}: {reason}")
            finally:
                replaced.cancel()
                listening.cancel()
                await asyncio.gather(listening, replaced, return_exceptions=True)
        except HTTPException as error:
            state = LineState.REFUSED if error.status in (401, 403) else LineState.DOWN
            self._set_down(state, f"{url}: HTTP status {error.status} {error.reason}")
        except PbxRefused as error:
            self._set_down(LineState.REFUSED, f"{url}: {error}")
        except (aiohttp.ClientError, TimeoutError, OSError, PbxUnavailable, ValueError) as error:
            self._set_down(LineState.DOWN, f"{url}: {error or 'no answer'}")
        finally:
            self._client = None
            # Client.close() recurses without end when the description was never read.
            await http.close()

    def _take(self, event: dict[str, Any]) -> None:
        # Our WebSocket stays open then, but no event and no channel of the application is ours.
        if event["type"] == "ApplicationReplaced":
            self._replaced.set()
        self._on_event(event)

    async def _wait_until_registered(self, client: Client, listening: asyncio.Task[None]) -> None:
        # The application exists once the WebSocket is open; only the list of them can tell.
        async with asyncio.timeout(DEADLINE):
            while True:
                try:
                    await _call(client, "applications", "get", {"applicationName": self.app})
                    return
                except PbxRefused as error:
                    if error.status != 404:
                        raise
                if listening.done():
                    await listening
                    raise PbxUnavailable("the WebSocket was closed at once")
                await asyncio.sleep(0.02)


async def _call(client: Client, resource: str, operation: str, parameters: dict[str, str]) -> Any:
    name = f"{resource}.{operation}"
    try:
        async with asyncio.timeout(DEADLINE):
            response = await getattr(getattr(client.swagger, resource), operation)(**parameters)
            return None if response.status == 204 else await response.json()
    except HTTPException as error:
        raise PbxRefused(
            f"ARI refused {name}: {error.status} {error.text}", error.status
        ) from error
    except TimeoutError:
        raise PbxTimeout(f"ARI gave no answer to {name} in {DEADLINE:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise PbxUnavailable(f"ARI did not take {name}: {error}") from error
