"""A store that cannot be written for a while, and is read as ever."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from sqlite_utils import Database

from daemon.store import Store, StoreUnavailable

# More than what a transaction may need that rewrites rows.
_A_LOT = 1_000_000


@asynccontextmanager
async def unwritable(store: Store) -> AsyncIterator[None]:
    """Somebody has it locked, and the store has noticed; who owns it has to recover it."""
    await store.write(lambda db: db.execute("PRAGMA busy_timeout = 0").fetchone())
    with locked(store):
        with suppress(StoreUnavailable):
            await store.write(lambda db: None)
        assert store.trouble is not None
        yield


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody has it locked."""
    other = sqlite3.connect(store.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def fill_disk(db: Database, pages_left: int = 0) -> None:
    """From now on the file cannot grow by more than that."""
    (used,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {used + pages_left}").fetchone()


def make_room(db: Database) -> None:
    """It can grow again."""
    db.execute(f"PRAGMA max_page_count = {_A_LOT}").fetchone()


def ask_for_room(db: Database) -> Any:
    """A work that the disk has no room for when it is full."""
    return db.execute("INSERT INTO probe VALUES (zeroblob(200000))")
