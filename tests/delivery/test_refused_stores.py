"""A store that cannot be used ends the start, and one line tells which file it is and why."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.delivery.small_disk import needs_root, small_disk
from tests.pbx.uapid import Uapid

PATIENCE = 10.0
SETTINGS = """\
[[users]]
id = 12
name = "John Doe"
"""


def no_folder(store: Path) -> None:
    store.parent.rmdir()


def folder(store: Path) -> None:
    store.mkdir()


def text(store: Path) -> None:
    store.write_text("What is in here is no database, and it is a good deal longer than a header.")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (no_folder, "unable to open database file (there is no folder {folder})"),
        (folder, "unable to open database file"),
        (text, "file is not a database"),
    ],
)
async def test_what_is_no_store_is_refused(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    store = tmp_path / "store" / "uapid.sqlite"
    store.parent.mkdir()
    make(store)
    assert await refusal(tmp_path, store) == (
        f"Error: {store}: {reason.format(folder=store.parent)}\n"
    )


async def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    uapid = Uapid(tmp_path, SETTINGS)
    await uapid.token()
    with closing(sqlite3.connect(uapid.store)) as store:
        store.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('uapid', 'tables_of_the_future', '2031-01-01')"
        )
        store.commit()
    before = uapid.store.read_bytes()
    assert await refusal(tmp_path, uapid.store) == (
        f"Error: {uapid.store}: was written by a newer uapid (it has tables_of_the_future); "
        "start that version or name another file\n"
    )
    assert uapid.store.read_bytes() == before


@needs_root
async def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=16) as disk:
        store = disk.folder / "uapid.sqlite"
        await Uapid(tmp_path, SETTINGS, store=store).token()
        disk.make_read_only()
        reason = f"unable to open database file (the folder {disk.folder} is read-only)"
        assert await refusal(tmp_path, store) == f"Error: {store}: {reason}\n"


@needs_root
async def test_a_store_for_which_there_is_no_room_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        disk.fill()
        store = disk.folder / "uapid.sqlite"
        assert await refusal(tmp_path, store) == f"Error: {store}: database or disk is full\n"


async def refusal(folder: Path, store: Path) -> str:
    """What the daemon says at its start, which it is to end with status 1."""
    with pytest.raises(RuntimeError) as failure:
        async with asyncio.timeout(PATIENCE):
            await Uapid(folder, SETTINGS, store=store).run("serve")
    return str(failure.value).removeprefix("uapid serve: ")
