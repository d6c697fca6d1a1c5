"""What follows an attempt: its place in the schedule, and the end of it. Pure."""

from collections.abc import Sequence

from daemon.events.deliveries import (
    Delivered,
    Delivery,
    DeliveryState,
    Failed,
    Gone,
    Outcome,
)

JITTER = 0.1
LONGEST_RETRY_AFTER = 24 * 3600.0
GRACE = 24 * 3600.0


def horizon(schedule: Sequence[float]) -> float:
    """Seconds after which a delivery is given up, however many attempts it had.

    A day more than the schedule takes at most: those that had to wait behind another one, or for
    a server that did not answer at all, get a part of it too.
    """
    return sum(schedule) * (1 + JITTER) + GRACE


def verdict(
    delivery: Delivery, outcome: Outcome, schedule: Sequence[float], now: float, chance: float
) -> tuple[DeliveryState, float | None]:
    """The state after an attempt that ended ``now``, and when the next one is due, if one is.

    ``schedule`` has the seconds before each attempt. ``chance`` from 0 to 1 lengthens them by up
    to a tenth, so that receivers that come back are not met by all deliveries at once. A
    Retry-After is kept to, up to LONGEST_RETRY_AFTER, where it is longer than the schedule.
    """
    match outcome:
        case Delivered():
            return DeliveryState.DELIVERED, None
        case Gone():
            return DeliveryState.DEAD, None
    made = delivery.attempts + 1
    if made >= len(schedule):
        return DeliveryState.DEAD, None
    wait = schedule[made] * (1 + JITTER * chance)
    if isinstance(outcome, Failed) and outcome.retry_after is not None:
        wait = max(wait, min(outcome.retry_after, LONGEST_RETRY_AFTER))
    return DeliveryState.FAILED, now + wait
