"""Bearer tokens: a random secret for the app, only its hash in the store."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the store knows it: ``id`` is the start of its hash, ``user`` whose it is."""

    id: str
    user: int
    created: datetime


_ID_LENGTH = 12
_PREFIX = "uapid_"  # tells people and scanners what they found, and never reads as an option


def _hash(token: str) -> str:
    # The token is 256 random bits: a plain hash cannot be searched, a slow one would only cost.
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(db: Database, user: int) -> str:
    """Make a token for a user; it is returned here once and never again."""
    token = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    db.table("tokens").insert(
        {"hash": _hash(token), "user": user, "created": datetime.now(UTC).isoformat()}
    )
    return token


def user_of_token(db: Database, token: str) -> int | None:
    """The id of the user whose token this is, None for an unknown or revoked one."""
    rows = list(db.query("SELECT user FROM tokens WHERE hash = ?", [_hash(token)]))
    return int(rows[0]["user"]) if rows else None


def list_tokens(db: Database) -> list[Token]:
    return [
        Token(row["hash"][:_ID_LENGTH], row["user"], datetime.fromisoformat(row["created"]))
        for row in db.query("SELECT hash, user, created FROM tokens ORDER BY created, hash")
    ]


def revoke_token(db: Database, token_or_id: str) -> int:
    """Revoke by the token itself or by the id that list_tokens shows; returns how many went."""
    table = db.table("tokens")
    before = table.count
    table.delete_where(
        "hash = ? OR substr(hash, 1, ?) = ?", [_hash(token_or_id), _ID_LENGTH, token_or_id]
    )
    return before - table.count
