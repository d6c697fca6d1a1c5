"""Durable deliveries per second to a fast receiver, against bare aiohttp.

uapid's go from the call change through the store, with its fsyncs, to the outcome in the store,
each signed. Bare aiohttp posts the same bodies from memory, as many at once: as it is mostly used,
with a task for each and a semaphore; and, beside the target, as fast as it can, by workers that
share a list.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp
from sqlite_utils import Database

from bench.receiver import receiving
from bench.taking import NOW
from config.settings import Delivery
from daemon.apps import create_app
from daemon.calls.model import CallChange, CallStatus, ChangeKind, Direction, Parties
from daemon.events.delivery import Deliverer
from daemon.events.guard import Guard
from daemon.events.matching import form
from daemon.events.outbox import Outbox
from daemon.events.phone_call_events import EventType, Method, PhoneCallEvents, Status
from daemon.events.recorder import Recorder
from daemon.store import Store

COUNT = 10_000
ROUNDS = 3
AT_ONCE = 50
TOGETHER = 200  # changes that come at a time
TARGET = 0.6
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}

# One server alone gets half of the places.
SETTINGS = Delivery.model_validate({"concurrency": 2 * AT_ONCE, "allow_networks": ["127.0.0.0/8"]})
EXTENSION = "0003*210"
_DIAL_IN = CallChange(
    kind=ChangeKind.DIAL,
    at=NOW,
    call_id="",
    channel="1795320000.1",
    extension=EXTENSION,
    direction=Direction.IN,
    status=CallStatus.CALLING,
    parties=Parties(
        caller_number="0003*220",
        caller_name="Mary",
        caller_extension="0003*220",
        called_number="210",
        called_extension=EXTENSION,
        called_did="",
    ),
)


def main() -> None:
    with receiving() as port, TemporaryDirectory() as folder:
        asyncio.run(_compare(f"http://127.0.0.1:{port}/hook", Path(folder)))


def dial_ins(first: int, count: int) -> list[CallChange]:
    """So many calls to EXTENSION begin."""
    return [replace(_DIAL_IN, call_id=f"{number:020x}") for number in range(first, first + count)]


async def _compare(url: str, folder: Path) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "tasks": [], "workers": []}
    async with Delivering(folder / "uapid.sqlite") as delivering:
        await delivering.subscribe(url)
        for round in range(ROUNDS + 1):
            changes = dial_ins(round * COUNT, COUNT)
            bodies = [form(change).encode() for change in changes]
            works = {
                "ours": partial(delivering.deliver, changes),
                "tasks": partial(_post_by_tasks, url, bodies),
                "workers": partial(_post_by_workers, url, bodies),
            }
            for name, work in works.items():
                took = await _timed(work)
                if round:  # the first one warms up
                    seconds[name].append(took)
    ours, tasks, workers = (COUNT / median(took) for took in seconds.values())
    print(
        f"delivery: {ours:,.0f} durable deliveries/s, {AT_ONCE} at once, against {tasks:,.0f} "
        f"posts/s of bare aiohttp: ratio {ours / tasks:.2f} (target at least {TARGET}); "
        f"by workers {workers:,.0f}: ratio {ours / workers:.2f}"
    )


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


class Delivering:
    """Recorder, outbox and deliverer on a store, as Service builds them."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._outbox = Outbox(self._store, SETTINGS.schedule[0], lambda origins: None)
        self._deliverer = Deliverer(self._outbox, SETTINGS, Guard(SETTINGS))
        self._recorder = Recorder(self._outbox, lambda call: None, self._deliverer.wake)

    async def __aenter__(self) -> "Delivering":
        self._store.open()
        self._running = [
            asyncio.create_task(self._recorder.run()),
            asyncio.create_task(self._deliverer.run()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._deliverer.stop()
        await self._running[1]
        self._running[0].cancel()
        await asyncio.gather(self._running[0], return_exceptions=True)
        self._store.close()

    async def subscribe(self, url: str) -> None:
        """An app, whose secret signs what is sent, wants to be told at this URL."""
        app = await self._store.write(lambda db: create_app(db, 12, "bench"))
        events = PhoneCallEvents(self._store, self._recorder.drained)
        await events.create(
            EXTENSION, EventType.DIAL_IN, Method.POST, "", url, Status.ENABLED, app.id
        )

    async def deliver(self, changes: list[CallChange]) -> None:
        """From the changes until the outcome of each is in the store."""
        for first in range(0, len(changes), TOGETHER):
            together = changes[first : first + TOGETHER]
            self._recorder.put(together, {change.call_id for change in together})
            await self._recorder.drained()
        while await self._store.read(_waiting):
            await asyncio.sleep(0.02)


def _waiting(db: Database) -> int:
    question = "SELECT count FROM delivery_counts WHERE state = 'pending'"
    return int(db.execute(question).fetchone()[0])


async def _post_by_tasks(url: str, bodies: list[bytes]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def post(body: bytes) -> None:
        async with places, session.post(url, data=body, headers=_HEADERS) as response:
            await response.read()

    async with _session() as session, asyncio.TaskGroup() as group:
        for body in bodies:
            group.create_task(post(body))


async def _post_by_workers(url: str, bodies: list[bytes]) -> None:
    left = list(bodies)

    async def work() -> None:
        while left:
            async with session.post(url, data=left.pop(), headers=_HEADERS) as response:
                await response.read()

    async with _session() as session, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


if __name__ == "__main__":
    main()
