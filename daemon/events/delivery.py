"""Calls the apps: takes what is due from the outbox, sends it, writes down how it went."""

import asyncio
import logging
import random
import sqlite3
import time
from functools import partial
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from daemon.events.outbox import Delivery, DeliveryState, Outcome, due, next_due, purge, settle
from daemon.events.phone_call_events import Method
from daemon.events.schedule import retry_delay
from daemon.store import Store

log = logging.getLogger(__name__)

CONNECT_DEADLINE = 5.0
DEADLINE = 15.0
CONCURRENCY = 50
USER_AGENT = "uapid"
_LONGEST_SLEEP = 60.0
_STORE_RETRY = 1.0
_KEPT_SECONDS = 7 * 24 * 3600
_PURGE_INTERVAL = 3600.0


class Deliverer:
    """Sends pending deliveries, several at once, each PhoneCallEvent and call in order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._stopping = False

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until ``stop``."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE, sock_connect=CONNECT_DEADLINE)
        async with aiohttp.ClientSession(
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            purge_at = 0.0
            while not self._stopping:
                self._wake.clear()
                try:
                    now = time.time()
                    if now >= purge_at:
                        await self._store.write(partial(purge, ended_before=now - _KEPT_SECONDS))
                        purge_at = now + _PURGE_INTERVAL
                    await self._start_due(session, now)
                    await self._sleep_until_next(now)
                except sqlite3.Error as error:
                    log.error("store: %s; deliveries wait", error)
                    await asyncio.sleep(_STORE_RETRY)
            await asyncio.gather(*self._in_flight.values())

    def stop(self) -> None:
        """Start nothing more; ``run`` ends when what is on its way has its outcome."""
        self._stopping = True
        self._wake.set()

    async def _start_due(self, session: aiohttp.ClientSession, now: float) -> None:
        room = CONCURRENCY - len(self._in_flight)
        if room <= 0:
            return
        in_flight = list(self._in_flight)
        deliveries = await self._store.read(lambda db: due(db, now, in_flight, room))
        for delivery in deliveries:
            task = asyncio.create_task(
                self._deliver(session, delivery), name=f"delivery {delivery.webhook_id}"
            )
            self._in_flight[delivery.seq] = task

    async def _sleep_until_next(self, now: float) -> None:
        at = await self._store.read(lambda db: next_due(db, now))
        seconds = _LONGEST_SLEEP if at is None else min(_LONGEST_SLEEP, at - time.time())
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        try:
            delivered, text = await _send(session, delivery)
            await self._settle(_outcome(delivery, delivered, text))
        finally:
            del self._in_flight[delivery.seq]
            self._wake.set()

    async def _settle(self, outcome: Outcome) -> None:
        # As long as the outcome is not on disk the delivery counts as on its way: sending it
        # again would only repeat what was done.
        while True:
            try:
                await self._store.write(lambda db: settle(db, outcome, time.time()))
                return
            except sqlite3.Error as error:
                log.error("store: %s; an outcome waits", error)
                await asyncio.sleep(_STORE_RETRY)


async def _send(session: aiohttp.ClientSession, delivery: Delivery) -> tuple[bool, str]:
    """One attempt: whether the app took it, and what was seen."""
    query = urlencode(delivery.parameters)
    headers = {
        "webhook-id": delivery.webhook_id,
        "webhook-timestamp": str(int(time.time())),
        "uapid-seen": delivery.seen,
    }
    try:
        if delivery.method is Method.GET:
            request = session.get(
                _with_query(delivery.url, query), headers=headers, allow_redirects=False
            )
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            request = session.post(
                URL(delivery.url, encoded=True),
                data=query.encode(),
                headers=headers,
                allow_redirects=False,
            )
        async with request as response:
            return 200 <= response.status < 300, f"HTTP status {response.status}"
    except TimeoutError:
        return False, f"no answer in {DEADLINE:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return False, f"{type(error).__name__}: {error}"


def _outcome(delivery: Delivery, delivered: bool, text: str) -> Outcome:
    attempts = delivery.attempts + 1
    what = _story(delivery)
    if delivered:
        log.info("%s: delivered: %s", what, text)
        return Outcome(delivery.seq, DeliveryState.DELIVERED, attempts, None, text)
    delay = retry_delay(attempts, random.random())  # noqa: S311
    if delay is None:
        log.error("%s: given up: %s", what, text)
        return Outcome(delivery.seq, DeliveryState.DEAD, attempts, None, text)
    log.warning("%s: not delivered: %s; again in %.0f s", what, text, delay)
    return Outcome(delivery.seq, DeliveryState.PENDING, attempts, time.time() + delay, text)


def _story(delivery: Delivery) -> str:
    """Which event goes where, for the log: without the query, in which apps put secrets."""
    url = delivery.url.partition("?")[0]
    call, status = delivery.parameters["CallAPIID"], delivery.parameters["CallStatus"]
    return f"call {call}: event {delivery.type.name} {status} ({delivery.webhook_id}) to {url}"


def _with_query(url: str, query: str) -> URL:
    base, mark, fragment = url.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return URL(f"{base}{joint}{query}{mark}{fragment}", encoded=True)
