"""What the running daemon does with deliveries that somebody has put back, and with its store's
trouble. The PBX is away all the while."""

import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlite_utils import Database

from config import settings
from config.settings import Ami, Ari
from daemon.events import replay
from daemon.events.deliveries import DeliveryState
from daemon.events.replay import Replay
from daemon.service import Service
from daemon.store import Store, StoreUnavailable
from tests.unit.daemon.events.changes import DIAL_IN, put, subscribe
from tests.unit.daemon.people import SETTINGS
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def event(store: Store, app: Receiver) -> str:
    """A PhoneCallEvent, by its id, with a delivery that the daemon finds when it starts."""
    event = await subscribe(store, app.url)
    await put(store, DIAL_IN, now=time.time())
    return event.id


@pytest.fixture
async def service(store: Store, event: str) -> AsyncIterator[Service]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        away = {
            "ami": Ami(port=port),
            "ari": Ari(url=f"http://127.0.0.1:{port}/"),
            "store": settings.Store(path=store.path),
        }
        async with Service(SETTINGS.model_copy(update=away)) as service:
            yield service


async def _delivered(service: Service, app: Receiver, event: str) -> str:
    """The id of the delivery, once the app has taken it and the store knows."""
    await until(lambda: len(app.requests) == 1)
    id = app.requests[0].headers["webhook-id"]
    while True:
        found = await service.deliveries.show(id, event)
        assert found is not None
        if found[0].state is DeliveryState.DELIVERED:
            return id


async def _sent_again(app: Receiver, id: str, within: float) -> None:
    await until(lambda: len(app.requests) == 2, within)
    assert app.requests[1].headers["webhook-id"] == id
    assert app.requests[1].body == app.requests[0].body


async def test_what_is_put_back_is_sent_at_once(
    service: Service, app: Receiver, event: str
) -> None:
    id = await _delivered(service, app, event)
    assert await service.deliveries.retry(id) is Replay.QUEUED
    await _sent_again(app, id, within=2)


async def test_all_that_is_put_back_is_sent_at_once(
    service: Service, app: Receiver, event: str
) -> None:
    id = await _delivered(service, app, event)
    await service.store.write(lambda db: db.execute("UPDATE deliveries SET state = 'dead'"))
    assert await service.deliveries.retry_all(event, 10) == [id]
    await _sent_again(app, id, within=2)


async def test_what_another_process_has_put_back_is_found_within_seconds(
    service: Service, app: Receiver, store: Store, event: str
) -> None:
    id = await _delivered(service, app, event)
    await store.write(lambda db: replay.retry(db, [id], time.time()))
    await _sent_again(app, id, within=7)


async def test_systemd_is_told_of_a_store_in_trouble(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(text: str) -> bool:
        with suppress(BlockingIOError):
            while True:
                heard.append(systemd.recv(1000).decode())
        return any(text in status for status in heard)

    def fail(db: Database) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    heard: list[str] = []
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.setblocking(False)
        with pytest.raises(StoreUnavailable):
            await service.store.write(fail)
        await until(lambda: told("store failing: disk I/O error"))
        heard.clear()
        await until(lambda: not service.readiness.store_trouble)
        await until(lambda: told("STATUS="))
        assert not told("store failing")
