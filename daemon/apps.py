"""Apps: who acts for a user and is told of calls.

An app has two secrets: with its key (its id) and its key secret it gets tokens, of which the store
has a hash; its webhook secret signs what it is sent, and is stored as it is.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from daemon.events.signature import new_secret
from daemon.tokens import hash_of, revoke_tokens_of

DEFAULT_NAME = "default"
SIGNS_ALONG = "CASE WHEN previous_until > :now THEN previous_secret END"
"""SQL for the secret before of an app, while it signs along; ``:now`` is a Unix time."""

_ID_BYTES = 6
_ID = re.compile(r"[0-9a-f]{12}")
_KEY_SECRET_BYTES = 32
_SELECT = "SELECT id, user, name, created, revoked FROM apps"


@dataclass(frozen=True, slots=True)
class App:
    """``user`` is the one it acts for; None for whose PhoneCallEvents are older than apps.

    ``revoked`` is when it lost its tokens and its key, None as long as it has not.
    """

    id: str
    user: int | None
    name: str
    created: datetime
    revoked: datetime | None = None


def create_app(db: Database, user: int, name: str) -> App:
    """Make an app with a new webhook secret and no key secret; the id is 12 letters and digits."""
    app = App(secrets.token_hex(_ID_BYTES), user, name, datetime.now(UTC))
    row = {"id": app.id, "user": user, "name": name, "created": app.created.isoformat()}
    db.table("apps").insert({**row, "secret": new_secret()})
    return app


def is_app_id(text: str) -> bool:
    """Whether it is of the form that create_app makes."""
    return _ID.fullmatch(text) is not None


def default_app(db: Database, user: int) -> App:
    """The user's app of the name "default", made when there is none."""
    named = (
        app
        for app in list_apps(db)
        if (app.user, app.name) == (user, DEFAULT_NAME) and app.revoked is None
    )
    return next(named, None) or create_app(db, user, DEFAULT_NAME)


def list_apps(db: Database) -> list[App]:
    return _apps(db.query(f"{_SELECT} ORDER BY created, id"))


def find_app(db: Database, id: str) -> App | None:
    found = _apps(db.query(f"{_SELECT} WHERE id = ?", [id]))
    return found[0] if found else None


def new_key_secret(db: Database, id: str) -> str | None:
    """Give an app a new key secret, returned here once; None if there is no such app.

    The one before is not valid any more. It has letters, digits, ``-`` and ``_`` only, as some
    clients encode others twice.
    """
    secret = secrets.token_urlsafe(_KEY_SECRET_BYTES)
    changed = db.execute(
        "UPDATE apps SET key_secret_hash = ? WHERE id = ? AND revoked IS NULL",
        [hash_of(secret), id],
    )
    return secret if changed.rowcount else None


def app_with_key(db: Database, id: str, secret: str) -> App | None:
    """The app with this key and key secret, None if there is none or it is revoked."""
    row = db.execute("SELECT key_secret_hash FROM apps WHERE id = ?", [id])
    known = (row.fetchone() or (None,))[0]
    # As long for a key that is unknown as for a wrong secret.
    matches = secrets.compare_digest(hash_of(secret), known or hash_of(""))
    return find_app(db, id) if matches and known else None


def revoke_app(db: Database, id: str) -> bool:
    """Take an app its key and its tokens, and tell it of no call any more.

    False if there is no such app or it was revoked before.

    Its PhoneCallEvents are disabled: an operator can still see what they had, and enable them.
    """
    now = datetime.now(UTC).isoformat()
    with db.atomic():
        changed = db.execute(
            "UPDATE apps SET revoked = ?, key_secret_hash = NULL WHERE id = ? AND revoked IS NULL",
            [now, id],
        )
        if not changed.rowcount:
            return False
        revoke_tokens_of(db, id)
        db.execute("UPDATE phone_call_events SET status = 0, modified = ? WHERE app = ?", [now, id])
    return True


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
        App(
            row["id"],
            row["user"],
            row["name"],
            datetime.fromisoformat(row["created"]),
            row["revoked"] and datetime.fromisoformat(row["revoked"]),
        )
        for row in rows
    ]
