"""Nothing is sent to an address that the settings do not allow, whatever leads there."""

import asyncio
import os
import sqlite3
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import pytest

from daemon.events.phone_call_events import EventType, Method
from tests.delivery.daemon import daemon
from tests.delivery.name_server import NameServer, asking_it
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.stream_server import StreamServer, answer, read_request
from tests.pbx.addresses import NETWORK, address
from tests.plays.retold import Retold
from tests.unit.waiting import until

pytestmark = pytest.mark.xdist_group("busy")

CALL = Retold("answered-and-ended-by-the-caller")
CALLER, CALLED = "0003*210", "0003*211"
ALLOWED, ELSEWHERE, REFUSED = address(7), address(8), "127.0.0.1"
METADATA, OF_A_CLOUD = "169.254.169.254", "an address of a cloud's metadata"
DELIVERY = (
    f'allow_networks = ["{NETWORK}"]',
    # The second attempts are made when a look-up is not remembered any more.
    "schedule = [0, 6, 6]",
    "connect_timeout = 3.0",
    "timeout = 5.0",
)


# What is plain to see is refused when it is asked for.
SPELLINGS = (
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "2130706433",
    METADATA,
)

FLICKERING = [f"flickers{number}.test" for number in range(10)]
NAMES = {
    **dict.fromkeys(FLICKERING, lambda before: [REFUSED if before % 2 else ALLOWED]),
    "refused.test": lambda _: [REFUSED],
    "both.test": lambda _: [REFUSED, ALLOWED],
    "metadata.test": lambda _: [METADATA],
    "mapped.test": lambda _: [f"::ffff:{REFUSED}"],
}
_OOPS = ("failed", "HTTP status 500")
_NOT_FOUND = ("failed", "the host name is not found: Name or service not known")


def _refused(reason: str) -> tuple[str, str]:
    return "refused", f"{reason}; [delivery] allow_networks does not name it"


# Outcome and reason of both attempts.
EXPECTED_OF_NAMES = {
    **{name: [_OOPS, _refused(f"{name}: {REFUSED} is a loopback address")] for name in FLICKERING},
    "refused.test": [_refused(f"refused.test: {REFUSED} is a loopback address")] * 2,
    "both.test": [_OOPS] * 2,
    "metadata.test": [_refused(f"metadata.test: {METADATA} is an address of a cloud's metadata")]
    * 2,
    "mapped.test": [
        _refused(f"mapped.test: ::ffff:{REFUSED} ({REFUSED}) is a loopback address"),
    ]
    * 2,
    "nobody.test": [_NOT_FOUND] * 2,
}
SENT = len(FLICKERING) + 2  # times that no redirect was asked for
REDIRECTS = {
    f"/{status}/{where}": f"HTTP status {status}"
    for status in (301, 302, 303, 307, 308)
    for where in ("refused", "allowed", "metadata")
}
PATIENCE = 15.0


class Receiver(StreamServer):
    """Leads elsewhere who asks for /STATUS/WHERE, and fails else; no connection is used twice.

    ``paths`` has what was asked for.
    """

    def __init__(self, elsewhere: dict[str, str]) -> None:
        super().__init__(self._converse, ALLOWED)
        self.paths: list[str] = []
        self._elsewhere = elsewhere

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await read_request(reader)).path
        self.paths.append(path)
        status, _, where = path[1:].partition("/")
        location = [f"Location: {self._elsewhere[where]}"] if where else []
        writer.write(answer(f"{status if where else 500} Oops", "Connection: close", *location))


async def trap(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process its own name server")
async def test_neither_names_nor_redirects_lead_to_where_webhooks_may_not_go(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(PlayedPbx([CALLER, CALLED]))
        names = await stack.enter_async_context(NameServer(NAMES))
        refused = await stack.enter_async_context(StreamServer(trap, REFUSED))
        allowed = await stack.enter_async_context(StreamServer(trap, ELSEWHERE))
        metadata = f"http://{METADATA}/latest/meta-data/"
        receiver = Receiver({"refused": refused.url, "allowed": allowed.url, "metadata": metadata})
        receiver.port = refused.port  # the same names lead to either of them
        await stack.enter_async_context(receiver)
        uapid, app = await stack.enter_async_context(
            daemon(tmp_path, pbx, *DELIVERY, wrapped_in=asking_it(tmp_path))
        )
        for spelling in SPELLINGS:
            url = f"http://{spelling}:{refused.port}/"
            body = {"type": 1, "method": 1, "note": "", "url": url, "status": 1}
            answer = await app.request("POST", f"/extensions/@me/{CALLER}/phoneCallEvents", body)
            assert answer.status == 400, url
            assert answer.body["error"]["code"] == "pce_url_invalid"
        for name in EXPECTED_OF_NAMES:
            url = f"http://{name}:{refused.port}/"
            await app.register(CALLER, EventType.DIAL_OUT, url, Method.POST)
        for path in REDIRECTS:
            await app.register(CALLER, EventType.DIAL_OUT, receiver.url + path, Method.POST)
        pbx.call(CALL, {"0003*210": CALLER, "0003*211": CALLED}).go_on()

        def noted() -> dict[str, list[tuple[str, str]]]:
            return attempts(tmp_path / "uapid.sqlite")

        expected = {
            **{f"http://{n}:{refused.port}/": told for n, told in EXPECTED_OF_NAMES.items()},
            **{receiver.url + path: [("failed", told)] * 2 for path, told in REDIRECTS.items()},
        }
        with suppress(TimeoutError):
            await until(lambda: all(len(found) == 2 for found in noted().values()), PATIENCE)
        assert noted() == expected
        assert all(names.asked[name] == 2 for name in FLICKERING)
        assert (refused.connections, allowed.connections) == (0, 0)
        assert Counter(receiver.paths) == Counter({"/": SENT, **dict.fromkeys(REDIRECTS, 2)})
        assert await uapid.stop() == 0


def attempts(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Outcome and reason of each attempt, by the URL."""
    question = """
        SELECT e.url, a.outcome, a.reason
        FROM phone_call_events e LEFT JOIN deliveries d ON e.id = d.event
            LEFT JOIN attempts a ON a.delivery = d.seq
        ORDER BY a.number
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with closing(sqlite3.connect(path)) as store:
        for url, outcome, reason in store.execute(question):
            found[url].append((outcome, reason))
    return dict(found)
