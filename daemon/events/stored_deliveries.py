"""The deliveries of the running daemon, for who asks about them and has them sent again."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from daemon.events import replay, sight
from daemon.events.replay import Replay
from daemon.events.selection import MISSED, ROWS_AT_ONCE, Selection, slices
from daemon.events.sight import Attempt, Counts, Glance, Page, StoredDelivery
from daemon.store import Store

log = logging.getLogger(__name__)

# Between two steps, so that what is delivered meanwhile has the store to itself most of the time.
_PAUSE = 0.01


class StoredDeliveries:
    """What the store has of them; all methods raise StoreUnavailable.

    ``on_due`` is told of servers that have something to do again.
    """

    def __init__(self, store: Store, on_due: Callable[[Iterable[str]], None]) -> None:
        self._store = store
        self._on_due = on_due

    async def page(
        self,
        selection: Selection,
        newest_first: bool,
        start: int,
        count: int,
        matches: Callable[[Glance], bool] | None = None,
    ) -> Page:
        """See sight.page; ``matches`` is called in another thread."""
        return await self._store.read(
            lambda db: sight.page(db, selection, newest_first, start, count, matches)
        )

    async def show(
        self, webhook_id: str, event: str
    ) -> tuple[StoredDelivery, list[Attempt]] | None:
        """The delivery of this PhoneCallEvent with all its attempts."""
        return await self._store.read(partial(sight.show, webhook_id=webhook_id, event=event))

    async def counts(self) -> Counts:
        return await self._store.read(sight.counts)

    async def retry(self, webhook_id: str) -> Replay:
        """Put this one back into the queue, whether it has ended or not."""
        now = time.time()
        replays = await self._store.write(lambda db: replay.retry(db, [webhook_id], now))
        self._on_due(replays.origins)
        if replays.queued:
            log.info("delivery %s: put back into the queue", webhook_id)
        return replays.found[webhook_id]

    async def retry_all(self, event: str, limit: int) -> list[str]:
        """Put back all of this PhoneCallEvent that have failed so far or are dead.

        Returns their webhook ids, of many only the first ``limit``.
        """
        now, total = time.time(), 0
        ids: list[str] = []
        selection = Selection(states=MISSED, event=event)
        for part in await self._store.read(partial(slices, selection=selection)):
            after = 0
            while seqs := await self._store.read(
                partial(part.seqs, limit=ROWS_AT_ONCE, after=after)
            ):
                after = seqs[-1]
                step = partial(replay.retry_missed, seqs=seqs, now=now)
                replays = await self._store.write(step)
                self._on_due(replays.origins)
                total += len(replays.queued)
                ids += replays.queued[: limit - len(ids)]
                await asyncio.sleep(_PAUSE)
        log.info("event %s: %d deliveries put back into the queue", event, total)
        return ids
