"""Stores that former versions wrote are taken over with all that is in them."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlite_utils import Database

from daemon.events import outbox_sql
from daemon.events.deliveries import Delivered, Delivery
from daemon.events.phone_call_events import PhoneCallEvents
from daemon.store import Store, open_database
from tests.unit.daemon.events.changes import settlement
from tests.unit.daemon.people import JOHN

_FIRST_VERSION = """
    CREATE TABLE "_sqlite_migrations" (
        "id" INTEGER PRIMARY KEY, "migration_set" TEXT, "name" TEXT, "applied_at" TEXT);
    CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
        ON "_sqlite_migrations" ("migration_set", "name");
    INSERT INTO _sqlite_migrations VALUES (1, 'uapid', 'first_tables', '2026-01-01');
    CREATE TABLE "tokens" ("hash" TEXT PRIMARY KEY, "user" INTEGER, "created" TEXT);
    CREATE TABLE "phone_call_events" (
        "id" TEXT PRIMARY KEY, "extension" TEXT, "type" INTEGER, "method" INTEGER, "note" TEXT,
        "url" TEXT, "status" INTEGER, "modified" TEXT);
    CREATE INDEX "idx_phone_call_events_extension_type"
        ON "phone_call_events" ("extension", "type");
    CREATE TABLE "live_calls" ("id" TEXT PRIMARY KEY, "document" TEXT);
    CREATE TABLE "pbx_endpoints" ("name" TEXT PRIMARY KEY);
    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook_id TEXT NOT NULL UNIQUE,
        event TEXT NOT NULL REFERENCES phone_call_events(id),
        call TEXT NOT NULL,
        parameters TEXT NOT NULL,
        created REAL NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt REAL,
        ended REAL,
        outcome TEXT NOT NULL);
    CREATE INDEX "idx_deliveries_state_next_attempt" ON "deliveries" ("state", "next_attempt");
    CREATE INDEX "idx_deliveries_ended" ON "deliveries" ("ended");
    CREATE INDEX "idx_deliveries_event_call_state" ON "deliveries" ("event", "call", "state");
"""

_SECOND_VERSION = f"""
    {_FIRST_VERSION}
    INSERT INTO _sqlite_migrations VALUES (2, 'uapid', 'how_a_change_was_seen', '2026-01-01');
    ALTER TABLE deliveries ADD COLUMN "seen" TEXT NOT NULL DEFAULT 'live';
"""

_CONTENT = """
    INSERT INTO tokens VALUES ('h1', 12, '2026-01-01'), ('h2', 12, '2026-01-02'),
                              ('h3', 13, '2026-01-03');
    INSERT INTO pbx_endpoints VALUES ('0003*210');
    INSERT INTO live_calls VALUES ('call', '{"id": "call"}');
    INSERT INTO phone_call_events VALUES
        ('on', '0003*210', 0, 1, 'a note', 'HTTP://A:80/hook', 1, '2026-01-01T00:00:00+00:00'),
        ('off', '0003*210', 2, 0, '', 'https://b/', 0, '2026-01-01T00:00:00+00:00'),
        ('idle', '0003*210', 2, 0, '', 'http://c/', 1, '2026-01-01T00:00:00+00:00');
    INSERT INTO deliveries (seq, webhook_id, event, call, parameters, created, state, attempts,
                            next_attempt, ended, outcome) VALUES
        (1, 'msg_1', 'on', 'x', '{"CallID": "1", "CallerIDName": "J\u00f6rg & Co"}', 10.0,
         'delivered', 2, NULL, 20.0, 'HTTP status 200'),
        (2, 'msg_2', 'on', 'x', '{"CallID": "2"}', 11.0, 'dead', 10, NULL, 21.0,
         'HTTP status 500'),
        (3, 'msg_3', 'on', 'x', '{"CallID": "3"}', 12.0, 'pending', 3, 9e9, NULL,
         'no connection'),
        (5, 'msg_5', 'on', 'x', '{"CallID": "5"}', 13.0, 'pending', 0, 13.0, NULL, ''),
        (6, 'msg_6', 'on', 'y', '{"CallID": "6"}', 14.0, 'pending', 0, 14.0, NULL, ''),
        (7, 'msg_7', 'off', 'x', '{"CallID": "7"}', 15.0, 'pending', 0, 15.0, NULL, '');
