import asyncio
import sqlite3
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from daemon.store import Store, StoreError, StoreUnavailable, open_database
from tests.unit.daemon.unwritable import ask_for_room, fill_disk, locked, make_room, unwritable
from tests.unit.waiting import until


def _endpoints(db: Database) -> list[str]:
    return [row["name"] for row in db.query("SELECT name FROM pbx_names ORDER BY name")]


def _add(name: str) -> Any:
    return lambda db: db.table("pbx_names").insert({"kind": "terminal", "name": name})


async def test_what_was_written_is_read_and_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "uapid.sqlite"
    for _ in range(2):
        store = Store(path)
        store.open()
        if not await store.read(_endpoints):
            await store.write(_add("a"))
        assert await store.read(_endpoints) == ["a"]
        store.close()


async def test_works_that_wait_together_each_get_their_own_answer(store: Store) -> None:
    def number(value: int) -> Any:
        return lambda db: (_add(str(value))(db), value)[1]

    answers = await asyncio.gather(*(store.write(number(value)) for value in range(50)))
    assert answers == list(range(50))
    assert len(await store.read(_endpoints)) == 50


async def test_a_work_that_fails_undoes_itself_and_nothing_of_its_neighbours(
    store: Store,
) -> None:
    def fails_late(db: Database) -> None:
        _add("half")(db)
        raise LookupError("in the middle")

    outcomes = await asyncio.gather(
        store.write(_add("before")),
        store.write(fails_late),
        store.write(_add("before")),  # breaks the key
        store.write(_add("after")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], LookupError)
    assert isinstance(outcomes[2], sqlite3.IntegrityError)
    assert await store.read(_endpoints) == ["after", "before"]


async def test_a_reader_does_not_see_what_is_not_committed(store: Store, tmp_path: Path) -> None:
    def write_and_look(db: Database) -> list[str]:
        _add("new")(db)
        other = sqlite3.connect(tmp_path / "uapid.sqlite")
        try:
            return [name for (name,) in other.execute("SELECT name FROM pbx_names")]
        finally:
            other.close()

    assert await store.write(write_and_look) == []
    assert await store.read(_endpoints) == ["new"]


async def test_a_lookup_sees_all_that_is_committed_whoever_did_it(
    store: Store, tmp_path: Path
) -> None:
    assert await store.look_up(_endpoints) == []
    await store.write(_add("ours"))
    with closing(sqlite3.connect(tmp_path / "uapid.sqlite")) as other, other:
        other.execute("INSERT INTO pbx_names VALUES ('terminal', 'theirs')")
    assert sorted(await store.look_up(_endpoints)) == ["ours", "theirs"]


async def test_a_lookup_goes_on_while_the_store_is_written(store: Store) -> None:
    await store.write(_add("a"))
    with locked(store):
        assert await store.look_up(_endpoints) == ["a"]


