"""The tables of the store, as migrations that are applied once each, in this order."""

import base64
import json
import secrets
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlencode

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from daemon.events.origin import origin_of

migrations = Migrations("uapid")


def unknown_migrations(db: Database) -> set[str]:
    """Names of those that were applied to this store and that this version does not have."""
    with closing(sqlite3.connect(":memory:")) as empty:
        known = {migration.name for migration in migrations.pending(Database(empty))}
    return {migration.name for migration in migrations.applied(db)} - known


@migrations()
def first_tables(db: Database) -> None:
    db.table("tokens").create({"hash": str, "user": int, "created": str}, pk="hash")
    db.table("phone_call_events").create(
        {
            "id": str,
            "extension": str,
            "type": int,
            "method": int,
            "note": str,
            "url": str,
            "status": int,
            "modified": str,
        },
        pk="id",
    ).create_index(["extension", "type"])
    db.table("live_calls").create({"id": str, "document": str}, pk="id")
    db.table("pbx_endpoints").create({"name": str}, pk="name")
    db.execute(
        """
        CREATE TABLE deliveries (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            webhook_id TEXT NOT NULL UNIQUE,
            event TEXT NOT NULL REFERENCES phone_call_events(id),
            call TEXT NOT NULL,
            parameters TEXT NOT NULL,
            created REAL NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_attempt REAL,
            ended REAL,
            outcome TEXT NOT NULL
        )
        """
    )


@migrations()
def how_a_change_was_seen(db: Database) -> None:
    db.table("deliveries").add_column("seen", str, not_null_default="live")


@migrations()
def apps_and_lanes(db: Database) -> None:
    """Apps with their signing secrets; of each PhoneCallEvent where and when it is to be told."""
    db.execute(
        """
        CREATE TABLE apps (
            id TEXT PRIMARY KEY,
            user INTEGER,
            name TEXT NOT NULL,
            created TEXT NOT NULL,
            secret TEXT NOT NULL,
            previous_secret TEXT,
            previous_until REAL
        )
        """
    )
    tokens, events = db.table("tokens"), db.table("phone_call_events")
    tokens.add_column("app", str)
    for row in list(db.query("SELECT DISTINCT user FROM tokens")):
        app = _new_app(db, row["user"], "default")
        db.execute("UPDATE tokens SET app = ? WHERE user = ?", [app, row["user"]])
    events.add_column("app", str)
    if events.count:
        # Whose they are is not known: there were no apps when they were made.
        app = _new_app(db, None, "events made before apps had secrets")
        db.execute("UPDATE phone_call_events SET app = ?", [app])
    events.add_column("origin", str)
    events.add_column("wake_at", float)
    for row in list(db.query("SELECT id, url FROM phone_call_events")):
        events.update(row["id"], {"origin": origin_of(row["url"])})
    db.execute(
        "CREATE INDEX lanes ON phone_call_events (origin, wake_at) WHERE wake_at IS NOT NULL"
    )


# Not daemon.apps.create_app, whose tables will change: a migration stays as it was.
def _new_app(db: Database, user: int | None, name: str) -> str:
    id = secrets.token_hex(6)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    row = {"id": id, "user": user, "name": name, "created": datetime.now(UTC).isoformat()}
    db.table("apps").insert({**row, "secret": secret})
    return id


# AUTOINCREMENT: the seq of a purged delivery must never be that of a later one.
_DELIVERIES = """
    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook_id TEXT NOT NULL UNIQUE,
        event TEXT NOT NULL,
        call TEXT NOT NULL,
        form TEXT NOT NULL,
        seen TEXT NOT NULL,
        created REAL NOT NULL,
        queued REAL NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt REAL,
        ended REAL,
        tried INTEGER NOT NULL,
        at REAL,
        seconds REAL,
        outcome TEXT,
        reason TEXT,
        excerpt TEXT
    );
    CREATE INDEX heads ON deliveries (event, next_attempt) WHERE next_attempt IS NOT NULL;
    CREATE INDEX chains ON deliveries (event, call) WHERE ended IS NULL;
    CREATE INDEX ends ON deliveries (ended) WHERE ended IS NOT NULL;
    CREATE INDEX of_event ON deliveries (event);
    CREATE INDEX missed ON deliveries (event, state) WHERE state IN ('failed', 'dead');
    CREATE INDEX of_state ON deliveries (state);
"""

