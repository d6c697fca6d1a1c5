"""The holds in force: made and ended on request, watched, and undone when they must not go on.

A hold is in force when the PBX has confirmed all of it. Nobody stays muted: when the two are not
alone together any more, or their music ends, the hold is undone, and an undo goes on until it has
succeeded.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from daemon.calls.hold import Confirmed, Failed, Hold, HoldOutcome, NotHoldable, peer_of
from daemon.calls.hold_recipe import HoldRecipe
from daemon.calls.index import LiveIndex
from daemon.calls.model import Channel, PhoneCallView
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxError, PbxRefused, PbxUnavailable

log = logging.getLogger(__name__)

_SETTLING = 0.2  # a Local optimisation leaves a bridge and enters it again within 2 ms
_RETRY_UNDO = 1.0
_NOT_RECONCILED = Failed("the holds on the PBX are not known yet", unavailable=True)


class Holds:
    """All holds that this daemon made, and the work on them."""

    def __init__(
        self, live: LiveIndex, ami: AmiLine, ari: AriLine, now: Callable[[], datetime]
    ) -> None:
        self._live = live
        self._recipe = HoldRecipe(ami, ari)
        self._now = now
        self._in_force: dict[str, Hold] = {}  # by the holder's Uniqueid
        self._open: set[str] = set()  # Snoops that may be there, of holds begun and not yet ended
        self._silenced: dict[str, str] = {}  # gain to restore, of channels that may be silenced
        self._locks: WeakValueDictionary[frozenset[str], asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reconciled = False

    def holding_since(self, channel: Channel) -> datetime | None:
        """Since when this channel holds its peer, by our hold or by its phone's."""
        hold = self._in_force.get(channel.uniqueid)
        return hold.since if hold else channel.held_since

    def hold(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """Put the peer of this leg on hold. The task goes on if nobody waits for it."""
        return self._start(self._hold(view.channel), f"hold by {self._name(view.channel)}")

    def resume(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """End the hold that this leg made. The task goes on if nobody waits for it."""
        return self._start(self._resume(view.channel), f"resume by {self._name(view.channel)}")

    async def finish(self, deadline: float) -> None:
        """Wait for the work in flight, at most this many seconds; holds in force stay."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=deadline)
        for task in late:
            log.warning("%s: not finished at the stop, goes on at the next start", task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # --- the two actions ---

    async def _hold(self, holder_id: str) -> HoldOutcome:
        if not self._reconciled:
            return _NOT_RECONCILED
        holder = self._live.channel(holder_id)
        if holder is None:
            return NotHoldable("It has ended.")
        peer = peer_of(self._live, holder)
        if isinstance(peer, NotHoldable):
            return peer
        pair = frozenset((holder.uniqueid, peer.uniqueid))
        async with self._lock(pair):
            if self.holding_since(holder) is not None:
                return Confirmed()
            try:
                hold = await self._describe(holder, peer)
                await self._put_in_force(hold, holder, peer)
            except PbxError as error:
                log.warning("hold by %s of %s: not held: %s", holder.name, peer.name, error)
                if not self._are_live(pair):
                    return NotHoldable("It has ended meanwhile.")
                return Failed(f"not held: {error}", isinstance(error, PbxUnavailable))
            log.info("hold by %s of %s: held", holder.name, peer.name)
            self._look_at(hold)
            return Confirmed()

    async def _resume(self, holder_id: str) -> HoldOutcome:
        if not self._reconciled:
            return _NOT_RECONCILED
        hold = self._in_force.get(holder_id)
        if hold is None:
            return Confirmed()
        async with self._lock(hold.pair):
            if hold.snoop not in self._open:
                return Confirmed()
            try:
                await self._end(hold)
            except PbxError as error:
                log.warning("hold by %s: not resumed yet: %s", self._name(holder_id), error)
                self._start_undo(hold, "it was resumed")
                reason = f"not resumed yet, this goes on until it is done: {error}"
                return Failed(reason, isinstance(error, PbxUnavailable))
            log.info("hold by %s: resumed", self._name(holder_id))
            return Confirmed()

    async def _describe(self, holder: Channel, peer: Channel) -> Hold:
        twin = self._in_force.get(peer.uniqueid)
        if twin is not None:
            gains = twin.held_gain, twin.holder_gain
        else:
            gains = await self._recipe.gain(holder), await self._recipe.gain(peer)
        snoop = self._recipe.new_snoop_id()
        return Hold(holder.uniqueid, peer.uniqueid, snoop, self._now(), *gains)

    async def _put_in_force(self, hold: Hold, holder: Channel, peer: Channel) -> None:
        """Music first, silence last; any failure undoes everything and is raised."""
        self._open.add(hold.snoop)
        try:
            await self._recipe.start_music(hold)
            if hold.held not in self._in_force:
                await self._silence(holder, hold.holder_gain)
                await self._silence(peer, hold.held_gain)
            self._in_force[hold.holder] = hold
        except PbxError:
            try:
                await self._end(hold)
            except PbxError:
                self._start_undo(hold, "it could not be put in force")
            raise

    async def _silence(self, channel: Channel, gain: str) -> None:
        self._silenced[channel.uniqueid] = gain
        try:
            await self._recipe.silence(channel)
        except PbxRefused:
            del self._silenced[channel.uniqueid]
            raise

    async def _end(self, hold: Hold) -> None:
        """Voices back first, then the music away. What is gone already is as it should be."""
        if hold.held not in self._in_force:
            for uniqueid in hold.pair & self._silenced.keys():
                channel = self._live.channel(uniqueid)
                if channel is not None:
                    await self._recipe.give_voice_back(channel, self._silenced[uniqueid])
                del self._silenced[uniqueid]
        await self._recipe.stop_music(hold)
        self._open.discard(hold.snoop)
        if self._in_force.get(hold.holder) is hold:
            del self._in_force[hold.holder]

    # --- the watch ---

    def watch(self, event: Mapping[str, str]) -> None:
        """Look at an AMI event: when a held pair is not alone together any more, undo."""
        if not self._in_force or event["Event"] not in ("BridgeEnter", "BridgeLeave", "Hangup"):
            return
        uniqueid = event["Uniqueid"]
        bridge = event.get("BridgeUniqueid")
        for hold in list(self._in_force.values()):
            holder = self._live.channel(hold.holder)
            if uniqueid in hold.pair or (bridge and holder and holder.bridge == bridge):
                self._look_at(hold)

    def on_ari_event(self, event: Mapping[str, Any]) -> None:
        """Look at an ARI event: a Snoop that ended without being asked leaves nobody muted."""
        if event["type"] != "StasisEnd":
            return
        snoop = event["channel"]["id"]
        for hold in list(self._in_force.values()):
            if hold.snoop == snoop:
                self._start_undo(hold, "its music ended")

    async def reconcile(self) -> None:
        """After a line came (back): adopt the holds that the PBX has, undo what is left of others.

        On the daemon's first look every channel that is silenced and in no hold gets its voice.
        Raises PbxError if the PBX cannot be asked.
        """
        found = await self._recipe.holds_on_pbx()
        for hold in found:
            if hold.snoop not in self._open:
                await self._adopt(hold)
        there = {hold.snoop for hold in found}
        for hold in list(self._in_force.values()):
            if hold.snoop not in there and not self._lock(hold.pair).locked():
                self._start_undo(hold, "its music is gone")
            else:
                self._look_at(hold)
        if not self._reconciled:
            await self._sweep()
            self._reconciled = True
        log.info("holds: compared with the PBX; %d in force", len(self._in_force))

    async def _adopt(self, hold: Hold) -> None:
        self._open.add(hold.snoop)
        self._silenced |= {hold.holder: hold.holder_gain, hold.held: hold.held_gain}
        # Both are muted last and unmuted first: a hold that was cut short is not in force.
        if await self._is_silenced(hold.holder) and await self._is_silenced(hold.held):
            log.info("hold by %s: known again", self._name(hold.holder))
            self._in_force[hold.holder] = hold
        else:
            self._start_undo(hold, "it was cut short")

    async def _sweep(self) -> None:
        held = {uniqueid for hold in self._in_force.values() for uniqueid in hold.pair}
        channels = [c for call in self._live.calls() for c in call.channels.values()]
        for channel in channels:
            if channel.uniqueid not in held and await self._is_silenced(channel.uniqueid):
                log.warning("%s was silenced and in no hold: voice given back", channel.name)
                await self._recipe.give_voice_back(channel, "")

    def _look_at(self, hold: Hold) -> None:
        if not self._together(hold):
            self._start(self._undo_if_parted(hold), f"watch {hold.snoop}")

    async def _undo_if_parted(self, hold: Hold) -> None:
        await asyncio.sleep(_SETTLING)
        if not self._together(hold):
            await self._undo(hold, "the two are not alone together any more")

    def _start_undo(self, hold: Hold, reason: str) -> None:
        self._start(self._undo(hold, reason), f"undo of the hold by {self._name(hold.holder)}")

    async def _undo(self, hold: Hold, reason: str) -> None:
        async with self._lock(hold.pair):
            while hold.snoop in self._open:
                try:
                    await self._end(hold)
                    log.info("hold by %s: undone, as %s", self._name(hold.holder), reason)
                except PbxError as error:
                    log.warning("hold by %s: undo goes on: %s", self._name(hold.holder), error)
                    await asyncio.sleep(_RETRY_UNDO)

    def _together(self, hold: Hold) -> bool:
        holder = self._live.channel(hold.holder)
        if holder is None or holder.bridge is None:
            return False
        return self._live.bridge_members(holder.bridge) == hold.pair

    # --- small things ---

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _lock(self, pair: frozenset[str]) -> asyncio.Lock:
        lock = self._locks.get(pair)
        if lock is None:
            lock = self._locks[pair] = asyncio.Lock()
        return lock

    def _name(self, uniqueid: str) -> str:
        channel = self._live.channel(uniqueid)
        return channel.name if channel else uniqueid

    def _are_live(self, pair: frozenset[str]) -> bool:
        return all(self._live.channel(uniqueid) is not None for uniqueid in pair)

    async def _is_silenced(self, uniqueid: str) -> bool:
        channel = self._live.channel(uniqueid)
        return channel is not None and await self._recipe.is_silenced(channel)
