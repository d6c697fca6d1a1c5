"""Deliveries as lines for people."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from api.delivery_json import unix_date_text
from api.errors import printable
from daemon.events.deliveries import DeliveryState
from daemon.events.phone_call_events import Status
from daemon.events.sight import Attempt, Counts, StoredDelivery


def list_lines(deliveries: Sequence[StoredDelivery], zone: ZoneInfo | None) -> list[str]:
    """A line for each, in columns: id, state, when it came, extension, what of which call, how it
    stands."""
    rows = [
        (
            delivery.webhook_id,
            delivery.state.value,
            _date(delivery.created, zone),
            _extension(delivery),
            _what(delivery),
            f"call {delivery.call}",
            _story(delivery, zone),
        )
        for delivery in deliveries
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
        for row in rows
    ]


def show_lines(
    delivery: StoredDelivery, attempts: Sequence[Attempt], zone: ZoneInfo | None
) -> Iterator[str]:
    """Everything about one, a line for each field, parameter and attempt."""
    subscriber = delivery.subscriber
    fields = {
        "id": delivery.webhook_id,
        "state": delivery.state.value,
        "story": _story(delivery, zone),
        "extension": _extension(delivery),
        "event": f"{delivery.event} {_what(delivery)}",
        # Without the query, in which apps put secrets.
        "url": "-" if subscriber is None else subscriber.url.partition("?")[0],
        "call": delivery.call,
        "seen": delivery.seen.value,
        "created": _date(delivery.created, zone),
        "queued": _date(delivery.queued, zone),
        "ended": _date(delivery.ended, zone),
    }
    for name, value in fields.items():
        yield _line(f"{name:<10} {value}")
    for name, value in delivery.parameters.items():
        yield _line(f"  {name:<15} {value}")
    for each in attempts:
        at = _date(each.at, zone)
        line = f"attempt {each.number:<2} {at}  {each.seconds:.3f} s  {each.outcome}: {each.reason}"
        yield _line(line)
        if each.excerpt:
            yield _line(f"  answer: {' '.join(each.excerpt.split())}")


def counts_lines(counts: Counts, zone: ZoneInfo | None) -> Iterator[str]:
    for state in DeliveryState:
        yield f"{state:<10} {getattr(counts, state)}"
    yield f"{'oldest':<10} {_date(counts.oldest_pending, zone)}"


def _extension(delivery: StoredDelivery) -> str:
    return "-" if delivery.subscriber is None else delivery.subscriber.extension


def _what(delivery: StoredDelivery) -> str:
    status = delivery.parameters.get("CallStatus", "")
    return status if delivery.subscriber is None else f"{delivery.subscriber.type.name} {status}"


def _story(delivery: StoredDelivery, zone: ZoneInfo | None) -> str:
    last, parts = delivery.last_attempt, []
    if delivery.attempts:
        parts.append("1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts")
    if last is not None and delivery.state is not DeliveryState.PENDING:
        parts.append(last.reason)
    if delivery.ended is None:
        parts.append(_waits(delivery, zone))
    return ", ".join(parts)


def _waits(delivery: StoredDelivery, zone: ZoneInfo | None) -> str:
    if delivery.subscriber is None:
        return "its event is deleted"
    if delivery.subscriber.status is Status.DISABLED:
        return "waits until its event is enabled"
    if delivery.next_attempt is None:
        return "waits for one before it"
    return f"next attempt {_date(delivery.next_attempt, zone)}"


def _date(time: float | None, zone: ZoneInfo | None) -> str:
    return unix_date_text(time, zone) or "-"


def _line(text: str) -> str:
    # Callers and apps choose some of it.
    return printable(text.rstrip())
