"""Bearer tokens: a random secret for the app, only its hash in the store."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the store knows it: ``id`` is the start of its hash, ``user`` whose it is.

    ``app``, by its id, is who sends it.
    """

    id: str
    user: int
    app: str
    created: datetime


_ID_LENGTH = 12
_PREFIX = "uapid_"  # tells people and scanners what they found, and never reads as an option
_SELECT = "SELECT hash, user, app, created FROM tokens"


def _hash(token: str) -> str:
    # The token is 256 random bits: a plain hash cannot be searched, a slow one would only cost.
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(db: Database, user: int, app: str) -> str:
    """Make a token for an app of a user; it is returned here once and never again."""
    token = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    row = {"hash": _hash(token), "user": user, "app": app, "created": datetime.now(UTC).isoformat()}
    db.table("tokens").insert(row)
    return token


def find_token(db: Database, token: str) -> Token | None:
    """What the store knows of this token, None for an unknown or revoked one."""
    rows = list(db.query(f"{_SELECT} WHERE hash = ?", [_hash(token)]))
    return _token(rows[0]) if rows else None


def list_tokens(db: Database) -> list[Token]:
    return [_token(row) for row in db.query(f"{_SELECT} ORDER BY created, hash")]


def revoke_token(db: Database, token_or_id: str) -> int:
    """Revoke by the token itself or by the id that list_tokens shows; returns how many went."""
    table = db.table("tokens")
    before = table.count
    table.delete_where(
        "hash = ? OR substr(hash, 1, ?) = ?", [_hash(token_or_id), _ID_LENGTH, token_or_id]
    )
    return before - table.count


def _token(row: dict[str, Any]) -> Token:
    created = datetime.fromisoformat(row["created"])
    return Token(row["hash"][:_ID_LENGTH], row["user"], row["app"], created)