"""


@pytest.fixture(params=[_FIRST_VERSION, _SECOND_VERSION], ids=["first", "second"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """One that a former version wrote, opened by this one."""
    with sqlite3.connect(tmp_path / "uapid.sqlite") as old:
        old.executescript(request.param + _CONTENT)
    old.close()
    store = Store(tmp_path / "uapid.sqlite")
    store.open()
    yield store
    store.close()


async def _query(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return await store.read(lambda db: db.execute(sql).fetchall())


async def test_tokens_endpoints_and_calls_are_kept(store: Store) -> None:
    assert await _query(store, "SELECT hash, user, created FROM tokens ORDER BY hash") == [
        ("h1", 12, "2026-01-01"),
        ("h2", 12, "2026-01-02"),
        ("h3", 13, "2026-01-03"),
    ]
    assert await _query(store, "SELECT * FROM pbx_names") == [("terminal", "0003*210")]
    assert await store.read(outbox_sql.live_call_documents) == ['{"id": "call"}']


async def test_tokens_that_were_there_before_have_no_end(store: Store) -> None:
    assert await _query(store, "SELECT DISTINCT expires FROM tokens") == [(None,)]


async def test_each_user_gets_an_app_that_its_tokens_are_of(store: Store) -> None:
    apps = {row[0]: row for row in await _query(store, "SELECT id, user, name, secret FROM apps")}
    tokens = dict(await _query(store, "SELECT hash, app FROM tokens"))
    assert tokens["h1"] == tokens["h2"] != tokens["h3"]
    assert {hash: apps[app][1:3] for hash, app in tokens.items()} == {
        "h1": (12, "default"),
        "h2": (12, "default"),
        "h3": (13, "default"),
    }
    (of_events,) = {app for (app,) in await _query(store, "SELECT app FROM phone_call_events")}
    assert apps[of_events][1] is None, "whose the events are is not known"
    secrets = {app[3] for app in apps.values()}
    assert len(secrets) == 3
    assert {secret[:6] for secret in secrets} == {"whsec_"}


async def test_phone_call_events_are_kept_and_know_their_servers(store: Store) -> None:
    async def at_once() -> None:
        return

    found = {event.id: event for event in await PhoneCallEvents(store, at_once).find(JOHN)}
    assert {id: (event.url, event.note, bool(event.status)) for id, event in found.items()} == {
        "on": ("HTTP://A:80/hook", "a note", True),
        "off": ("https://b/", "", False),
        "idle": ("http://c/", "", True),
    }
    lanes = await _query(
        store, "SELECT id, origin, wake_at IS NOT NULL FROM phone_call_events ORDER BY id"
    )
    assert lanes == [
        ("idle", "http://c:80", 0),
        ("off", "https://b:443", 0),
        ("on", "http://a:80", 1),
    ]


async def test_deliveries_are_kept_with_the_last_of_their_attempts(store: Store) -> None:
    columns = "webhook_id, event, call, created, queued, state, attempts, tried, ended, seen"
    assert await _query(store, f"SELECT {columns} FROM deliveries ORDER BY seq") == [
        ("msg_1", "on", "x", 10.0, 10.0, "delivered", 2, 2, 20.0, "live"),
        ("msg_2", "on", "x", 11.0, 11.0, "dead", 10, 10, 21.0, "live"),
        ("msg_3", "on", "x", 12.0, 12.0, "failed", 3, 3, None, "live"),
        ("msg_5", "on", "x", 13.0, 13.0, "pending", 0, 0, None, "live"),
        ("msg_6", "on", "y", 14.0, 14.0, "pending", 0, 0, None, "live"),
        ("msg_7", "off", "x", 15.0, 15.0, "pending", 0, 0, None, "live"),
    ]
    (form,) = (await _query(store, "SELECT form FROM deliveries WHERE webhook_id = 'msg_1'"))[0]
    assert parse_qsl(form) == [("CallID", "1"), ("CallerIDName", "J\u00f6rg & Co")]
    shown = "SELECT delivery, number, outcome, reason FROM attempts ORDER BY delivery"
    assert await _query(store, shown) == [
        (1, 2, "delivered", "HTTP status 200"),
        (2, 10, "failed", "HTTP status 500"),
        (3, 3, "failed", "no connection"),
    ]
    counts = dict(await _query(store, "SELECT state, count FROM delivery_counts"))
    assert counts == {"pending": 3, "failed": 1, "delivered": 1, "dead": 1}


async def test_what_waits_goes_on_in_order(store: Store) -> None:
    def due(db: Database) -> list[Delivery]:
        return outbox_sql.due(db, "http://a:80", 9e9, (), 10)[0]

    found = await store.read(due)
    assert sorted((one.webhook_id, one.url, one.attempts) for one in found) == [
        ("msg_3", "HTTP://A:80/hook", 3),
        ("msg_6", "HTTP://A:80/hook", 0),
    ]
    assert {len(one.secrets) for one in found} == {1}
    ended = [settlement(one, Delivered("HTTP status 200")) for one in found]
    await store.write(lambda db: outbox_sql.settle(db, ended, 100.0))
    assert [one.webhook_id for one in await store.read(due)] == ["msg_5"]


async def test_it_is_taken_over_once(store: Store) -> None:
    before = await store.read(lambda db: list(db.conn.iterdump()))
    store.close()
    again = open_database(store.path)
    assert list(again.conn.iterdump()) == before
    again.close()
    store.open()


def test_two_that_open_an_old_store_at_once_take_it_over_once(tmp_path: Path) -> None:
    path = tmp_path / "uapid.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(_SECOND_VERSION + _CONTENT)
    old.close()

    async def open_both() -> list[Database]:
        return await asyncio.gather(*(asyncio.to_thread(open_database, path) for _ in range(2)))

    both = asyncio.run(open_both())
    for db in both:
        assert db.table("apps").count == 3
        db.close()
