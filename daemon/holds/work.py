"""Putting holds in force and ending them: the work on a pair, under its lock.

Music first, silence last, and the other way round at the end; what fails is undone, and an undo
goes on until it has succeeded.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from daemon.holds.background import Background
from daemon.holds.hold import Hold, InForce, Pair
from daemon.holds.keeper import Keeper
from daemon.holds.music import Music
from daemon.holds.pairs import Pairs
from daemon.holds.recipe import HoldRecipe
from daemon.pbx.asking import all_of
from daemon.pbx.line import PbxError, PbxRefused

log = logging.getLogger(__name__)

_RETRY = 0.2

_NO_MUSIC = "Held without music: the PBX plays none, as it has no music class with files."

# The reason for which a hold must end, asked for when it is about to be ended; None for none.
Why = Callable[[], str | None]


class HoldWork:
    """What begins and ends holds. Its callers have the lock of the pair, where it says so.

    ``music_class`` tells the one of a holder by its Uniqueid, "" for Asterisk's default.
    """

    def __init__(
        self,
        recipe: HoldRecipe,
        pairs: Pairs,
        keeper: Keeper,
        background: Background,
        music_class: Callable[[str], str],
        *,
        mute_recordings: bool,
    ) -> None:
        self._recipe = recipe
        self._pairs = pairs
        self._keeper = keeper
        self._background = background
        self._music_class = music_class
        self.mute_recordings = mute_recordings
        self._music = Music()

    # --- holding ---

    async def put_in_force(self, in_force: InForce) -> Pair:
        """Hold, with the pair's lock. The two may have parted before the watch knew of them.

        Raises PbxError when it failed; it is undone then, or that goes on until it is.
        """
        hold = in_force.hold
        pair = self._pairs.open(hold)
        music = self._music_class(hold.holder)
        try:
            with self._music.expected(hold.snoop) as playing:
                await self._recipe.start_music(hold, music)
                if not pair.holds:
                    await all_of(*(self._silence(pair, channel) for channel in pair.channels))
                in_force.music = _music_note(music, await playing())
        except Exception:  # whatever it was, nobody is to stay muted for it
            await self._undo_failed(pair, hold)
            raise
        self._keep(pair, in_force)
        note = f"; {in_force.note}" if in_force.note else ""
        log.info("%s: held%s", pair.story(hold), note)
        return pair

    async def adopt(self, hold: Hold) -> None:
        """Go on with a hold that a former run of the daemon put in force. Raises PbxError."""
        pair = self._open_former(hold)
        self._keep(pair, InForce(hold))
        log.info("%s: known again", pair.story(hold))
        await self._recipe.start_again(hold, self._music_class(hold.holder))

    def take_over(self, hold: Hold, reason: str) -> None:
        """Undo what is left of a hold that a former run of the daemon began."""
        self.undo_if(self._open_former(hold), hold, reason)

    def _open_former(self, hold: Hold) -> Pair:
        pair = self._pairs.open(hold)
        pair.silenced |= hold.channels
        pair.recordings_silenced = True  # the settings may have been others then
        return pair

    def music_started(self, snoop: str, music: str) -> None:
        """The PBX tells that this channel plays this class now."""
        self._music.started(snoop, music)

    def music_stopped(self, snoop: str) -> None:
        """The PBX tells that this channel plays no music any more."""
        pair = self._pairs.with_snoop(snoop)
        if pair is None or self._pairs.lock(pair.channels).locked():
            return  # of no hold, or one that is being ended
        for in_force in pair.holds.values():
            if in_force.hold.snoop == snoop:
                in_force.music = _NO_MUSIC
                log.warning("%s: %s", pair.story(in_force.hold), in_force.note)

    def _keep(self, pair: Pair, in_force: InForce) -> None:
        hold = in_force.hold
        pair.holds[hold.holder] = in_force

        def gone() -> None:
            self.undo_if(pair, hold, "its Snoop channel is gone")

        self._keeper.keep(in_force, pair.story(hold), gone)

    async def _silence(self, pair: Pair, channel: str) -> None:
        pair.silenced.add(channel)
        try:
            await self._recipe.silence(channel)
        except PbxRefused:
            pair.silenced.discard(channel)
            raise
        if self.mute_recordings:
            pair.recordings_silenced = True
            await self._recipe.mute_recording(channel)

    async def _undo_failed(self, pair: Pair, hold: Hold) -> None:
        try:
            await self.end(pair, [hold])
        except Exception as error:
            log.warning("%s: not undone yet: %s", pair.story(hold), error)
            self.undo_if(pair, hold, "it failed")

    # --- ending ---

    async def end(self, pair: Pair, holds: Collection[Hold]) -> None:
        """End these holds of a pair, with its lock; voices come back if no other is in force.

        Raises PbxError when a step fails; what was done until then is done.
        """
        if not pair.holds.keys() - {hold.holder for hold in holds}:
            await all_of(*(self._give_voice_back(pair, channel) for channel in pair.channels))
        for hold in holds:
            await self._recipe.stop_music(hold.snoop)
            self._keeper.release(hold.snoop)
            in_force = pair.holds.get(hold.holder)
            if in_force is not None and in_force.hold is hold:
                del pair.holds[hold.holder]
            self._pairs.close(hold)

    async def _give_voice_back(self, pair: Pair, channel: str) -> None:
        if channel in pair.silenced:
            await self._recipe.give_voice_back(channel, pair.gains[channel])
            if pair.recordings_silenced:
                await self._recipe.unmute_recording(channel)
            pair.silenced.discard(channel)

    async def undo(self, pair: Pair, why: Why) -> None:
        """End all holds of a pair, if ``why`` tells a reason when it is this one's turn."""
        async with self._pairs.lock(pair.channels):
            reason = why()
            complaint = ""
            stories = [pair.story(hold) for hold in pair.snoops.values()]
            while reason is not None and pair.snoops:
                try:
                    await self.end(pair, list(pair.snoops.values()))
                except Exception as error:  # even after a bug of ours nobody is to stay muted
                    if repr(error) != complaint:
                        complaint = repr(error)
                        bug = None if isinstance(error, PbxError) else error
                        log.warning("%s: undo goes on: %s", pair, error, exc_info=bug)
                    await asyncio.sleep(_RETRY)
            for story in stories if reason is not None else ():
                log.info("%s: undone, as %s", story, reason)

    def undo_if(self, pair: Pair, hold: Hold, reason: str) -> None:
        """Soon end all holds of a pair for this reason, if this one has not ended until then."""
        undo = self.undo(pair, lambda: reason if hold.snoop in pair.snoops else None)
        self._background.start(undo, f"undo of {pair}")


def _music_note(wanted: str, playing: str | None) -> str:
    if playing is None:
        return _NO_MUSIC
    if wanted and playing != wanted:
        return f"The PBX has no music class {wanted}, it plays {playing}."
    return ""
