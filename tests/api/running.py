"""The UAPI on a socket, and a client for it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from sqlite_utils import Database
from yarl import URL

from api.app import create_app
from api.server import HttpServer
from config.settings import Settings
from daemon.apps import default_app
from daemon.service import Service
from daemon.tokens import create_token

# No answer takes long; one that does is a fault and not to be waited for.
_PATIENCE = aiohttp.ClientTimeout(total=10)

PUBLIC_URL = "https://x.x.x.x"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
CALLS = "/uapi/phoneCalls/@me/0003*210"

NEW_EVENT: dict[str, Any] = {
    "type": "0",
    "method": "0",
    "note": "My phone call event is awesome",
    "url": "http://myevent.com/SaveMyPhoneCallDetails",
    "status": "1",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the JSON of the answer, None if there is no body."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        if not self.text:
            return None
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of an error, whose body must have the shape of the UAPI."""
        (name,) = self.body
        assert name == "error"
        assert set(self.body["error"]) == {"code", "message"}
        assert self.message
        return self.status, self.body["error"]["code"]

    @property
    def message(self) -> str:
        message: str = self.body["error"]["message"]
        return message


class RunningApi:
    """A running app; ``token`` is that of user 12, ``service`` what is behind the app and
    ``server`` what is in front of it."""

    def __init__(
        self,
        service: Service,
        server: HttpServer,
        port: int,
        token: str,
        session: aiohttp.ClientSession,
    ) -> None:
        self.service = service
        self.server = server
        self.port = port
        self.token = token
        self._session = session

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with the token; the path goes out as it is written."""
        if body is not None:
            data = json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if headers is not None:
            given = dict(headers)
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        # Without this the client adds a content type of its own to a body that has none.
        async with self._session.request(
            method,
            url,
            data=data,
            headers=given,
            allow_redirects=False,
            skip_auto_headers=["Content-Type"],
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    async def get(self, path: str) -> Answer:
        return await self.request("GET", path)

    async def post(self, path: str, body: object) -> Answer:
        return await self.request("POST", path, body)

    async def put(self, path: str, body: object) -> Answer:
        return await self.request("PUT", path, body)

    async def delete(self, path: str) -> Answer:
        return await self.request("DELETE", path)

    async def send(self, raw: bytes) -> Answer:
        """Send these very bytes; they must ask for the connection to be closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        status, *lines = head.split("\r\n")
        headers = {name.title(): value for name, value in (line.split(": ") for line in lines)}
        return Answer(int(status.split()[1]), headers, text)

    async def new_token(self, user: int) -> str:
        return await self.service.store.write(lambda db: new_token(db, user))

    async def create_events(self, *changes: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Create events of 0003*210, each like NEW_EVENT with its changes."""
        answers = [await self.post(EVENTS, {**NEW_EVENT, **change}) for change in changes]
        assert [answer.status for answer in answers] == [201] * len(changes)
        return [answer.body for answer in answers]


class StartApi(Protocol):
    """Starts the UAPI with these sections of settings beside those of ``settings_for``."""

    def __call__(self, **sections: Any) -> AbstractAsyncContextManager[RunningApi]: ...


def settings_for(folder: Path, **sections: Mapping[str, Any]) -> Settings:
    """Users 12 and 13 of two organizations, who own different extensions."""
    return Settings.model_validate(
        {
            "node": {"timezone": "Europe/Bucharest"},
            "http": {"public_url": PUBLIC_URL},
            "store": {"path": folder / "uapid.sqlite"},
            "organizations": [
                {"id": "3", "name": "Default Organization"},
                {"id": "4", "name": "Another Organization"},
            ],
            "users": [
                {
                    "id": 12,
                    "name": "John Doe",
                    "organization": "3",
                    "extensions": ["0003*210", "0003*211", "0003*800"],
                },
                {
                    "id": 13,
                    "name": "Jane Roe",
                    "organization": "4",
                    "extensions": ["0003*024"],
                },
            ],
            "extensions": [
                {"number": "0003*800", "type": "conference", "conference": "800"},
                {"number": "0003*900", "type": "queue", "queue": "sales"},
            ],
            **sections,
        }
    )


def new_token(db: Database, user: int) -> str:
    """A token of the app that a user has by default."""
    return create_token(db, user, default_app(db, user).id)


@asynccontextmanager
async def running_api(settings: Settings) -> AsyncIterator[RunningApi]:
    """The app on a free port, over a store that is open and no line to any PBX."""
    service = Service(settings)
    service.store.open()
    door = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(create_app(service), door, lambda: service.settings.http)
    await server.startup()
    ticking = asyncio.create_task(server.main_loop())
    token = await service.store.write(lambda db: new_token(db, 12))
    try:
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            yield RunningApi(service, server, door.getsockname()[1], token, session)
    finally:
        ticking.cancel()
        await _stop(server)
        door.close()
        service.store.close()


async def _stop(server: HttpServer) -> None:
    """As the server's own shutdown, which would sleep a tenth of a second in every test."""
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    async with asyncio.timeout(5):
        while server.server_state.connections or server.server_state.tasks:
            await asyncio.sleep(0)
        for listener in server.servers:
            await listener.wait_closed()
