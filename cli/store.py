"""The store, as the commands open it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlite_utils import Database

from config.settings import Settings
from daemon.store import StoreError, open_database


@contextmanager
def opened_store(settings: Settings) -> Iterator[Database]:
    """The store that the settings name; one that cannot be opened ends the command."""
    try:
        db = open_database(settings.store.path)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield db
    finally:
        db.close()
