"""Calls the apps: takes what is due from the outbox, sends it, writes down how it went."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable
from contextlib import suppress

from config import settings
from daemon.events.attempt import Sender
from daemon.events.deliveries import (
    Delivered,
    Delivery,
    DeliveryState,
    Failed,
    Gone,
    Refused,
    Settlement,
)
from daemon.events.guard import Guard
from daemon.events.outbox import Outbox
from daemon.events.reading import Reading
from daemon.events.schedule import verdict
from daemon.events.turns import Circuit, Turns
from daemon.store import StoreUnavailable

log = logging.getLogger(__name__)

_LOOK_INTERVAL = 5.0
_ORIGINS_AT_ONCE = 500
_STORE_RETRY = 1.0
# Attempts that end within this time are written down together, and followed by one look for what
# is next.
_GATHER = 0.005
_UNSETTLED_LIMIT = 1000


class Deliverer:
    """Sends what the outbox has, several at once, each PhoneCallEvent and call in order."""

    def __init__(self, outbox: Outbox, delivery: settings.Delivery, guard: Guard) -> None:
        self._outbox = outbox
        self._schedule = delivery.schedule
        self._guard = guard
        self._sender = Sender(delivery, guard)
        self._turns = Turns(delivery.concurrency)
        self._changed = asyncio.Event()
        self._reading = Reading(outbox)
        self._settlements: list[tuple[str, Settlement]] = []
        self._to_settle = asyncio.Event()
        self._stopping = False
        self._all_ended = False

    def take_over(self, delivery: settings.Delivery) -> None:
        """Go on with the schedule of these settings, from each delivery's next attempt."""
        self._schedule = delivery.schedule

    def wake(self, origins: Iterable[str]) -> None:
        """These servers may have something to do now."""
        now = time.time()
        for origin in origins:
            self._turns.wake(origin, now)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until ``stop``."""
        log.info("%s", self._guard.story)
        async with self._sender, asyncio.TaskGroup() as group:
            group.create_task(self._settle(), name="settling")
            looking = group.create_task(self._look(), name="looking for what waits")
            async with asyncio.TaskGroup() as attempts:
                await self._pick(attempts)
            looking.cancel()
            self._all_ended = True
            self._to_settle.set()

    def stop(self) -> None:
        """Start nothing more; ``run`` ends when what is on its way has its outcome."""
        self._stopping = True
        self._changed.set()

    async def _look(self) -> None:
        """Find servers for which something waits that nobody has told of, from now on and before:
        after a start, or when another process has put something into the queue again."""
        while True:
            origin = ""
            try:
                while found := await self._outbox.origins_after(origin, _ORIGINS_AT_ONCE):
                    for origin, at in found:
                        self._turns.wake(origin, at)
                    self._changed.set()
            except StoreUnavailable as error:
                log.error("store: %s; what waits is not known", error)
            await asyncio.sleep(_LOOK_INTERVAL)

    async def _pick(self, attempts: asyncio.TaskGroup) -> None:
        while not self._stopping:
            self._changed.clear()
            try:
                while not self._stopping and (turn := self._next_turn()):
                    await self._begin(attempts, *turn)
                await self._reading.read_ahead()
            except StoreUnavailable as error:
                log.error("store: %s; deliveries wait", error)
                await asyncio.sleep(_STORE_RETRY)
            at = None if self._too_much_to_settle else self._turns.next_time()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if at is None else max(0.0, at - time.time())):
                    await self._changed.wait()
            if self._reading.anything_taken:
                await asyncio.sleep(_GATHER)

    def _next_turn(self) -> tuple[str, int] | None:
        return None if self._too_much_to_settle else self._turns.next(time.time())

    @property
    def _too_much_to_settle(self) -> bool:
        return len(self._settlements) >= _UNSETTLED_LIMIT

    async def _begin(self, attempts: asyncio.TaskGroup, origin: str, limit: int) -> None:
        deliveries: list[Delivery] = []
        at: float | None = time.time() + _STORE_RETRY
        try:
            deliveries, at = await self._reading.take(origin, limit)
        finally:
            self._turns.took(origin, len(deliveries), at)
        for delivery in deliveries:
            attempts.create_task(
                self._deliver(origin, delivery), name=f"delivery {delivery.webhook_id}"
            )

    async def _deliver(self, origin: str, delivery: Delivery) -> None:
        """Make an attempt, and while the server takes what it is sent, another one."""
        following: Delivery | None = delivery
        while following is not None:
            settlement = await self._attempt(origin, following)
            self._settlements.append((origin, settlement))
            self._to_settle.set()
            if settlement.state is not DeliveryState.DELIVERED or self._stopping:
                self._give_back(origin)
                return
            may_go_on = not self._too_much_to_settle and self._turns.may_go_on(origin, time.time())
            following = self._reading.take_ahead(origin) if may_go_on else None
            if following is not None:
                self._turns.goes_on(origin)
            self._changed.set()

    def _give_back(self, origin: str) -> None:
        self._reading.give_back(origin)
        self._turns.wake(origin, time.time())
        self._changed.set()

    async def _attempt(self, origin: str, delivery: Delivery) -> Settlement:
        at = time.time()
        outcome = await self._sender.send(delivery)
        now = time.time()
        asked = outcome.retry_after if isinstance(outcome, Failed) else None
        alive = outcome.alive if isinstance(outcome, Failed) else not isinstance(outcome, Refused)
        match self._turns.ended(origin, alive, now, asked):
            case Circuit.OPENED:
                log.warning("%s keeps failing: now one attempt at a time, with pauses", origin)
            case Circuit.CLOSED:
                log.info("%s works again", origin)
        state, next_attempt = verdict(delivery, outcome, self._schedule, now, random.random())  # noqa: S311
        settlement = Settlement(delivery, outcome, at, now - at, state, next_attempt)
        _tell(settlement, now)
        return settlement

    async def _settle(self) -> None:
        while True:
            await self._to_settle.wait()
            if not self._all_ended:
                await asyncio.sleep(_GATHER)
            self._to_settle.clear()
            ended, self._settlements = self._settlements, []
            if not ended:
                if self._all_ended:
                    return
                continue
            wakes = await self._outbox.settle([settlement for _, settlement in ended])
            for origin, settlement in ended:
                self._reading.settled(origin, settlement.delivery.webhook_id)
            # One whose PhoneCallEvent was deleted or moved meanwhile is not among these.
            idle = {origin for origin, one in ended if one.state is DeliveryState.DELIVERED}
            for origin, at in {**dict.fromkeys(idle), **wakes}.items():
                self._turns.wake(origin, at)
            self._changed.set()
            if self._all_ended:
                self._to_settle.set()


def _tell(settlement: Settlement, now: float) -> None:
    what, reason = _story(settlement.delivery), settlement.outcome.reason
    match settlement.outcome:
        case Delivered():
            log.info("%s: delivered: %s", what, reason)
            return
        case Gone():
            log.warning("%s: the app wants no more of it: %s; the event is disabled", what, reason)
            return
    if settlement.next_attempt is None:
        log.error("%s: given up: %s", what, reason)
    else:
        again = settlement.next_attempt - now
        log.warning("%s: not delivered: %s; again in %.0f s", what, reason, again)


def _story(delivery: Delivery) -> str:
    """Which event goes where, for the log: without the query, in which apps put secrets."""
    url = delivery.url.partition("?")[0]
    return (
        f"call {delivery.call}: event {delivery.type.name} of {delivery.extension} "
        f"({delivery.webhook_id}) to {url}"
    )
