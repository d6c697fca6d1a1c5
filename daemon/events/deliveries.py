"""What is to be delivered, and how an attempt can end. Values only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from daemon.calls.model import Seen
from daemon.events.phone_call_events import EventType, Method


class DeliveryState(StrEnum):
    """``pending``: no attempt yet; ``failed``: attempts, and more to come; else it has ended."""

    PENDING = "pending"
    FAILED = "failed"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(NamedTuple):
    """One delivery as it is to be sent now.

    ``event`` is the id of its PhoneCallEvent, ``call`` that of the PhoneCall, ``form`` what is
    sent. ``attempts`` were made since it was ``queued`` (Unix time): when its event came, or was
    last put in the queue again by hand. ``secrets`` sign it.
    """

    webhook_id: str
    event: str
    call: str
    extension: str
    url: str
    form: str
    queued: float
    attempts: int
    type: EventType
    method: Method
    seen: Seen
    secrets: tuple[str, ...]


class OutcomeKind(StrEnum):
    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"  # no attempt: it was given up as it had waited for too long


@dataclass(frozen=True, slots=True)
class Delivered:
    """The app took it."""

    reason: str
    excerpt: str = ""
    kind = OutcomeKind.DELIVERED


@dataclass(frozen=True, slots=True)
class Gone:
    """The app wants no more of this PhoneCallEvent (HTTP status 410)."""

    reason: str
    excerpt: str = ""
    kind = OutcomeKind.GONE


@dataclass(frozen=True, slots=True)
class Failed:
    """It may work later. ``retry_after``: seconds that the app asked for.

    ``alive``: the app's server answered, and the fault is with this one request.
    """

    reason: str
    excerpt: str = ""
    alive: bool = False
    retry_after: float | None = None
    kind = OutcomeKind.FAILED


@dataclass(frozen=True, slots=True)
class Refused:
    """The guard did not let the connection be made."""

    reason: str
    excerpt: str = ""
    kind = OutcomeKind.REFUSED


Outcome = Delivered | Gone | Failed | Refused


class Settlement(NamedTuple):
    """One attempt as it is written down: began ``at`` (Unix time), took ``seconds``.

    ``next_attempt`` is a Unix time, None when there is none.
    """

    delivery: Delivery
    outcome: Outcome
    at: float
    seconds: float
    state: DeliveryState
    next_attempt: float | None
