"""Apps: who holds tokens and is told of calls, each with the secret that signs what it is sent."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from daemon.events.signature import new_secret

DEFAULT_NAME = "default"
SIGNS_ALONG = "CASE WHEN previous_until > :now THEN previous_secret END"
"""SQL for the secret before of an app, while it signs along; ``:now`` is a Unix time."""

_ID_BYTES = 6


@dataclass(frozen=True, slots=True)
class App:
    """``user`` is the one it acts for; None for whose PhoneCallEvents are older than apps."""

    id: str
    user: int | None
    name: str
    created: datetime


def create_app(db: Database, user: int, name: str) -> App:
    """Make an app with a new secret; the id is 12 letters and digits."""
    app = App(secrets.token_hex(_ID_BYTES), user, name, datetime.now(UTC))
    row = {"id": app.id, "user": user, "name": name, "created": app.created.isoformat()}
    db.table("apps").insert({**row, "secret": new_secret()})
    return app


def default_app(db: Database, user: int) -> App:
    """The user's app of the name "default", made when there is none."""
    named = (app for app in list_apps(db) if (app.user, app.name) == (user, DEFAULT_NAME))
    return next(named, None) or create_app(db, user, DEFAULT_NAME)


def list_apps(db: Database) -> list[App]:
    return _apps(db.query("SELECT id, user, name, created FROM apps ORDER BY created, id"))


def find_app(db: Database, id: str) -> App | None:
    found = _apps(db.query("SELECT id, user, name, created FROM apps WHERE id = ?", [id]))
    return found[0] if found else None


def valid_secrets(db: Database, id: str, now: float) -> list[str]:
    """The one or two secrets that sign now, the newest first; none if there is no such app."""
    query = f"SELECT secret, {SIGNS_ALONG} FROM apps WHERE id = :id"  # noqa: S608
    rows = db.execute(query, {"id": id, "now": now})
    return [secret for row in rows for secret in row if secret is not None]


def rotate_secret(db: Database, id: str, overlap: float, now: float) -> str | None:
    """Give the app a new secret, which is returned; None if there is no such app.

    The one that was the newest signs along for ``overlap`` seconds; one before it ends at once.
    """
    secret = new_secret()
    changed = db.execute(
        "UPDATE apps SET previous_secret = secret, previous_until = ?, secret = ? WHERE id = ?",
        [now + overlap, secret, id],
    )
    return secret if changed.rowcount else None


def _apps(rows: Iterable[dict[str, Any]]) -> list[App]:
    return [
        App(row["id"], row["user"], row["name"], datetime.fromisoformat(row["created"]))
        for row in rows
    ]
