"""The machine loses its power: what an app was sent is on the disk, and so is how it went.

The daemon's writes and syncs are watched, and of each moment at which a webhook begins to leave
it is made out what the disk would have if the power failed then.
"""

import asyncio
import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from daemon.events.phone_call_events import EventType, Method
from tests.delivery.daemon import daemon
from tests.delivery.durable_store import DurableStore
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.stream_server import Request, StreamServer, answer, read_request
from tests.delivery.system_calls import SystemCall, system_calls, traced
from tests.plays.retold import Retold
from tests.unit.waiting import until

pytestmark = pytest.mark.xdist_group("busy")

# Both phones of the group are of one extension: its PhoneCallEvents are told of each call twice.
GROUP = Retold("ring-group-with-one-answer")
CALLER, CALLED = "0003*210", "0003*211"
EXTENSIONS = {"0003*210": CALLER, "0003*600": "0003*600", "0003*024": CALLED, "0003*025": CALLED}
CALLS = 6
_ID = re.compile(rb"\r\nwebhook-id: (\S+)\r\n", re.IGNORECASE)
DELIVERY = (
    'allow_networks = ["127.0.0.0/8"]',
    f"schedule = {[0, *[0.02] * 10]}",
)


class Receiver:
    """Takes each webhook, a third of them when it comes again."""

    def __init__(self) -> None:
        self.came: dict[str, list[Request]] = defaultdict(list)
        self.taken = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            same = self.came[request.headers["webhook-id"]]
            same.append(request)
            if len(same) == 1 and len(self.came) % 3 == 0:
                writer.write(answer("500 Internal Server Error"))
            else:
                self.taken += 1
                writer.write(answer("200 OK"))


async def test_each_event_and_each_outcome_is_on_disk_before_what_follows_from_it_is_sent(
    tmp_path: Path,
) -> None:
    receiver = Receiver()
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(PlayedPbx([CALLER, CALLED]))
        server = await stack.enter_async_context(StreamServer(receiver.converse))
        uapid, app = await stack.enter_async_context(daemon(tmp_path, pbx, *DELIVERY))
        for extension in (CALLER, CALLED):
            for type in EventType:
                url = f"{server.url}/{extension}/{type.name}"
                await app.register(extension, type, url, Method.POST)
        async with traced(uapid.pid, tmp_path) as trace:
            store = DurableStore(tmp_path / "uapid.sqlite")
            for _ in range(CALLS):
                calls = [pbx.call(GROUP, EXTENSIONS) for _ in range(2)]
                for webhooks in (3, 3, 2):
                    expected = receiver.taken + webhooks * len(calls)
                    for call in calls:
                        call.go_on()
                    await until(lambda all=expected: receiver.taken == all)  # type: ignore[misc]
            await uapid.until_all_is_over()
    sent = follow(store, trace, receiver)
    assert sent == Counter({id: len(requests) for id, requests in receiver.came.items()})
    assert max(sent.values()) == 2, "some came again"
    with store.after_power_loss() as rest:
        states = rest.execute("SELECT DISTINCT state FROM deliveries").fetchall()
        assert states == [("delivered",)]


def follow(store: DurableStore, trace: Path, receiver: Receiver) -> Counter[str]:
    """How often each webhook was sent; at each time all before it has to be on the disk."""
    sent: Counter[str] = Counter()
    streams: dict[tuple[str, str], list[str]] = defaultdict(list)
    for call in system_calls(trace):
        store.follow(call)
        for webhook_id in _sent(call):
            (request, *_) = receiver.came[webhook_id]
            stream = streams[request.path, request.parameters["CallAPIID"]]
            if webhook_id not in stream:
                stream.append(webhook_id)
            with store.after_power_loss() as rest:
                state = "failed" if sent[webhook_id] else "pending"
                assert attempts(rest, webhook_id) == (state, sent[webhook_id])
                for earlier in stream[:-1]:
                    assert attempts(rest, earlier) == ("delivered", sent[earlier])
            sent[webhook_id] += 1
    assert store.syncs
    assert any(len(stream) > 1 for stream in streams.values()), "some wait for one another"
    return sent


def _sent(call: SystemCall) -> list[str]:
    """The ids of the webhooks whose first bytes these are."""
    begins = call.name in ("sendto", "sendmsg") and call.result is None
    return [id.decode() for id in _ID.findall(call.data)] if begins else []


def attempts(store: sqlite3.Connection, webhook_id: str) -> tuple[str, int] | None:
    """State and number of attempts of a delivery, None if there is no such delivery."""
    question = "SELECT state, attempts FROM deliveries WHERE webhook_id = ?"
    row: tuple[str, int] | None = store.execute(question, [webhook_id]).fetchone()
    return row
