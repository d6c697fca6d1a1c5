"""PhoneCallEvents: what apps have asked to be told, kept in the store."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

from sqlite_utils import Database

from daemon.events.lanes import wake_lanes
from daemon.events.origin import origin_of
from daemon.store import Store, StoreUnavailable

_ids = random.Random()  # noqa: S311 -- an id is no secret, see _new_id

_SELECT = "SELECT id, extension, type, method, note, url, status, modified FROM phone_call_events"
_INSERT = """\
INSERT INTO phone_call_events
    (id, extension, type, method, note, url, status, modified, origin, app)
VALUES (:id, :extension, :type, :method, :note, :url, :status, :modified, :origin, :app)
"""

T = TypeVar("T")


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

    Each method that changes something awaits ``first``, which is to write the call changes seen so
    far: they are told to those that were enabled then. It raises StoreUnavailable when the store
    cannot be written.
    """

    def __init__(self, store: Store, first: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._first = first

    async def create(
        self,
        extension: str,
        type: EventType,
        method: Method,
        note: str,
        url: str,
        status: Status,
        app: str | None,
    ) -> PhoneCallEvent:
        """``app``, by its id, is whose secret signs what is sent."""
        now = datetime.now(UTC)
        event = PhoneCallEvent(_new_id(now), extension, type, method, note, url, status, now)
        row = {**_row(event), "app": app}
        await self._write(lambda db: db.conn.execute(_INSERT, row))
        return event

    async def find(
        self, extension: str, type: EventType | None = None, id: str | None = None
    ) -> list[PhoneCallEvent]:
        return await self._store.look_up(lambda db: _select(db, extension, type, id))

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
            wake_lanes(db, [event.id])
            return event

        return await self._write(work)

    async def delete(
        self, extension: str, type: EventType | None = None, id: str | None = None
    ) -> list[PhoneCallEvent]:
        """Delete what ``find`` finds; what waits to be delivered is dropped. Returns what went."""

        def work(db: Database) -> list[PhoneCallEvent]:
            found = _select(db, extension, type, id)
            for event in found:
                db.table("phone_call_events").delete(event.id)
                db.table("deleted_events").insert({"id": event.id})
            return found

        return await self._write(work)

    async def _write(self, work: Callable[[Database], T]) -> T:
        if self._store.trouble is not None:
            raise StoreUnavailable(self._store.trouble)
        await self._first()
        return await self._store.write(work)


def _new_id(now: datetime) -> str:
    """32 hex digits, the milliseconds first as in a UUID of version 7 (RFC 9562, 5.7).

    Ids in order keep what is written together in few pages of the index. They have to be unique,
    not secret: who may use the extension sees them.
    """
    return f"{int(now.timestamp() * 1000):012x}{_ids.getrandbits(80):020x}"


def _select(
    db: Database, extension: str, type: EventType | None = None, id: str | None = None
) -> list[PhoneCallEvent]:
    where, values = "extension = ?", [extension]
    for column, value in (("type", type), ("id", id)):
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)  # type: ignore[arg-type]
    rows = db.conn.execute(f"{_SELECT} WHERE {where} ORDER BY url, id", values)
    return [_event(*row) for row in rows]


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
        "origin": origin_of(event.url),
    }


def _event(
    id: str,
    extension: str,
    type: int,
    method: int,
    note: str,
    url: str,
    status: int,
    modified: str,
) -> PhoneCallEvent:
    return PhoneCallEvent(
        id=id,
        extension=extension,
        type=EventType(type),
        method=Method(method),
        note=note,
        url=url,
        status=Status(status),
        modified=datetime.fromisoformat(modified),
    )
