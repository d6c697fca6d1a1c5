"""The real daemon with a live call and a PhoneCallEvent, and all that it must not let through."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.api.running import NEW_EVENT, Answer
from tests.delivery.daemon import daemon
from tests.delivery.played_pbx import PlayedPbx
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid
from tests.plays.retold import Retold
from tests.unit.waiting import until

JOHN, MARY = "0003*210", "0003*211"
EVENTS = f"/extensions/@me/{JOHN}/phoneCallEvents"

# What the daemon asks last at its start.
_START = ("/ari/channels", "ShowDialPlan")
_LOG_LINE = re.compile(r"(INFO|WARNING|ERROR|CRITICAL) [a-z_]+(\.[a-z_]+)*: .+")


class Scene:
    """``there`` are the segments of paths to what there is.

    Each ``request`` is followed by a look at the log and at what the PBX was asked: nothing but
    what a daemon asks by itself.
    """

    def __init__(self, uapid: Uapid, pbx: PlayedPbx, app: Client, call: str, event: str) -> None:
        self.there = {
            "user": "@me",
            "extension": JOHN,
            "type": "0",
            "id": event,
            "deliveryId": "msg_1",
            "phoneCallId": call,
        }
        self.pbx = pbx
        self.store = uapid.store
        self._uapid = uapid
        self._app = app
        self._asked = pbx.asked | {str({"Action": "Ping"})}
        self._logged = len(uapid.log())

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, which has the shape that answers have, whatever was asked."""
        answer = await self._answer(method, f"{self._app.base_url}{path}", body, data, headers)
        if answer.status >= 400:
            assert answer.error[0] not in (500, 502, 503), answer
            assert answer.message.isprintable(), answer
            assert len(answer.text) < 2000
        self.look()
        return answer

    async def ask_token(self, data: bytes, **headers: str) -> int:
        """The status of the answer of the token endpoint, whose errors are OAuth's."""
        url = f"{self._app.base_url}/oauth/token"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._answer("POST", url, None, data, {"Authorization": "", **given})
        if isinstance(answer.body["error"], str):
            assert answer.body["error_description"].isprintable(), answer
        else:
            assert answer.error == (501, "request_not_implemented"), answer
        self.look()
        return answer.status

    async def send(self, raw: bytes) -> list[int]:
        """Send these very bytes and no more; the statuses of the answers, if there are any."""
        url = URL(self._app.base_url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        text = ""
        with suppress(OSError):  # the answer to what is too long may come before all is sent
            writer.write(raw)
            writer.write_eof()
            text = (await reader.read()).decode()
        writer.close()
        self.look()
        statuses = []
        for answer in text.split("HTTP/1.1 ")[1:]:
            head, _, body = answer.partition("\r\n\r\n")
            statuses.append(int(head[:3]))
            if statuses[-1] >= 400:
                error = json.loads(body)["error"]
                assert set(error) == {"code", "message"}, answer
                assert error["message"].isprintable(), answer
        return statuses

    async def _answer(
        self,
        method: str,
        url: str,
        body: object,
        data: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        given = {"Authorization": self.authorization, "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method,
                URL(url, encoded=True),
                data=json.dumps(body).encode() if data is None and body is not None else data,
                headers={**given, **(headers or {})},
                allow_redirects=False,
            ) as response,
        ):
            return Answer(response.status, response.headers, await response.text())

    @property
    def authorization(self) -> str:
        return self._app.authorization

    def look(self) -> None:
        """The PBX was asked nothing, and each line of the log is one that the daemon wrote."""
        asked = self.pbx.asked - self._asked
        assert not asked, asked
        log = self._uapid.log()
        new, self._logged = log[self._logged :], len(log)
        for line in new.removesuffix("\n").split("\n") if new else ():
            assert _LOG_LINE.fullmatch(line), line
            assert line.isprintable(), line

    def tables(self) -> dict[str, int]:
        """How many rows each table has, in a store that is whole."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
            tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            counts = {name: _count(db, name) for (name,) in tables}
            return {**dict.fromkeys(names, 0), **counts}

    def stored(self, event: str) -> dict[str, object]:
        """What the store has of a PhoneCallEvent."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            (row,) = db.execute("SELECT * FROM phone_call_events WHERE id = ?", [event])
            return dict(row)


def encoded(text: str) -> str:
    """As one segment or value of a URL, whatever is in it."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@asynccontextmanager
async def hostile_scene(folder: Path) -> AsyncIterator[Scene]:
    async with PlayedPbx([JOHN, MARY]) as pbx, daemon(folder, pbx) as (uapid, app):
        pbx.call(Retold("answered-and-ended-by-the-called"), {JOHN: JOHN, MARY: MARY}).go_on()
        (call,) = await app.calls_until(lambda calls: len(calls) == 1, JOHN)
        await until(lambda: all(any(last in asked for asked in pbx.asked) for last in _START))
        event = (await app.request("POST", EVENTS, NEW_EVENT)).body
        yield Scene(uapid, pbx, app, call["id"], event["id"])


def _count(db: sqlite3.Connection, table: str) -> int:
    (count,) = db.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return int(count)
