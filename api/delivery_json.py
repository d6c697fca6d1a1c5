"""Deliveries as JSON: how the resource reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from api.answers import Resource
from api.dates import date_text
from api.filters import FieldKind
from api.list_request import ResourceFields
from daemon.events.sight import Attempt, Counts, StoredDelivery

FIELDS = ResourceFields(
    names=(
        "id",
        "state",
        "extension",
        "type",
        "phoneCallEventId",
        "created",
        "queued",
        "attempts",
        "nextAttempt",
        "ended",
        "seen",
        "outcome",
        "reason",
        "parameters",
        "attempt",
        "links",
    ),
    filterable={"id": FieldKind.TEXT, "state": FieldKind.TEXT, "created": FieldKind.DATE},
    order="descending",
)


def delivery_json(
    delivery: StoredDelivery,
    zone: ZoneInfo | None,
    url: str | None = None,
    attempts: Sequence[Attempt] | None = None,
) -> Resource:
    """The resource; ``url`` is its own address. Fields without a value are left out."""
    subscriber, last = delivery.subscriber, delivery.last_attempt
    fields: Resource = {
        "id": delivery.webhook_id,
        "state": delivery.state,
        "extension": subscriber and subscriber.extension,
        "type": subscriber and str(subscriber.type.value),
        "phoneCallEventId": delivery.event,
        "created": unix_date_text(delivery.created, zone),
        "queued": unix_date_text(delivery.queued, zone),
        "attempts": str(delivery.attempts),
        "nextAttempt": unix_date_text(delivery.next_attempt, zone),
        "ended": unix_date_text(delivery.ended, zone),
        "seen": delivery.seen,
        "outcome": last and last.outcome,
        "reason": last and last.reason,
        "parameters": delivery.parameters,
        "attempt": attempts and [_attempt_json(attempt, zone) for attempt in attempts],
        "links": url and {"self": url},
    }
    return {name: value for name, value in fields.items() if value}


def counts_json(counts: Counts, zone: ZoneInfo | None) -> Resource:
    return {
        "pending": counts.pending,
        "failed": counts.failed,
        "delivered": counts.delivered,
        "dead": counts.dead,
        "oldestPending": unix_date_text(counts.oldest_pending, zone),
    }


def unix_date_text(time: float | None, zone: ZoneInfo | None) -> str | None:
    """A Unix time as the UAPI writes dates."""
    return None if time is None else date_text(datetime.fromtimestamp(time, UTC), zone)


def _attempt_json(attempt: Attempt, zone: ZoneInfo | None) -> Resource:
    return {
        "at": unix_date_text(attempt.at, zone),
        "seconds": f"{attempt.seconds:.3f}",
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "excerpt": attempt.excerpt,
    }
