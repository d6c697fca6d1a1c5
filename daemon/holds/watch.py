"""The watch over the holds: what happens on the PBX, and when a hold must end for it."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from daemon.calls.index import LiveIndex
from daemon.holds.background import Background
from daemon.holds.hold import Hold, Pair
from daemon.holds.laws import why_apart
from daemon.holds.pairs import Pairs
from daemon.holds.phone_way import PhoneWay
from daemon.holds.recipe import HoldRecipe
from daemon.holds.work import HoldWork
from daemon.pbx.line import PbxError

log = logging.getLogger(__name__)

_SETTLING = 0.2  # a Local optimisation leaves a bridge and enters it again within 2 ms


class Watch:
    """Takes events and never waits; what must be undone is undone in the background."""

    event_names = frozenset(
        {
            *("BridgeEnter", "BridgeLeave", "Hangup", "Hold", "Unhold"),
            *("MusicOnHoldStart", "MusicOnHoldStop"),
        }
    )

    def __init__(
        self,
        live: LiveIndex,
        pairs: Pairs,
        work: HoldWork,
        recipe: HoldRecipe,
        phones: PhoneWay,
        background: Background,
    ) -> None:
        self._live = live
        self._pairs = pairs
        self._work = work
        self._recipe = recipe
        self._phones = phones
        self._background = background

    def on_ami_event(self, event: Mapping[str, str]) -> None:
        """Look at an AMI event that the calls have taken in already."""
        name, uniqueid = event["Event"], event.get("Uniqueid", "")
        match name:
            case "MusicOnHoldStart":
                self._work.music_started(uniqueid, event.get("Class", ""))
            case "MusicOnHoldStop":
                self._work.music_stopped(uniqueid)
            case "Hold" | "Unhold":
                self._phones.heard(uniqueid)
            case "Hangup" if self._pairs.with_snoop(uniqueid) is not None:
                self.snoop_ended(uniqueid)
            case "BridgeEnter" | "BridgeLeave" | "Hangup":
                self._look_round(uniqueid, event.get("BridgeUniqueid", ""))

    def on_ari_event(self, event: Mapping[str, Any]) -> None:
        """Look at an ARI event about one of our Snoops."""
        snoop = event.get("channel", {}).get("id", "")
        match event["type"]:
            case "StasisEnd":
                self.snoop_ended(snoop)
            case "StasisStart" if self._pairs.with_snoop(snoop) is None:
                # Asked for by a call that had no answer in time, and that was undone since.
                if Hold.from_arguments(snoop, event.get("args", [])) is not None:
                    self._background.start(self.remove(snoop), f"late {snoop}")

    def on_snapshot(self) -> None:
        """The calls are known again after a break, and so are the Snoops among the channels."""
        for hold in self._pairs.in_force():
            if hold.snoop not in self._live.technical:
                self.snoop_ended(hold.snoop)
        for pair in self._pairs:
            self.look_at(pair)

    def look_at(self, pair: Pair) -> None:
        """Undo what this pair has if the two are not alone together, and do not come to be."""
        if why_apart(self._live, pair.channels) is not None:
            watch = self._undo_if_apart(pair)
            self._background.start(watch, f"watch over {pair}")

    def snoop_ended(self, snoop: str) -> None:
        """If nobody asked for it, whoever ended it may have given voices back: so do we."""
        pair = self._pairs.with_snoop(snoop)
        if pair is not None:
            self._work.undo_if(pair, pair.snoops[snoop], "its Snoop channel has ended")

    async def remove(self, snoop: str) -> None:
        """Take away a Snoop of ours that is of no hold."""
        try:
            await self._recipe.stop_music(snoop)
            log.info("%s: was of no hold and is taken away", snoop)
        except PbxError as error:
            log.warning("%s: is of no hold and not taken away: %s", snoop, error)

    def _look_round(self, uniqueid: str, bridge: str) -> None:
        if uniqueid in self._live.technical:
            # Whom a Local channel lies between is seen only by looking from the ends.
            touched = set(self._pairs)
        else:
            members = {uniqueid, *self._live.bridge_members(bridge)}
            touched = {pair for member in members for pair in self._pairs.of(member)}
        for pair in touched:
            self.look_at(pair)

    async def _undo_if_apart(self, pair: Pair) -> None:
        await asyncio.sleep(_SETTLING)
        await self._work.undo(pair, lambda: why_apart(self._live, pair.channels))
