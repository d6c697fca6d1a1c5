"""OnHold and OffHold: hold in place, without taking the call out of its Dial().

A Snoop channel on the held leg plays music to it, and both legs' voices are silenced by
``VOLUME(RX)``. The Snoop is the mark of a hold on the PBX: it is there before anybody is muted and
goes after both have their voice back, and its application arguments name the pair and the gains
to restore, so that the PBX alone can tell a new run of the daemon what is on hold.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from daemon.calls.model import Channel, ChannelState, PhoneCall, PhoneCallView
from daemon.calls.tracker import Tracker
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxError, PbxRefused, PbxUnavailable

log = logging.getLogger(__name__)

SILENCE = "-32767"
_SILENT = -32767.0
_GAIN = "VOLUME(RX)"
_MARK = "hold"
_SETTLING = 0.2  # a Local optimisation leaves a bridge and enters it again within 2 ms
_MOH_DEADLINE = 1.0
_RETRY_UNDO = 1.0


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The PBX has done what was asked, or it was so already; nothing is left to do."""


@dataclass(frozen=True, slots=True)
class NotHoldable:
    """This leg cannot be held as the call stands; ``reason`` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The PBX did not do it; ``unavailable`` if it could not be asked or gave no answer.

    After a failed OnHold everything is undone; after a failed OffHold the hold is in force.
    """

    reason: str
    unavailable: bool


HoldOutcome = Confirmed | NotHoldable | Failed

_NOT_RECONCILED = Failed("Not done: the holds on the PBX are not known yet.", unavailable=True)


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold in force: Uniqueids of the pair, the Snoop's id, the gains before it."""

    holder: str
    held: str
    snoop: str
    since: datetime
    holder_gain: str
    held_gain: str

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.holder, self.held))

    def to_arguments(self) -> str:
        """The Snoop's application arguments, which ``from_arguments`` reads."""
        since = str(int(self.since.timestamp()))
        return ",".join((_MARK, self.holder, self.held, self.holder_gain, self.held_gain, since))

    @classmethod
    def from_arguments(cls, snoop: str, arguments: list[str]) -> "Hold | None":
        """The hold that a Snoop's arguments tell of, None if they are not ours."""
        if len(arguments) != 6 or arguments[0] != _MARK or not arguments[5].isdigit():
            return None
        _, holder, held, holder_gain, held_gain, since = arguments
        started = datetime.fromtimestamp(int(since), UTC)
        return cls(holder, held, snoop, started, holder_gain, held_gain)


def holder_of(call: PhoneCall, extensions: frozenset[str], view_id: str) -> PhoneCallView | None:
    """The leg that holds, when a user of these extensions names a view.

    It is the named view if it is one of theirs, else theirs in the named view's bridge. None if
    the call has no such view, or if none of the two legs is theirs.
    """
    named = next((view for view in call.views if view.id == view_id), None)
    if named is None or named.extension in extensions:
        return named
    return next(
        (
            view
            for view in call.views
            if view.extension in extensions and view.bridge == named.bridge and view.bridge
        ),
        None,
    )


def peer_of(tracker: Tracker, holder: Channel) -> Channel | NotHoldable:
    """The channel that a hold by this one would hold."""
    if holder.bridge is None:
        return NotHoldable("It is not in conversation: nobody is connected to it.")
    members = tracker.bridge_members(holder.bridge)
    if len(members) != 2:
        return NotHoldable(f"It is in a bridge of {len(members)} channels; hold needs exactly two.")
    (peer_id,) = members - {holder.uniqueid}
    peer = tracker.channel(peer_id)
    if peer is None:
        return NotHoldable("Its peer is a channel inside the PBX and no phone or trunk.")
    if ChannelState.UP not in (holder.state, peer.state) or holder.state != peer.state:
        return NotHoldable("It is not in conversation: one side has not answered yet.")
    return peer