async def test_giving_up_waiting_does_not_harm_those_who_wait(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    given_up = asyncio.create_task(store.write(_add("given up")))
    await asyncio.sleep(0)
    given_up.cancel()
    await store.write(_add("waited for"))
    assert await store.read(_endpoints) == ["given up", "waited for"]
    assert caplog.text == ""


async def test_close_finishes_what_was_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path / "uapid.sqlite")
    store.open()
    writes = [asyncio.create_task(store.write(_add(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    store.close()
    await asyncio.gather(*writes)
    db = open_database(store.path)
    assert len(_endpoints(db)) == 20
    db.close()


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "uapid.sqlite"
    db = open_database(path)
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('uapid', 'from_the_future', '2100-01-01')"
    )
    db.conn.commit()
    db.close()
    with pytest.raises(StoreError, match="newer uapid") as refusal:
        open_database(path)
    assert str(path) in str(refusal.value)
    assert "from_the_future" in str(refusal.value)


def test_a_path_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "uapid.sqlite", tmp_path):
        with pytest.raises(StoreError) as refusal:
            open_database(path)
        assert str(path) in str(refusal.value)


def test_a_file_that_is_no_sqlite_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "uapid.sqlite"
    path.write_text("a diary, not a database\n" * 100)
    with pytest.raises(StoreError, match="not a database") as refusal:
        open_database(path)
    assert str(path) in str(refusal.value)
    assert path.read_text().startswith("a diary")


# --- one commit for what waits ---


@asynccontextmanager
async def _writer_is_busy(store: Store) -> AsyncIterator[None]:
    """What is asked for inside waits together."""
    begun, go_on = threading.Event(), threading.Event()

    def work(_: Database) -> bool:
        begun.set()
        return go_on.wait(10)

    busy = asyncio.create_task(store.write(work))
    await until(begun.is_set)
    try:
        yield
    finally:
        go_on.set()
    assert await busy


def _commits(store: Store) -> int:
    """How many there are in the write-ahead log: frames that tell the size of the database."""
    log = store.path.with_name(store.path.name + "-wal").read_bytes()
    (page_size,) = struct.unpack(">I", log[8:12])
    frames = range(32, len(log), page_size + 24)
    return sum(log[at + 4 : at + 8] != bytes(4) for at in frames)


async def test_works_that_wait_together_are_committed_once(store: Store) -> None:
    await store.write(_add("first"))
    before = _commits(store)
    async with _writer_is_busy(store):
        works = [asyncio.create_task(store.write(_add(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*works)
    assert len(await store.read(_endpoints)) == 51
    assert _commits(store) - before == 1


# --- trouble ---


async def test_trouble_in_the_middle_of_what_waits_together_fails_all_of_it_and_writes_none(
    store: Store,
) -> None:
    await store.write(_add("before"))
    await store.write(fill_disk)
    async with _writer_is_busy(store):
        works = [
            asyncio.create_task(store.write(work))
            for work in (_add("a"), ask_for_room, _add("before"), _add("b"))
        ]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [(type(one), str(one)) for one in outcomes] == [
        (StoreUnavailable, "database or disk is full")
    ] * 4
    assert await store.read(_endpoints) == ["before"]
    await store.try_again(make_room)
    store.recovered()
    await store.write(_add("after"))
    assert await store.read(_endpoints) == ["after", "before"]


async def test_in_trouble_nothing_is_written_until_somebody_says_that_it_is_over(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str | None] = []
    store.watch(lambda: seen.append(store.trouble))
    async with unwritable(store):
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.write(_add("a"))
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.try_again(_add("b"))
        assert await store.read(_endpoints) == []
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.write(_add("c"))
    await store.try_again(_add("d"))
    assert store.trouble == "database is locked"
    store.recovered()
    await store.write(_add("e"))
    assert await store.read(_endpoints) == ["d", "e"]
    assert seen == ["database is locked", None]
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("ERROR", f"store: {store.path} cannot be written: database is locked"),
        ("WARNING", f"store: {store.path} can be written again"),
    ]


async def test_a_lock_of_a_moment_is_waited_for(store: Store) -> None:
    with locked(store):
        writing = asyncio.create_task(store.write(_add("a")))
        await store.read(_endpoints)
        assert not writing.done()
    await writing
    assert store.trouble is None


async def test_a_fault_of_the_work_itself_is_no_trouble(store: Store) -> None:
    await store.write(_add("a"))
    for work in (_add("a"), lambda db: db.execute("SELECT ?", [1, 2])):
        with pytest.raises(sqlite3.Error):
            await store.write(work)
    assert store.trouble is None


@pytest.mark.parametrize("way", ["read", "look_up"])
async def test_what_cannot_be_read_is_told_and_is_no_trouble_for_writing(
    store: Store, way: str
) -> None:
    with pytest.raises(StoreUnavailable, match="no such table: missing"):
        await getattr(store, way)(lambda db: db.execute("SELECT * FROM missing").fetchall())
    assert store.trouble is None
    await store.write(_add("a"))
