"""The store, as the commands use it: beside a running daemon or without one."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlite_utils import Database

from config.settings import Settings
from daemon.store import StoreError, open_database


@contextmanager
def opened_store(settings: Settings) -> Iterator[Database]:
    """The store that the settings name; one that cannot be opened or used ends the command."""
    try:
        db = open_database(settings.store.path)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield db
    except sqlite3.OperationalError as error:
        raise click.ClickException(f"{settings.store.path}: {_told(error)}") from error
    finally:
        db.close()


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """Everything in it is written, or nothing of it."""
    # Immediate: who first reads and then wants to write is refused when others wrote meanwhile.
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def _told(error: sqlite3.OperationalError) -> str:
    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
        return f"{error}: another process, most likely the daemon, keeps writing; try again"
    return str(error)
