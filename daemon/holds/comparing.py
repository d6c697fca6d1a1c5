"""After a break: what is on hold on the PBX and what is known of it here are made the same."""

import logging
from collections.abc import Iterable

from daemon.calls.index import LiveIndex
from daemon.holds.hold import Hold
from daemon.holds.laws import is_whole
from daemon.holds.lease import WITHOUT_LEASE, Lease
from daemon.holds.pairs import Pairs
from daemon.holds.recipe import HoldRecipe
from daemon.holds.watch import Watch
from daemon.holds.work import HoldWork
from daemon.pbx.ari import AriLine
from daemon.pbx.asking import all_of
from daemon.pbx.modules import loaded_modules

log = logging.getLogger(__name__)

_ASKED_AT_ONCE = 100


class Comparison:
    """``done`` once a first comparison has succeeded: before it, no hold may begin.

    ``modules`` are those that the PBX has loaded, None if it does not tell.
    """

    def __init__(
        self,
        live: LiveIndex,
        ari: AriLine,
        recipe: HoldRecipe,
        lease: Lease,
        pairs: Pairs,
        work: HoldWork,
        watch: Watch,
    ) -> None:
        self._live = live
        self._ari = ari
        self._recipe = recipe
        self._lease = lease
        self._pairs = pairs
        self._work = work
        self._watch = watch
        self._lacking: str | None = None
        self.modules: frozenset[str] | None = None
        self.done = False

    async def read_modules(self) -> None:
        """Raises PbxError."""
        self.modules = await loaded_modules(self._ari)

    async def compare(self) -> None:
        """Raises PbxError if the PBX cannot be asked; what was done until then is done."""
        await self.read_modules()
        await self._find_lease()
        known = self._pairs.in_force()
        found = await self._recipe.holds_on_pbx()
        for hold in found:
            if self._pairs.with_snoop(hold.snoop) is None:
                await self._settle(hold)
        there = {hold.snoop for hold in found}
        for hold in known:
            if hold.snoop not in there:
                self._watch.snoop_ended(hold.snoop)
        for pair in self._pairs:
            self._watch.look_at(pair)
        await self._give_voices_back()
        self.done = True
        log.info("holds: compared with the PBX; %d in force", len(self._pairs.in_force()))

    async def _find_lease(self) -> None:
        lacking = await self._lease.find_handler(self.modules)
        if lacking is not None and lacking != self._lacking:
            log.warning("holds: %s; %s", lacking, WITHOUT_LEASE)
        self._lacking = lacking

    async def _settle(self, hold: Hold) -> None:
        """A Snoop that this run does not know, of a former one or asked for in vain."""
        if self.done:
            await self._watch.remove(hold.snoop)
        elif is_whole(hold, await self._recipe.silenced(hold.channels)):
            await self._work.adopt(hold)
        else:
            self._work.take_over(hold, "it was cut short")

    async def _give_voices_back(self) -> None:
        """A channel that is silenced and in no hold lost it while nobody could see."""
        channels = [c.uniqueid for call in self._live.calls() for c in call.channels.values()]
        for start in range(0, len(channels), _ASKED_AT_ONCE):
            asked = self._in_no_hold(channels[start : start + _ASKED_AT_ONCE])
            silenced = await self._recipe.silenced(asked)
            await all_of(*(self._give_voice_back(c) for c in self._in_no_hold(silenced)))
            unmuted = (self._recipe.unmute_recording(c) for c in self._in_no_hold(asked))
            await all_of(*unmuted)

    def _in_no_hold(self, channels: Iterable[str]) -> list[str]:
        return [channel for channel in channels if not self._pairs.of(channel)]

    async def _give_voice_back(self, uniqueid: str) -> None:
        channel = self._live.channel(uniqueid)
        name = channel.name if channel else uniqueid
        log.warning("%s was silenced and in no hold: its voice is given back", name)
        await self._recipe.give_voice_back(uniqueid, "")
