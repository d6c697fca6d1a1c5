"""PhoneCallEvents: what apps have asked to be told, kept in the store."""

import secrets
import string
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
    """All PhoneCallEvents of an extension, of one type of it, or a single one by its id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(
        self, extension: str, type: EventType, method: Method, note: str, url: str, status: Status
    ) -> PhoneCallEvent:
        event_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        event = PhoneCallEvent(
            event_id, extension, type, method, note, url, status, datetime.now(UTC)
        )
        await self._store.write(lambda db: db.table("phone_call_events").insert(_row(event)))
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

        return await self._store.write(work)

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

        return await self._store.write(work)


def enabled_events(db: Database, extension: str, type: EventType) -> list[PhoneCallEvent]:
    """The events that are to be told of a change of this kind at this extension."""
    return [e for e in _select(db, extension, type) if e.status is Status.ENABLED]


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