class Holds:
    """All holds that this daemon made, and the work on them."""

    def __init__(
        self, tracker: Tracker, ami: AmiLine, ari: AriLine, now: Callable[[], datetime]
    ) -> None:
        self._tracker = tracker
        self._ami = ami
        self._ari = ari
        self._now = now
        self._by_holder: dict[str, Hold] = {}
        self._locks: WeakValueDictionary[frozenset[str], asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reconciled = False

    def holding_since(self, channel: Channel) -> datetime | None:
        """Since when this channel holds its peer, by our hold or by its phone's."""
        hold = self._by_holder.get(channel.uniqueid)
        return hold.since if hold else channel.held_since

    def hold(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """Put the peer of this leg on hold. The task goes on if nobody waits for it."""
        return self._start(self._hold(view.channel), f"hold by {view.channel}")

    def resume(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        """End the hold that this leg made. The task goes on if nobody waits for it."""
        return self._start(self._resume(view.channel), f"resume by {view.channel}")

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
        holder = self._tracker.channel(holder_id)
        if holder is None:
            return NotHoldable("It has ended.")
        peer = peer_of(self._tracker, holder)
        if isinstance(peer, NotHoldable):
            return peer
        async with self._lock(frozenset((holder.uniqueid, peer.uniqueid))):
            if self.holding_since(holder) is not None:
                return Confirmed()
            try:
                hold = await self._describe(holder, peer)
                await self._put_in_force(hold, holder, peer)
            except PbxError as error:
                log.warning("hold by %s of %s: not held: %s", holder.name, peer.name, error)
                return Failed(f"Not held: {error}.", isinstance(error, PbxUnavailable))
            log.info("hold by %s of %s: held", holder.name, peer.name)
            self._look_at(hold)
            return Confirmed()

    async def _resume(self, holder_id: str) -> HoldOutcome:
        if not self._reconciled:
            return _NOT_RECONCILED
        hold = self._by_holder.get(holder_id)
        if hold is None:
            return Confirmed()
        async with self._lock(hold.pair):
            if self._by_holder.get(holder_id) is not hold:
                return Confirmed()
            try:
                await self._end(hold)
            except PbxError as error:
                log.warning("hold by %s: not resumed: %s", self._name(holder_id), error)
                return Failed(f"Not resumed: {error}.", isinstance(error, PbxUnavailable))
            log.info("hold by %s: resumed", self._name(holder_id))
            return Confirmed()

    async def _describe(self, holder: Channel, peer: Channel) -> Hold:
        twin = self._by_holder.get(peer.uniqueid)
        if twin is not None:
            gains = twin.held_gain, twin.holder_gain
        else:
            gains = await self._gain(holder.name), await self._gain(peer.name)
        # An id that was used before makes Asterisk's CDR engine fail, so each hold has its own.
        snoop = f"{self._ari.app}-hold-{uuid.uuid4().hex}"
        return Hold(holder.uniqueid, peer.uniqueid, snoop, self._now(), *gains)

    async def _put_in_force(self, hold: Hold, holder: Channel, peer: Channel) -> None:
        """Music first, silence last; any failure undoes everything and is raised."""
        try:
            snoop = await self._ari.call(
                "channels",
                "snoopChannelWithId",
                channelId=hold.held,
                snoopId=hold.snoop,
                spy="none",
                whisper="out",
                app=self._ari.app,
                appArgs=hold.to_arguments(),
            )
            await self._set(snoop["name"], "CDR_PROP(disable)", "1")
            await self._start_music(hold.snoop)
            if hold.held not in self._by_holder:
                await self._set(holder.name, _GAIN, SILENCE)
                await self._set(peer.name, _GAIN, SILENCE)
            self._by_holder[hold.holder] = hold
        except PbxError as failure:
            try:
                await self._end(hold)
            except PbxError:
                self._by_holder[hold.holder] = hold
                self._start(self._undo(hold, str(failure)), f"undo {hold.snoop}")
            raise

    async def _start_music(self, snoop: str) -> None:
        # Straight after the Snoop's creation Asterisk may answer 409: not in Stasis yet.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _MOH_DEADLINE
        while True:
            try:
                await self._ari.call("channels", "startMoh", channelId=snoop)
                return
            except PbxRefused as error:
                if error.status != 409 or loop.time() > deadline:
                    raise
            await asyncio.sleep(0.01)

    async def _end(self, hold: Hold) -> None:
        """Voices back first, then the music away. What is gone already is as it should be."""
        if hold.held not in self._by_holder:
            for uniqueid, gain in ((hold.holder, hold.holder_gain), (hold.held, hold.held_gain)):
                channel = self._tracker.channel(uniqueid)
                if channel is not None:
                    await self._give_back(channel, gain)
        try:
            await self._ari.call("channels", "hangup", channelId=hold.snoop)
        except PbxRefused as error:
            if error.status != 404:
                raise
        self._by_holder.pop(hold.holder, None)

    async def _give_back(self, channel: Channel, gain: str) -> None:
        try:
            await self._set(channel.name, _GAIN, gain or "0")
        except PbxRefused as error:
            if "No such channel" not in str(error):
                raise

    # --- the watch ---

    def watch(self, event: Mapping[str, str]) -> None:
        """Look at an AMI event: when a held pair is not alone together any more, undo."""
        if not self._by_holder or event["Event"] not in ("BridgeEnter", "BridgeLeave", "Hangup"):
            return
        uniqueid = event["Uniqueid"]
        bridge = event.get("BridgeUniqueid")
        for hold in list(self._by_holder.values()):
            holder = self._tracker.channel(hold.holder)
            if uniqueid in hold.pair or (bridge and holder and holder.bridge == bridge):
                self._look_at(hold)

    def on_ari_event(self, event: Mapping[str, Any]) -> None:
        """Look at an ARI event: a Snoop that ended without being asked leaves nobody muted."""
        if event["type"] != "StasisEnd":
            return
        snoop = event["channel"]["id"]
        for hold in list(self._by_holder.values()):
            if hold.snoop == snoop:
                self._start(self._undo(hold, "its music ended"), f"undo {snoop}")

    async def reconcile(self) -> None:
        """After a line came (back): adopt the holds that the PBX has, undo what is left of others.

        On the daemon's first look every channel that is silenced and in no hold gets its voice.
        """
        found = await self._holds_on_pbx()
        for hold in found:
            if hold.holder not in self._by_holder:
                log.info("hold by %s: known again", self._name(hold.holder))
                self._by_holder[hold.holder] = hold
        there = {hold.snoop for hold in found}
        for hold in list(self._by_holder.values()):
            if hold.snoop not in there and not self._lock(hold.pair).locked():
                self._start(self._undo(hold, "its music is gone"), f"undo {hold.snoop}")
            else:
                self._look_at(hold)
        if not self._reconciled:
            await self._sweep()
            self._reconciled = True
        log.info("holds: compared with the PBX; %d in force", len(self._by_holder))

    async def _holds_on_pbx(self) -> list[Hold]:
        holds = []
        for channel in await self._ari.call("channels", "list"):
            dialplan = channel["dialplan"]
            app, _, arguments = dialplan.get("app_data", "").partition(",")
            if dialplan.get("app_name") == "Stasis" and app == self._ari.app:
                hold = Hold.from_arguments(channel["id"], arguments.split(","))
                if hold is not None:
                    holds.append(hold)
        return holds

    async def _sweep(self) -> None:
        held = {uniqueid for hold in self._by_holder.values() for uniqueid in hold.pair}
        channels = [c for call in self._tracker.calls() for c in call.channels.values()]
        for channel in channels:
            if channel.uniqueid in held:
                continue
            with suppress(PbxRefused):
                if _is_silent(await self._gain(channel.name)):
                    log.warning("%s was silenced and in no hold: voice given back", channel.name)
                    await self._give_back(channel, "0")

    def _look_at(self, hold: Hold) -> None:
        if not self._together(hold):
            self._start(self._undo_if_parted(hold), f"watch {hold.snoop}")

    async def _undo_if_parted(self, hold: Hold) -> None:
        await asyncio.sleep(_SETTLING)
        if not self._together(hold):
            await self._undo(hold, "the two are not alone together any more")

    async def _undo(self, hold: Hold, reason: str) -> None:
        async with self._lock(hold.pair):
            while self._by_holder.get(hold.holder) is hold:
                try:
                    await self._end(hold)
                    log.info("hold by %s: undone, as %s", self._name(hold.holder), reason)
                except PbxError as error:
                    log.warning("hold by %s: undo goes on: %s", self._name(hold.holder), error)
                    await asyncio.sleep(_RETRY_UNDO)

    def _together(self, hold: Hold) -> bool:
        holder = self._tracker.channel(hold.holder)
        if holder is None or holder.bridge is None:
            return False
        return self._tracker.bridge_members(holder.bridge) == hold.pair

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
        channel = self._tracker.channel(uniqueid)
        return channel.name if channel else uniqueid

    async def _gain(self, channel: str) -> str:
        answer = await self._ami.action("Getvar", Channel=channel, Variable=_GAIN)
        return str(answer.get("Value", ""))

    async def _set(self, channel: str, variable: str, value: str) -> None:
        await self._ami.action("Setvar", Channel=channel, Variable=variable, Value=value)


def _is_silent(gain: str) -> bool:
    try:
        return float(gain) == _SILENT
    except ValueError:
        return False