# The last attempt stands in its delivery, as most deliveries have but one.
_ATTEMPTS = """
    CREATE TABLE earlier_attempts (
        delivery INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        seconds REAL NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        PRIMARY KEY (delivery, number)
    ) WITHOUT ROWID;
    CREATE VIEW attempts AS
        SELECT delivery, number, at, seconds, outcome, reason, excerpt FROM earlier_attempts
        UNION ALL
        SELECT seq, tried, at, seconds, outcome, reason, excerpt FROM deliveries WHERE tried > 0;
"""

# Counted as they change: to count a million of them would hold up who asks.
_COUNTS = """
    CREATE TABLE delivery_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO delivery_counts VALUES ('pending', 0), ('failed', 0), ('delivered', 0), ('dead', 0);
    CREATE TRIGGER delivery_counted AFTER INSERT ON deliveries BEGIN
        UPDATE delivery_counts SET count = count + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER delivery_recounted AFTER UPDATE OF state ON deliveries
    WHEN new.state <> old.state BEGIN
        UPDATE delivery_counts SET count = count - 1 WHERE state = old.state;
        UPDATE delivery_counts SET count = count + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER delivery_uncounted AFTER DELETE ON deliveries BEGIN
        UPDATE delivery_counts SET count = count - 1 WHERE state = old.state;
    END;
    CREATE TABLE deleted_events (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE probe (bytes BLOB NOT NULL);
"""

_OLD_DELIVERIES = """
    INSERT INTO deliveries (seq, webhook_id, event, call, form, seen, created, queued, state,
                            attempts, next_attempt, ended, tried, at, seconds, outcome, reason,
                            excerpt)
    SELECT seq, webhook_id, event, call, form_of(parameters), seen, created, created,
           CASE WHEN state = 'pending' AND attempts > 0 THEN 'failed' ELSE state END,
           attempts, NULL, ended, attempts, coalesce(ended, :now), 0,
           CASE state WHEN 'delivered' THEN 'delivered' ELSE 'failed' END, outcome, ''
    FROM old_deliveries ORDER BY seq;
    UPDATE deliveries SET next_attempt = :now WHERE seq IN (
        SELECT min(seq) FROM deliveries WHERE ended IS NULL GROUP BY event, call);
    UPDATE phone_call_events SET wake_at = :now
        WHERE status = 1 AND id IN (SELECT event FROM deliveries WHERE next_attempt IS NOT NULL);
"""


@migrations()
def deliveries_in_chains(db: Database) -> None:
    """Only the head of what waits for one PhoneCallEvent and call has a next attempt."""
    db.register_function(form_of, deterministic=True)
    db.execute("ALTER TABLE deliveries RENAME TO old_deliveries")
    now = repr(time.time())
    script = _DELIVERIES + _ATTEMPTS + _COUNTS + _OLD_DELIVERIES.replace(":now", now)
    for statement in _statements(script):
        db.execute(statement)
    db.execute("DROP TABLE old_deliveries")


@migrations()
def keys_of_apps(db: Database) -> None:
    """Apps get tokens with their key and secret; tokens end, and apps can be revoked."""
    apps = db.table("apps")
    apps.add_column("key_secret_hash", str)
    apps.add_column("revoked", str)
    db.table("tokens").add_column("expires", float)
    db.execute("CREATE INDEX tokens_of ON tokens (app)")
    db.execute("CREATE INDEX token_ends ON tokens (expires) WHERE expires IS NOT NULL")


@migrations()
def names_on_the_pbx(db: Database) -> None:
    """Beside endpoints, what else the PBX has."""
    db.execute(
        "CREATE TABLE pbx_names (kind TEXT, name TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID"
    )
    db.execute("INSERT INTO pbx_names SELECT 'terminal', name FROM pbx_endpoints")
    db.execute("DROP TABLE pbx_endpoints")


def form_of(parameters: str) -> str:
    """The form that is sent, of the JSON that was stored."""
    return urlencode(json.loads(parameters))


def _statements(script: str) -> list[str]:
    """One by one: executescript would commit what the migration has done so far."""
    statements, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    return statements
