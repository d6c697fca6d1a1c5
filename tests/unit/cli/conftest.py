"""The store of the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from daemon.store import open_database
from tests.unit.cli.commands import settings_file
from tests.unit.daemon.people import JOHN, MARY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path, '[node]\ntimezone = "Europe/Bucharest"\n')


@pytest.fixture
def db(config: Path) -> Iterator[Database]:
    """The store of the commands, with a PhoneCallEvent of John's and one of Mary's."""
    db = open_database(config.parent / "uapid.sqlite")
    for extension in (JOHN, MARY):
        row = {"id": f"of{extension[-3:]}", "extension": extension, "type": 0, "method": 1}
        shown = {"note": "", "url": "http://a/?key=hunter2", "origin": "http://a:80", "status": 1}
        db.table("phone_call_events").insert({**row, **shown, "modified": "2026-01-01T00:00+00:00"})
    yield db
    db.close()
