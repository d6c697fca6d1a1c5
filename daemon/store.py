"""What must survive, in SQLite: one writer thread and one reader thread.

A lookup of a few rows by an index is done where it is asked for, which costs some 10 us: less than
a tenth of the way to a thread and back. A reader never waits for the writer (WAL).

Works that wait are written together and committed once. One that fails by itself undoes nothing of
its neighbours': all are run again then, each with a savepoint of its own. That is rare, and a
savepoint for each work would take longer than most of the works.
"""

import asyncio
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from daemon.tables import migrations, unknown_migrations

T = TypeVar("T")
_Work = tuple[Callable[[Database], Any], "asyncio.Future[Any]"]
_Result = tuple[Any, Exception | None]

log = logging.getLogger(__name__)

_BUSY_SECONDS = 5.0
_LOOKUP_CACHE_KIB = 256


class StoreError(Exception):
    """The store cannot be opened; the text says which file and why."""


class StoreUnavailable(Exception):
    """The open store cannot be used now; the text says why."""


def open_database(path: Path) -> Database:
    """A connection to the store, its tables up to date. Raises StoreError."""
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_SECONDS)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}{_about(path.absolute().parent)}") from error
    try:
        return _prepared(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: {error}{_about(path.absolute().parent)}") from error
    except StoreError:
        connection.close()
        raise


def _about(folder: Path) -> str:
    """What may be wrong with the folder, as SQLite does not tell."""
    if not folder.is_dir():
        return f" (there is no folder {folder})"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f" (the folder {folder} is read-only)"


def _prepared(connection: sqlite3.Connection, path: Path) -> Database:
    db = Database(connection)
    db.enable_wal()
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if unknown := unknown_migrations(db):
        raise StoreError(
            f"{path}: was written by a newer uapid (it has {', '.join(sorted(unknown))}); "
            "start that version or name another file"
        )
    if migrations.pending(db):
        db.execute("BEGIN IMMEDIATE")  # who else opens it now waits, and finds nothing pending
        migrations.apply(db)
        db.commit()
    return db


class Store:
    """The store of a running daemon; ``read`` and ``write`` take functions of a Database.

    When a write fails for a reason that is not its own (disk full, read-only, I/O error, locked),
    the store is in ``trouble``, and ``write`` writes nothing any more until somebody who could
    ``try_again`` says that it has ``recovered``. Who called ``watch`` is told of both.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        self._watchers: list[Callable[[], None]] = []
        self._lanes: list[tuple[queue.SimpleQueue[_Work | None], threading.Thread]] = []
        self._lookups: Database | None = None

    def open(self) -> None:
        """Open the file and start the threads. Raises StoreError."""
        for name, run in (("store-write", _write_together), ("store-read", _read_each)):
            lane: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
            db = open_database(self.path)
            thread = threading.Thread(target=_serve, args=(db, lane, run), name=name, daemon=True)
            thread.start()
            self._lanes.append((lane, thread))
        self._lookups = open_database(self.path)
        self._lookups.execute("PRAGMA busy_timeout = 0")
        self._lookups.execute(f"PRAGMA cache_size = -{_LOOKUP_CACHE_KIB}")

    def close(self) -> None:
        """Finish what was asked for, then close the file."""
        if self._lookups is not None:
            self._lookups.close()
            self._lookups = None
        for lane, _ in self._lanes:
            lane.put(None)
        for _, thread in self._lanes:
            thread.join()
        self._lanes.clear()

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called after ``trouble`` has come or gone."""
        self._watchers.append(on_change)

    async def write(self, work: Callable[[Database], T]) -> T:
        """Run the work in a transaction; it is on disk when this returns.

        It may be run twice, the first time undone: it is to have no other effect than on the store.
        Raises StoreUnavailable, and what the work raises; nothing of it is written then.
        """
        if self.trouble is not None:
            raise StoreUnavailable(self.trouble)
        try:
            return await self._ask(0, work)
        except StoreUnavailable as error:
            self._tell(str(error))
            raise

    async def try_again(self, work: Callable[[Database], T]) -> T:
        """As ``write``, while the store is in trouble."""
        return await self._ask(0, work)

    def recovered(self) -> None:
        """The trouble is over."""
        self._tell(None)

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run the work on the last committed state. Raises as ``write`` does."""
        return await self._ask(1, work)

    async def look_up(self, work: Callable[[Database], T]) -> T:
        """As ``read``, for a work that finds a few rows by an index: it holds up the event loop."""
        if self._lookups is not None:
            with suppress(sqlite3.Error):  # what is locked, the reader thread can wait for
                return work(self._lookups)
        return await self.read(work)

    def _tell(self, trouble: str | None) -> None:
        changed = (self.trouble is None) != (trouble is None)
        self.trouble = trouble
        if not changed:
            return
        if trouble is None:
            log.warning("store: %s can be written again", self.path)
        else:
            log.error("store: %s cannot be written: %s", self.path, trouble)
        for on_change in self._watchers:
            on_change()

    async def _ask(self, lane: int, work: Callable[[Database], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._lanes[lane][0].put((work, future))
        return await future


def _serve(
    db: Database,
    lane: "queue.SimpleQueue[_Work | None]",
    run: Callable[[Database, list[_Work]], list[_Result]],
) -> None:
    open_lane = True
    while open_lane:
        taken = [lane.get()]
        while not lane.empty():
            taken.append(lane.get())
        works = [work for work in taken if work is not None]
        open_lane = len(works) == len(taken)
        if works:
            _, future = works[0]
            future.get_loop().call_soon_threadsafe(_answer, works, run(db, works))
    db.close()


def _write_together(db: Database, works: list[_Work]) -> list[_Result]:
    try:
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            results: list[_Result] = [(work(db), None) for work, _ in works]
        except Exception as error:
            if _of_the_store(error):
                raise  # SQLite may have undone the works before this one too
            db.rollback()
            db.conn.execute("BEGIN IMMEDIATE")
            results = [_by_itself(db, work) for work, _ in works]
        db.commit()
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            db.rollback()
        return [(None, StoreUnavailable(str(error)))] * len(works)
    return results


def _by_itself(db: Database, work: Callable[[Database], Any]) -> _Result:
    """What it does is undone if it fails. Raises an error of the store."""
    db.conn.execute("SAVEPOINT work")
    try:
        result = work(db)
    except Exception as error:
        if _of_the_store(error):
            raise
        db.conn.execute("ROLLBACK TO work")
        db.conn.execute("RELEASE work")
        return None, error
    db.conn.execute("RELEASE work")
    return result, None


def _read_each(db: Database, works: list[_Work]) -> list[_Result]:
    results: list[_Result] = []
    for work, _ in works:
        try:
            results.append((work(db), None))
        except sqlite3.Error as error:
            results.append((None, StoreUnavailable(str(error)) if _of_the_store(error) else error))
        except Exception as error:
            results.append((None, error))
    return results


def _of_the_store(error: Exception) -> bool:
    """Whether the file or its disk is at fault, not what was asked for."""
    own = (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.DataError,
        sqlite3.NotSupportedError,
    )
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, own)


def _answer(works: list[_Work], results: list[_Result]) -> None:
    for (_, future), (result, error) in zip(works, results, strict=True):
        if future.cancelled():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
