"""What a backlog costs: many PhoneCallEvents stored and many deliveries pending, against few.

The deliveries are for 1,000 servers that do not answer. What matching one call change costs, and
picking the next delivery; how long the daemon takes to start, and its memory.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from bench.daemon import running_daemon
from bench.delivery import dial_ins
from bench.timing import Work, medians
from daemon.calls.model import CallChange
from daemon.events.outbox_sql import due, record
from daemon.store import open_database

FEW, MANY = 1_000, 1_000_000
SERVERS = 1_000
AT_A_TIME = 100
COST_TARGET, START_TARGET = 1.5, 2.0
MEMORY_TARGET = 1.15  # the page cache of SQLite fills, 2 MB for each connection
_SETTLED_SECONDS = 8.0

_EVENTS = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO phone_call_events
        (id, extension, type, method, note, url, status, modified, origin, wake_at)
    SELECT printf('e%031d', n), printf('0003*%05d', n), 0, 1, '',
           printf('http://127.0.1.1:%d/hook', 10000 + n % :servers), 1,
           '2026-01-01T00:00:00+00:00', printf('http://127.0.1.1:%d', 10000 + n % :servers), :now
    FROM numbers
"""
_DELIVERIES = """
    INSERT INTO deliveries (webhook_id, event, call, form, seen, created, queued, state, attempts,
                            tried, next_attempt)
    SELECT printf('msg_%012x%s', :now * 1000, lower(hex(randomblob(10)))), id,
           printf('%020x', rowid), 'CallID=1.1&CallStatus=CALLING', 'live', :now, :now, 'pending',
           0, 0, :now
    FROM phone_call_events
"""


def main() -> None:
    with TemporaryDirectory() as few, TemporaryDirectory() as many:
        for folder, number in ((few, FEW), (many, MANY)):
            _fill(Path(folder) / "uapid.sqlite", number)
        _compare_costs(Path(few), Path(many))
        asyncio.run(_compare_daemons(Path(few), Path(many)))


def _fill(path: Path, number: int) -> None:
    open_database(path).close()
    with closing(sqlite3.connect(path)) as store, store:
        values = {"count": number, "servers": SERVERS, "now": time.time()}
        store.execute(_EVENTS, values)
        store.execute(_DELIVERIES, values)


def _compare_costs(few: Path, many: Path) -> None:
    stores = [open_database(folder / "uapid.sqlite") for folder in (few, many)]
    for what, rounds in (("matching one call change", _matching), ("picking the next", _picking)):
        less, more = medians(*(rounds(store) for store in stores))
        print(
            f"backlog, {what}: {more / AT_A_TIME * 1e6:.1f} us with {MANY:,} stored and pending, "
            f"{less / AT_A_TIME * 1e6:.1f} with {FEW:,}: "
            f"ratio {more / less:.2f} (target at most {COST_TARGET})"
        )
    for store in stores:
        store.close()


def _matching(store: Database) -> Iterator[Work]:
    """Changes of which each concerns one PhoneCallEvent, written and taken back."""
    for first in count(0, AT_A_TIME):
        changes = [
            replace(change, extension=f"0003*{1 + (first + number) % FEW:05d}")
            for number, change in enumerate(dial_ins(first, AT_A_TIME))
        ]

        yield partial(_match, store, changes)


def _match(store: Database, changes: list[CallChange]) -> None:
    store.execute("BEGIN")
    for change in changes:
        record(store, [change], {}, time.time())
    store.rollback()


def _picking(store: Database) -> Iterator[Work]:
    """The next of each of some servers."""
    for first in count(0, AT_A_TIME):
        origins = [f"http://127.0.1.1:{10000 + (first + n) % SERVERS}" for n in range(AT_A_TIME)]

        yield partial(_pick, store, origins)


def _pick(store: Database, origins: list[str]) -> None:
    for origin in origins:
        found, _ = due(store, origin, time.time(), (), 1)
        assert found


async def _compare_daemons(few: Path, many: Path) -> None:
    (less_start, less_memory), (start, memory) = [await _daemon(folder) for folder in (few, many)]
    print(
        f"backlog, start: {start:.2f} s, {less_start:.2f} with few (target at most {START_TARGET})"
    )
    print(
        f"backlog, memory of the daemon: {memory / 1e6:.1f} MB with {MANY:,}, "
        f"{less_memory / 1e6:.1f} with {FEW:,}: "
        f"ratio {memory / less_memory:.2f} (target at most {MEMORY_TARGET})"
    )


async def _daemon(folder: Path) -> tuple[float, int]:
    """Seconds until it serves, and bytes of memory after it has tried for a while."""
    async with running_daemon(folder) as (_, uapid):
        await asyncio.sleep(_SETTLED_SECONDS)
        return uapid.start_seconds, uapid.resident


if __name__ == "__main__":
    main()
