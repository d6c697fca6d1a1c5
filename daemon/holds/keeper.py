"""What is done for a hold as long as it is in force: its lease, and whether its music is heard."""

import asyncio
import logging
from collections.abc import Callable

from daemon.calls.index import LiveIndex
from daemon.holds.hold import InForce
from daemon.holds.lease import Lease
from daemon.holds.recipe import HoldRecipe
from daemon.pbx.line import PbxError, PbxRefused, PbxUnavailable

log = logging.getLogger(__name__)

_RETRY = 1.0
# In the first, a phone that sends has sent some twenty packets.
_SOON = 0.4
_LATER = 2.0


class Keeper:
    """Keeps holds, a task for each."""

    def __init__(self, live: LiveIndex, recipe: HoldRecipe, lease: Lease) -> None:
        self._live = live
        self._recipe = recipe
        self._lease = lease
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self, in_force: InForce, story: str, gone: Callable[[], None]) -> None:
        """From now on, until ``release``; ``gone`` is called if its Snoop is found to be so."""
        keeping = self._keep(in_force, story, gone)
        self._tasks[in_force.hold.snoop] = asyncio.create_task(keeping, name=f"keep {story}")

    def release(self, snoop: str) -> None:
        task = self._tasks.pop(snoop, None)
        if task is not None:
            task.cancel()

    async def stop(self) -> None:
        """Keep none any more, and renew every lease for the time in which nobody does."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        renewals = [self._lease.renew(snoop) for snoop in tasks]
        await asyncio.gather(*tasks.values(), *renewals, return_exceptions=True)

    async def _keep(self, in_force: InForce, story: str, gone: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._renew(in_force.hold.snoop, story, gone))
            both.create_task(self._listen(in_force, story))

    async def _renew(self, snoop: str, story: str, gone: Callable[[], None]) -> None:
        interval = pause = self._lease.renewal_interval
        while True:
            await asyncio.sleep(pause)
            try:
                await self._lease.renew(snoop)
                pause = interval
            except PbxUnavailable as error:
                if pause == interval:
                    log.warning("%s: its lease is not renewed: %s", story, error)
                pause = min(interval / 2, _RETRY)
            except PbxError:
                gone()
                return

    async def _listen(self, in_force: InForce, story: str) -> None:
        """Asterisk plays to the held party in the rhythm of the holder's packets, so without
        them there is no music."""
        holder = in_force.hold.holder
        before, pause = in_force.received, _SOON
        while True:
            await asyncio.sleep(pause)
            try:
                packets = await self._recipe.packets_from(holder)
            except PbxUnavailable:
                packets = None
            except PbxRefused as error:
                log.info("%s: whether its phone sends RTP is not known: %s", story, error)
                return
            if packets is not None and before is not None:
                self._tell(in_force, story, heard=packets > before or self._phone_holds(holder))
                pause = _LATER if in_force.heard else min(2 * pause, _LATER)
            before = packets

    def _phone_holds(self, holder: str) -> bool:
        """For its phone's own hold Asterisk plays the music by itself."""
        channel = self._live.channel(holder)
        return channel is not None and channel.held_since is not None

    def _tell(self, in_force: InForce, story: str, *, heard: bool) -> None:
        if heard is in_force.heard:
            return
        in_force.heard = heard
        if heard:
            log.info("%s: the holder's phone sends RTP again, the music is heard", story)
        else:
            log.warning("%s: %s", story, in_force.note)
