"""What must survive, in SQLite: one writer thread, one reader thread, versioned migrations.

Works that wait are written together and committed once; each has a savepoint of its own, so that
one that fails undoes nothing of its neighbours'.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

T = TypeVar("T")
_Work = tuple[Callable[[Database], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

migrations = Migrations("uapid")
_BUSY_SECONDS = 10.0


class StoreError(Exception):
    """The store cannot be used; the text says which file and why."""


@migrations()
def first_tables(db: Database) -> None:
    db.table("tokens").create({"hash": str, "user": int, "created": str}, pk="hash")
    db.table("phone_call_events").create(
        {
            "id": str,
            "extension": str,
            "type": int,
            "method": int,
            "note": str,
            "url": str,
            "status": int,
            "modified": str,
        },
        pk="id",
    ).create_index(["extension", "type"])
    db.table("live_calls").create({"id": str, "document": str}, pk="id")
    db.table("pbx_endpoints").create({"name": str}, pk="name")
    # AUTOINCREMENT: the seq of a deleted delivery must never be that of a later one.
    db.execute(
        """
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
            outcome TEXT NOT NULL
        )
        """
    )
    deliveries = db.table("deliveries")
    deliveries.create_index(["state", "next_attempt"])
    deliveries.create_index(["ended"])
    deliveries.create_index(["event", "call", "state"])


@migrations()
def how_a_change_was_seen(db: Database) -> None:
    db.table("deliveries").add_column("seen", str, not_null_default="live")


def open_database(path: Path) -> Database:
    """A connection to the store, its tables up to date. Raises StoreError."""
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_SECONDS)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        return _prepared(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: {error}") from error
    except StoreError:
        connection.close()
        raise


def _prepared(connection: sqlite3.Connection, path: Path) -> Database:
    db = Database(connection)
    db.enable_wal()
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    unknown = {migration.name for migration in migrations.applied(db)} - _known_migrations()
    if unknown:
        raise StoreError(
            f"{path}: was written by a newer uapid (it has {', '.join(sorted(unknown))}); "
            "start that version or name another file"
        )
    migrations.apply(db)
    return db


def _known_migrations() -> set[str]:
    with closing(sqlite3.connect(":memory:")) as empty:
        return {migration.name for migration in migrations.pending(Database(empty))}


class Store:
    """The store of a running daemon; ``read`` and ``write`` take functions of a Database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lanes: list[tuple[queue.SimpleQueue[_Work | None], threading.Thread]] = []

    def open(self) -> None:
        """Open the file and start the threads. Raises StoreError."""
        for name, run in (("store-write", _write_together), ("store-read", _read_each)):
            lane: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
            db = open_database(self.path)
            thread = threading.Thread(target=_serve, args=(db, lane, run), name=name, daemon=True)
            thread.start()
            self._lanes.append((lane, thread))

    def close(self) -> None:
        """Finish what was asked for, then close the file."""
        for lane, _ in self._lanes:
            lane.put(None)
        for _, thread in self._lanes:
            thread.join()
        self._lanes.clear()

    async def write(self, work: Callable[[Database], T]) -> T:
        """Run the work in a transaction; it is on disk when this returns."""
        return await self._ask(0, work)

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run the work on the last committed state."""
        return await self._ask(1, work)

    async def _ask(self, lane: int, work: Callable[[Database], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._lanes[lane][0].put((work, loop, future))
        return await future


def _serve(
    db: Database,
    lane: "queue.SimpleQueue[_Work | None]",
    run: Callable[[Database, list[_Work]], None],
) -> None:
    open_lane = True
    while open_lane:
        taken = [lane.get()]
        while not lane.empty():
            taken.append(lane.get())
        works = [work for work in taken if work is not None]
        open_lane = len(works) == len(taken)
        if works:
            run(db, works)
    db.close()


def _write_together(db: Database, works: list[_Work]) -> None:
    outcomes: list[tuple[Any, BaseException | None]] = []
    try:
        db.execute("BEGIN IMMEDIATE")
        for work, _, _ in works:
            outcomes.append(_attempt(db, work))
        db.commit()
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            db.rollback()
        outcomes = [(None, error)] * len(works)
    for (_, loop, future), outcome in zip(works, outcomes, strict=True):
        _answer(loop, future, *outcome)


def _read_each(db: Database, works: list[_Work]) -> None:
    for work, loop, future in works:
        _answer(loop, future, *_attempt(db, work))


def _attempt(db: Database, work: Callable[[Database], Any]) -> tuple[Any, BaseException | None]:
    try:
        with db.atomic():
            return work(db), None
    except Exception as error:
        return None, error


def _answer(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    result: Any,
    error: BaseException | None,
) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    loop.call_soon_threadsafe(settle)
