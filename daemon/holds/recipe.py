"""Hold in place, step by step on the PBX.

A Snoop channel on the held leg plays music to it, and both legs' voices are silenced by
``VOLUME(RX)``; the call stays in its Dial(). The Snoop is the mark of a hold on the PBX: it is
there before anybody is muted and goes after both have their voice back, and its application
arguments name the two and the gains to restore, so that the PBX alone can tell a new run of the
daemon what is on hold.

What gives voices back needs the AMI line alone, in one go. Channels are named by their Uniqueids,
which AMI takes for names and which never come twice.
"""

import asyncio
import uuid
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from daemon.holds.hold import Hold
from daemon.holds.lease import Lease
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.asking import all_of, unless_gone
from daemon.pbx.line import PbxError, PbxRefused

_GAIN = "VOLUME(RX)"
_FORMAT = "CHANNEL(audioreadformat)"
_RECEIVED = "CHANNEL(rtcp,rxcount)"
_SILENCE = -32767
_MUSIC_DEADLINE = 1.0
_MUSIC_RETRY = 0.005
_RECORDING_MUTED = "UAPID_RECORDING_MUTED"
_NO_RECORDING = "Cannot set mute flag"


class Condition(NamedTuple):
    """What the PBX says of two channels before a hold.

    ``gains`` are as the PBX writes them, "" when none was set but by a hold; ``formats`` are the
    codecs that are read; ``received`` is how many RTP packets came from the holder, None if that
    is not known.
    """

    gains: dict[str, str]
    formats: set[str]
    received: int | None


class HoldRecipe:
    """The single steps. Each raises PbxError when the PBX does not confirm it."""

    def __init__(self, ami: AmiLine, ari: AriLine, lease: Lease) -> None:
        self._ami = ami
        self._ari = ari
        self._lease = lease

    # --- before ---

    async def condition(self, holder: str, held: str) -> Condition:
        gain, other_gain, format, other_format, received = await all_of(
            self._ami.get_variable(holder, _GAIN),
            self._ami.get_variable(held, _GAIN),
            self._ami.get_variable(holder, _FORMAT),
            self._ami.get_variable(held, _FORMAT),
            self._ami.get_variable(holder, _RECEIVED),
        )
        gains = {holder: _foreign(gain), held: _foreign(other_gain)}
        return Condition(gains, {format, other_format} - {""}, _count(received))

    # --- holding ---

    def new_snoop_id(self) -> str:
        """An id that no Snoop ever had: one that comes twice makes Asterisk's CDR engine fail."""
        return f"{self._ari.app}-hold-{uuid.uuid4().hex}"

    async def start_music(self, hold: Hold, music: str) -> None:
        """Make the Snoop with its lease, and let it play a music class ("": Asterisk's default)."""
        await self._ari.call(
            "channels",
            "snoopChannelWithId",
            channelId=hold.held,
            snoopId=hold.snoop,
            spy="none",
            whisper="out",
            app=self._ari.app,
            appArgs=hold.to_arguments(),
        )
        # Before the music: nobody may be left with it that no lease would take it from.
        await self._lease.arm(hold)
        await all_of(self._play(hold.snoop, music), self._keep_out_of_cdrs(hold.snoop))

    async def start_again(self, hold: Hold, music: str) -> None:
        """What a hold of a former run may lack: its lease and its music."""
        await self._lease.arm(hold)
        await self._play(hold.snoop, music)

    async def _keep_out_of_cdrs(self, snoop: str) -> None:
        with suppress(PbxRefused):  # a PBX without CDRs has nothing to keep clean
            await self._ami.set_variable(snoop, "CDR_PROP(disable)", "1")

    async def _play(self, snoop: str, music: str) -> None:
        music_class = {"mohClass": music} if music else {}
        # Straight after the Snoop's creation Asterisk may answer 409: not in Stasis yet.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _MUSIC_DEADLINE
        while True:
            try:
                await self._ari.call("channels", "startMoh", channelId=snoop, **music_class)
                return
            except PbxRefused as error:
                if error.status != 409 or loop.time() > deadline:
                    raise
            await asyncio.sleep(_MUSIC_RETRY)

    async def silence(self, channel: str) -> None:
        await self._ami.set_variable(channel, _GAIN, str(_SILENCE))

    # --- ending ---

    async def give_voice_back(self, channel: str, gain: str) -> None:
        """Restore the gain; a channel that is gone needs none."""
        await unless_gone(self._ami.set_variable(channel, _GAIN, gain or "0"))

    async def stop_music(self, snoop: str) -> None:
        """Take the Snoop away; one that is gone is as it should be."""
        try:
            hangup = self._ami.action("Hangup", Channel=snoop)
            await all_of(unless_gone(self._lease.disarm(snoop)), unless_gone(hangup))
        except PbxError:
            await unless_gone(self._ari.call("channels", "hangup", channelId=snoop))

    # --- recordings ---

    async def mute_recording(self, channel: str) -> None:
        """Silence the MixMonitor of this channel, if it has one. The channel is marked before."""
        await self._ami.set_variable(channel, _RECORDING_MUTED, "1")
        await self._mute_mixmonitor(channel, "1")

    async def unmute_recording(self, channel: str) -> None:
        """End that, if the channel has the mark; one that is gone is as it should be."""
        if await unless_gone(self._ami.get_variable(channel, _RECORDING_MUTED)):
            await unless_gone(self._mute_mixmonitor(channel, "0"))
            await unless_gone(self._ami.set_variable(channel, _RECORDING_MUTED, ""))

    async def _mute_mixmonitor(self, channel: str, state: str) -> None:
        try:
            await self._ami.action("MixMonitorMute", Channel=channel, Direction="both", State=state)
        except PbxRefused as error:
            if _NO_RECORDING not in str(error):
                raise

    # --- what there is ---

    async def silenced(self, channels: Collection[str]) -> set[str]:
        """Those of these channels that have the gain of a hold."""
        gains = await all_of(
            *(unless_gone(self._ami.get_variable(channel, _GAIN)) for channel in channels)
        )
        return {channel for channel, gain in zip(channels, gains, strict=True) if _is_ours(gain)}

    async def packets_from(self, channel: str) -> int | None:
        """How many RTP packets its phone has sent to the PBX, None if that is not known."""
        return _count(await unless_gone(self._ami.get_variable(channel, _RECEIVED)))

    async def holds_on_pbx(self) -> list[Hold]:
        """What the Snoops tell that our application has now."""
        holds = []
        for channel in await self._ari.call("channels", "list"):
            dialplan = channel["dialplan"]
            app, _, arguments = dialplan.get("app_data", "").partition(",")
            if dialplan.get("app_name") == "Stasis" and app == self._ari.app:
                hold = Hold.from_arguments(channel["id"], arguments.split(","))
                if hold is not None:
                    holds.append(hold)
        return holds


def _is_ours(gain: str | None) -> bool:
    try:
        return float(gain or 0) == _SILENCE
    except ValueError:
        return False


def _foreign(gain: str) -> str:
    """A gain that may be restored: never that of a hold, which would mute for ever."""
    return "" if _is_ours(gain) else gain


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
