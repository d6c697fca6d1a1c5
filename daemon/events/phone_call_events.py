"""PhoneCallEvents: what apps have asked to be told, kept in the store."""

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from sqlite_utils import Database

from daemon.store import Store

_ID_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 32


class EventType(IntEnum):
    """``type`` of a PhoneCallEvent (seed pages; 3 and 4 are of the newer editions)."""

    DIAL_IN = 0
    DIAL_OUT = 1
    HANGUP = 2
    ANSWER_IN = 3
    ANSWER_OUT = 4


class Method(IntEnum):
    GET = 0
    POST = 1


class Status(IntEnum):
    DISABLED = 0
    ENABLED = 1


@dataclass(frozen=True, slots=True)
class PhoneCallEvent:
    id: str
    extension: str
    type: EventType
    method: Method
    note: str
    url: str
    status: Status
    modified: datetime


@dataclass(frozen=True, slots=True)
class EventChange:
    """What an update sets; None leaves the field as it is."""

    method: Method | None = None
    note: str | None = None
    url: str | None = None
    status: Status | None = None


class PhoneCallEvents:
    """All PhoneCallEvents of an extension, of one type of it, or a single one by its id.

    Which of them are enabled is known without asking the store, once ``load`` was awaited.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._enabled: dict[tuple[str, int], dict[str, None]] = {}

    async def load(self) -> None:
        """Read which PhoneCallEvents there are; before anything else, after the store opened."""
        for id, extension, type in await self._store.read(_enabled_ids):
            self._enabled.setdefault((extension, type), {})[id] = None

    def wanting(self, extension: str, type: EventType) -> Iterable[str]:
        """Ids of the enabled events of this extension and type."""
        return self._enabled.get((extension, type), ())

    async def create(
        self, extension: str, type: EventType, method: Method, note: str, url: str, status: Status
    ) -> PhoneCallEvent:
        event_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        event = PhoneCallEvent(
            event_id, extension, type, method, note, url, status, datetime.now(UTC)
        )
        await self._store.write(lambda db: db.table("phone_call_events").insert(_row(event)))
        self._note(event)
        return event

    async def find(
        self, extension: str, type: EventType | None = None, id: str | None = None
    ) -> list[PhoneCallEvent]:
        return await self._store.read(lambda db: _select(db, extension, type, id))

    async def update(
        self, extension: str, type: EventType, id: str, change: EventChange
    ) -> PhoneCallEvent | None:
        """The event as it is now, or None if there is none of that extension, type and id."""

        def work(db: Database) -> PhoneCallEvent | None:
            found = _select(db, extension, type, id)
            if not found:
                return None
            event = replace(
                found[0],
                modified=datetime.now(UTC),
                **{
                    name: value
                    for name in EventChange.__slots__
                    if (value := getattr(change, name)) is not None
                },
            )
            db.table("phone_call_events").update(event.id, _row(event))
            return event

        updated = await self._store.write(work)
        if updated is not None:
            self._note(updated)
        return updated

    async def delete(
        self, extension: str, type: EventType | None = None, id: str | None = None
    ) -> list[PhoneCallEvent]:
        """Delete what ``find`` finds, with the deliveries that still wait; returns what went."""

        def work(db: Database) -> list[PhoneCallEvent]:
            found = _select(db, extension, type, id)
            for event in found:
                db.table("deliveries").delete_where("event = ?", [event.id])
                db.table("phone_call_events").delete(event.id)
            return found

        deleted = await self._store.write(work)
        for event in deleted:
            self._forget(event)
        return deleted

    def _note(self, event: PhoneCallEvent) -> None:
        if event.status is Status.ENABLED:
            self._enabled.setdefault((event.extension, event.type), {})[event.id] = None
        else:
            self._forget(event)

    def _forget(self, event: PhoneCallEvent) -> None:
        key = event.extension, event.type
        enabled = self._enabled.get(key, {})
        enabled.pop(event.id, None)
        if not enabled:
            self._enabled.pop(key, None)


def _enabled_ids(db: Database) -> list[tuple[str, str, int]]:
    query = "SELECT id, extension, type FROM phone_call_events WHERE status = ? ORDER BY url, id"
    return db.execute(query, [int(Status.ENABLED)]).fetchall()


def _select(
    db: Database, extension: str, type: EventType | None = None, id: str | None = None
) -> list[PhoneCallEvent]:
    where, values = "extension = ?", [extension]
    for column, value in (("type", type), ("id", id)):
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)  # type: ignore[arg-type]
    rows = db.table("phone_call_events").rows_where(where, values, order_by="url, id")
    return [_event(row) for row in rows]


def _row(event: PhoneCallEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "extension": event.extension,
        "type": int(event.type),
        "method": int(event.method),
        "note": event.note,
        "url": event.url,
        "status": int(event.status),
        "modified": event.modified.isoformat(),
    }


def _event(row: dict[str, Any]) -> PhoneCallEvent:
    return PhoneCallEvent(
        id=row["id"],
        extension=row["extension"],
        type=EventType(row["type"]),
        method=Method(row["method"]),
        note=row["note"],
        url=row["url"],
        status=Status(row["status"]),
        modified=datetime.fromisoformat(row["modified"]),
    )
