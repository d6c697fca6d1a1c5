"""GET /ready: what monitoring sees of the lines to the PBX, of the store and of deliveries."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from sqlite_utils import Database

from daemon.events.outbox_sql import record
from daemon.store import StoreUnavailable
from tests.api.running import Answer, RunningApi, StartApi
from tests.unit import ami_server, ari_server
from tests.unit.ami_server import AmiServer
from tests.unit.ari_server import AriServer
from tests.unit.daemon.events.changes import DIAL_IN
from tests.unit.waiting import until


@asynccontextmanager
async def connected(
    start_api: StartApi, ami: AmiServer, ari: AriServer, secret: str = ami_server.SECRET
) -> AsyncIterator[RunningApi]:
    """The API with both lines at work; they have tried to connect once."""
    quick = {"timeout": 0.3, "ping_interval": 0.2}
    sections = {
        "ami": {"port": ami.port, "secret": secret, **quick},
        "ari": {
            "url": f"http://127.0.0.1:{ari.port}/",
            "password": ari_server.PASSWORD,
            **quick,
        },
    }
    async with start_api(**sections) as api:
        lines = (api.service.ami, api.service.ari)
        running = [asyncio.create_task(line.run()) for line in lines]
        try:
            await asyncio.gather(*(line.settled() for line in lines))
            yield api
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def ready(api: RunningApi) -> Answer:
    """Asked without a token, as monitoring does."""
    return await api.request("GET", "/ready", headers={})


async def test_with_both_lines_up_and_the_channels_known_it_is_ready(
    start_api: StartApi, ami: AmiServer, ari: AriServer
) -> None:
    async with connected(start_api, ami, ari) as api:
        answer = await ready(api)
    assert answer.status == 200
    assert answer.body["ready"] is True
    assert set(answer.body) == {"ready", "lines", "store", "deliveries"}
    assert answer.body["store"] == {"state": "up", "reason": "", "held": 0}
    assert set(answer.body["lines"]) == {"ami", "ari"}
    for line in answer.body["lines"].values():
        assert set(line) == {"state", "since", "lastMessage", "reason"}
        assert line["state"] == "up"
        assert datetime.fromisoformat(line["since"]).tzinfo is not None
        assert 0 <= line["lastMessage"] < 5


async def test_before_anything_came_it_is_not_ready_and_says_so(api: RunningApi) -> None:
    answer = await ready(api)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body["ready"] is False
    assert answer.body["error"] == {
        "code": "pbx_unavailable",
        "message": "The PBX cannot be used now: "
        "AMI down: not connected yet, ARI down: not connected yet.",
    }
    assert answer.body["lines"]["ami"]["lastMessage"] is None


@pytest.mark.parametrize("broken", ["ami", "ari"])
async def test_one_line_that_is_frozen_is_enough_not_to_be_ready(
    start_api: StartApi, ami: AmiServer, ari: AriServer, broken: str
) -> None:
    async with connected(start_api, ami, ari) as api:
        assert (await ready(api)).status == 200
        server = ami if broken == "ami" else ari
        server.freeze()
        line = getattr(api.service, broken)
        await until(lambda: line.status.state != "up", 2)
        answer = await ready(api)
        assert answer.status == 503
        states = {name: line["state"] for name, line in answer.body["lines"].items()}
        assert states == {"ami": "up", "ari": "up"} | {broken: "down"}
        assert answer.body["lines"][broken]["reason"] in answer.body["error"]["message"]
        server.thaw()
        await until(lambda: line.status.state == "up", 3)
        assert (await ready(api)).status == 200


async def test_it_tells_how_many_deliveries_there_are_in_each_state(
    api: RunningApi,
) -> None:
    assert (await ready(api)).body["deliveries"] == {
        "pending": 0,
        "failed": 0,
        "delivered": 0,
        "dead": 0,
        "oldestPending": None,
    }
    await api.create_events({})
    await api.service.store.write(lambda db: record(db, [DIAL_IN], {}, 1_700_000_000.5))
    deliveries = (await ready(api)).body["deliveries"]
    assert deliveries["pending"] == 1
    assert deliveries["oldestPending"] == "2023-11-15T00:13:20+02:00"


async def test_a_store_that_cannot_be_written_is_not_ready_until_it_can(
    start_api: StartApi, ami: AmiServer, ari: AriServer
) -> None:
    async with connected(start_api, ami, ari) as api:
        store = api.service.store
        with pytest.raises(StoreUnavailable):
            await store.write(_disk_full)
        answer = await ready(api)
        assert answer.status == 503
        assert answer.body["error"]["code"] == "store_unavailable"
        assert "disk I/O error" in answer.body["error"]["message"]
        assert answer.body["store"] == {"state": "failing", "reason": "disk I/O error", "held": 0}
        assert answer.body["lines"]["ami"]["state"] == "up"
        assert answer.body["deliveries"]["pending"] == 0, "it can still be read"
        store.recovered()
        assert (await ready(api)).status == 200


def _disk_full(db: Database) -> None:
    raise sqlite3.OperationalError("disk I/O error")


async def test_a_store_that_cannot_even_be_read_is_not_ready(
    start_api: StartApi, ami: AmiServer, ari: AriServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(start_api, ami, ari) as api:
        monkeypatch.setattr("daemon.events.sight.counts", _disk_full)
        answer = await ready(api)
    assert answer.status == 503
    assert answer.body["store"]["state"] == "failing"
    assert answer.body["deliveries"] is None
    assert answer.body["error"]["code"] == "store_unavailable"


async def test_a_wrong_secret_is_told_and_not_shown(
    start_api: StartApi, ami: AmiServer, ari: AriServer
) -> None:
    async with connected(start_api, ami, ari, secret="hunter2") as api:
        answer = await ready(api)
    assert answer.status == 503
    assert answer.body["lines"]["ami"]["state"] == "refused"
    assert "Authentication failed" in answer.body["lines"]["ami"]["reason"]
    for secret in ("hunter2", ari_server.PASSWORD, ami_server.SECRET):
        assert secret not in answer.text


async def test_it_can_only_be_read(api: RunningApi) -> None:
    assert (await api.request("POST", "/ready", headers={})).error == (405, "method_not_allowed")
    assert (await api.request("HEAD", "/ready", headers={})).status == 503
