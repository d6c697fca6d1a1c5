"""OnHold and OffHold on request.

What may be held, when a hold must end and what is told is decided in ``laws``; how it is done is
in ``work`` and, step by step on the PBX, in ``recipe``.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from config.settings import HoldSettings
from daemon.calls.index import LiveIndex
from daemon.calls.model import Channel, OnHold, PhoneCallView
from daemon.holds import laws
from daemon.holds.background import Background
from daemon.holds.comparing import Comparison
from daemon.holds.hold import Confirmed, Failed, Hold, HoldOutcome, InForce, NotHoldable, Pair
from daemon.holds.keeper import Keeper
from daemon.holds.laws import Parties
from daemon.holds.lease import Lease
from daemon.holds.pairs import Pairs
from daemon.holds.phone_way import PhoneWay
from daemon.holds.recipe import Condition, HoldRecipe
from daemon.holds.watch import Watch
from daemon.holds.work import HoldWork
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.asking import is_gone
from daemon.pbx.line import PbxError, PbxUnavailable

log = logging.getLogger(__name__)

# A phone that was answered this long ago and has sent no packet sends none.
_SILENT_AFTER = timedelta(seconds=1)
_END_TOLD_WITHIN = 0.2  # seconds from the first answer that a channel is gone
_NOT_COMPARED = Failed("the holds on the PBX are not known yet", unavailable=True)


class Holds:
    """All holds of this daemon. ``music_class`` tells the one of a holder's extension, "" for
    Asterisk's default."""

    event_names = Watch.event_names

    def __init__(
        self,
        live: LiveIndex,
        ami: AmiLine,
        ari: AriLine,
        settings: HoldSettings,
        music_class: Callable[[str | None], str],
        now: Callable[[], datetime],
    ) -> None:
        self._live = live
        self._settings = settings
        self._extension_music = music_class
        self._now = now
        self._background = Background()
        self._pairs = Pairs(live)
        self._phones = PhoneWay(ami)
        lease = Lease(ami, settings.lease)
        self._recipe = HoldRecipe(ami, ari, lease)
        self._keeper = Keeper(live, self._recipe, lease)
        self._work = HoldWork(
            self._recipe,
            self._pairs,
            self._keeper,
            self._background,
            self._music_class,
            mute_recordings=settings.mute_recordings,
        )
        self._watch = Watch(
            live, self._pairs, self._work, self._recipe, self._phones, self._background
        )
        self._comparison = Comparison(
            live, ari, self._recipe, lease, self._pairs, self._work, self._watch
        )

    def take_over(self, settings: HoldSettings) -> None:
        """Go on with ``phone_notify`` and ``mute_recordings`` of these settings; holds in force
        stay as they are."""
        self._settings = settings
        self._work.mute_recordings = settings.mute_recordings

    def on_hold(self, channel: Channel) -> OnHold | None:
        """How this channel holds its peer, None if it does not."""
        return laws.on_hold(channel, self._pairs.held_by(channel.uniqueid))

    def hold(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """Put the peer of this leg on hold. The task goes on if nobody waits for it."""
        name = f"hold by {self._name(view.channel)}"
        return self._background.start(self._hold(view.channel), name)

    def resume(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """End the hold that this leg made. The task goes on if nobody waits for it."""
        name = f"resume by {self._name(view.channel)}"
        return self._background.start(self._resume(view.channel), name)

    def on_ami_event(self, event: Mapping[str, str]) -> None:
        """Take an AMI event that the calls have taken in already."""
        self._watch.on_ami_event(event)

    def on_snapshot(self) -> None:
        """The calls have taken in a snapshot of the PBX."""
        self._watch.on_snapshot()

    def on_ari_event(self, event: Mapping[str, Any]) -> None:
        self._watch.on_ari_event(event)

    async def compare(self) -> None:
        """To be called when a line came (back). Raises PbxError if the PBX cannot be asked."""
        await self._comparison.compare()

    async def finish(self, deadline: float) -> None:
        """Wait for the work in flight, at most this many seconds; holds in force stay."""
        await self._background.finish(deadline)
        await self._keeper.stop()

    # --- OnHold ---

    async def _hold(self, holder_id: str) -> HoldOutcome:
        if not self._comparison.done:
            return _NOT_COMPARED
        parties = laws.parties_of(self._live, holder_id)
        if isinstance(parties, NotHoldable):
            return parties
        async with self._no_other_hold(parties.channels):
            if laws.why_apart(self._live, parties.channels) is not None:
                return NotHoldable("It has ended meanwhile.")
            if self.on_hold(parties.holder) is not None:
                return Confirmed()
            try:
                if self._settings.phone_notify and await self._phones.hold(parties.holder):
                    log.info("%s: held, by its phone", parties.story)
                    return Confirmed()
                return await self._hold_in_place(parties)
            except PbxError as error:
                return await self._not_held(parties, error)

    async def _hold_in_place(self, parties: Parties) -> HoldOutcome:
        holder, held, _ = parties
        condition = await self._recipe.condition(holder.uniqueid, held.uniqueid)
        refusal = await self._why_deaf(condition)
        if refusal is not None:
            return refusal
        pair = self._pairs.between(parties.channels)
        gains = pair.gains if pair else condition.gains
        hold = Hold(
            holder.uniqueid,
            held.uniqueid,
            self._recipe.new_snoop_id(),
            self._now(),
            gains[holder.uniqueid],
            gains[held.uniqueid],
        )
        heard = not self._is_silent(holder, condition)
        in_force = InForce(hold, heard=heard, received=condition.received)
        self._watch.look_at(await self._work.put_in_force(in_force))
        return Confirmed()

    async def _why_deaf(self, condition: Condition) -> NotHoldable | None:
        refusal = laws.why_deaf(condition.formats, self._comparison.modules)
        if refusal is None:
            return None
        await self._comparison.read_modules()  # a codec may have been loaded since
        return laws.why_deaf(condition.formats, self._comparison.modules)

    def _is_silent(self, holder: Channel, condition: Condition) -> bool:
        answered = holder.answered or holder.started
        return condition.received == 0 and self._now() - answered > _SILENT_AFTER

    async def _not_held(self, parties: Parties, error: PbxError) -> HoldOutcome:
        log.warning("%s: not held: %s", parties.story, error)
        if is_gone(error):
            await asyncio.sleep(_END_TOLD_WITHIN)
        if any(self._live.channel(uniqueid) is None for uniqueid in parties.channels):
            return NotHoldable("It has ended meanwhile.")
        return Failed(f"not held: {error}", isinstance(error, PbxUnavailable))

    @asynccontextmanager
    async def _no_other_hold(self, channels: frozenset[str]) -> AsyncIterator[None]:
        """The lock of these two, once neither is in a hold with somebody else any more."""
        while True:
            for pair in self._others(channels):
                await self._work.undo(pair, lambda: "one of the two talks to somebody else now")
            async with self._pairs.lock(channels):
                if not self._others(channels):
                    yield
                    return

    def _others(self, channels: frozenset[str]) -> set[Pair]:
        pairs = {pair for channel in channels for pair in self._pairs.of(channel)}
        return {pair for pair in pairs if pair.channels != channels}

    # --- OffHold ---

    async def _resume(self, holder_id: str) -> HoldOutcome:
        if not self._comparison.done:
            return _NOT_COMPARED
        channels = self._channels_of(holder_id)
        if channels is not None:
            async with self._pairs.lock(channels):
                begun = self._pairs.begun_by(holder_id)
                failure = await self._end(*begun) if begun else None
            if failure is not None:
                return failure
        holder = self._live.channel(holder_id)
        if holder is not None and holder.held_since is not None:
            await self._resume_by_phone(holder)
        return Confirmed()

    def _channels_of(self, holder_id: str) -> frozenset[str] | None:
        """The two of its hold, or of one that may be about to begin."""
        begun = self._pairs.begun_by(holder_id)
        if begun is not None:
            pair, _ = begun
            return pair.channels
        parties = laws.parties_of(self._live, holder_id)
        return parties.channels if isinstance(parties, Parties) else None

    async def _end(self, pair: Pair, hold: Hold) -> Failed | None:
        story = pair.story(hold)
        try:
            await self._work.end(pair, [hold])
        except PbxError as error:
            log.warning("%s: not resumed yet: %s", story, error)
            self._work.undo_if(pair, hold, "it was resumed")
            reason = f"not resumed yet, this goes on until it is done: {error}"
            return Failed(reason, isinstance(error, PbxUnavailable))
        log.info("%s: resumed", story)
        return None

    async def _resume_by_phone(self, holder: Channel) -> None:
        story = f"call {self._live.call_of(holder).id}: hold by {holder.name}"
        done = False
        if self._settings.phone_notify:
            try:
                done = await self._phones.resume(holder)
            except PbxError as error:
                log.warning("%s: its phone was not asked to resume: %s", story, error)
        log.info("%s: %s", story, "resumed, by its phone" if done else "its phone still holds")

    def _music_class(self, holder_id: str) -> str:
        channel = self._live.channel(holder_id)
        return self._extension_music(channel.extension if channel else None)

    def _name(self, uniqueid: str) -> str:
        channel = self._live.channel(uniqueid)
        return channel.name if channel else uniqueid
