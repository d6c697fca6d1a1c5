"""Bearer tokens: a random secret for the app, only its hash in the store."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlite_utils import Database

from daemon.store import Store

KNOWN_SECONDS = 1.0
"""How long a token that was found is taken for good without asking the store again."""

_KNOWN = 1024


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the store knows it: ``id`` is the start of its hash, ``user`` whose it is.

    ``app``, by its id, is who sends it. ``expires`` is a Unix time, None for a token without end.
    """

    id: str
    user: int
    app: str
    created: datetime
    expires: float | None

    def is_valid(self, now: float) -> bool:
        """Whether it is not over at this Unix time."""
        return self.expires is None or now < self.expires


_ID_LENGTH = 12
_PREFIX = "uapid_"  # tells people and scanners what they found, and never reads as an option
_SELECT = "SELECT hash, user, app, created, expires FROM tokens"


def hash_of(secret: str) -> str:
    """What the store has of a token or of an app's secret."""
    # It is 256 random bits: a plain hash cannot be searched, a slow one would only cost.
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(db: Database, user: int, app: str, expires: float | None = None) -> str:
    """Make a token for an app of a user; it is returned here once and never again.

    ``expires`` is a Unix time, None for a token without end.
    """
    token = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    created = datetime.now(UTC).isoformat()
    row = {"hash": hash_of(token), "user": user, "app": app, "created": created, "expires": expires}
    db.table("tokens").insert(row)
    return token


def find_token(db: Database, token: str) -> Token | None:
    """What the store knows of this token, also if it is over; None if it is unknown or revoked."""
    return _find(db, hash_of(token))


def list_tokens(db: Database) -> list[Token]:
    return [_token(*row) for row in db.execute(f"{_SELECT} ORDER BY created, hash")]


def revoke_token(db: Database, token_or_id: str) -> int:
    """Revoke by the token itself or by the id that list_tokens shows; returns how many went."""
    table = db.table("tokens")
    before = table.count
    table.delete_where(
        "hash = ? OR substr(hash, 1, ?) = ?", [hash_of(token_or_id), _ID_LENGTH, token_or_id]
    )
    return before - table.count


def revoke_tokens_of(db: Database, app: str) -> int:
    """Revoke all tokens of an app; how many went."""
    return db.execute("DELETE FROM tokens WHERE app = ?", [app]).rowcount


def forget_expired_tokens(db: Database, before: float, limit: int) -> int:
    """Forget tokens that were over at this Unix time; how many went, at most ``limit``."""
    return db.execute(
        "DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires < ? LIMIT ?)",
        [before, limit],
    ).rowcount


class Tokens:
    """The tokens that come with requests.

    One that comes again is looked up once in KNOWN_SECONDS, as each lookup may have to wait for
    what is being written: so long may it pass after another process has revoked it.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, tuple[Token, float]] = OrderedDict()

    async def find(self, token: str) -> Token | None:
        """As find_token. Raises StoreUnavailable."""
        hash = hash_of(token)
        known, until = self._known.get(hash, (None, 0.0))
        if known is not None and self._clock() < until:
            return known
        found = await self._store.look_up(lambda db: _find(db, hash))
        self._known.pop(hash, None)
        if found is not None:
            self._known[hash] = found, self._clock() + KNOWN_SECONDS
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return found


def _find(db: Database, hash: str) -> Token | None:
    # How long it takes to find a hash tells nothing of the token that it is of. By the connection
    # itself, as what sqlite-utils does for each statement takes longer than this one.
    row = db.conn.execute(f"{_SELECT} WHERE hash = ?", [hash]).fetchone()
    return _token(*row) if row else None


def _token(hash: str, user: int, app: str, created: str, expires: float | None) -> Token:
    return Token(hash[:_ID_LENGTH], user, app, datetime.fromisoformat(created), expires)
