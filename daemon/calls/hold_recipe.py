"""Hold in place, step by step on the PBX.

A Snoop channel on the held leg plays music to it, and both legs' voices are silenced by
``VOLUME(RX)``; the call stays in its Dial(). The Snoop is the mark of a hold on the PBX: it is
there before anybody is muted and goes after both have their voice back, and its application
arguments name the pair and the gains to restore, so that the PBX alone can tell a new run of the
daemon what is on hold.
"""

import asyncio
import uuid
from contextlib import suppress

from daemon.calls.hold import Hold
from daemon.calls.model import Channel
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxError, PbxRefused

_GAIN = "VOLUME(RX)"
_SILENCE = -32767
_MUSIC_DEADLINE = 1.0
_MUSIC_RETRY = 0.01


class HoldRecipe:
    """The single steps. Each raises PbxError when the PBX does not confirm it."""

    def __init__(self, ami: AmiLine, ari: AriLine) -> None:
        self._ami = ami
        self._ari = ari

    def new_snoop_id(self) -> str:
        """An id that no Snoop ever had: one that comes twice makes Asterisk's CDR engine fail."""
        return f"{self._ari.app}-hold-{uuid.uuid4().hex}"

    async def start_music(self, hold: Hold) -> None:
        """Make the Snoop and let it play the default music class to the held leg."""
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
        with suppress(PbxRefused):  # a PBX without CDRs has nothing to keep clean
            await self._set(snoop["name"], "CDR_PROP(disable)", "1")
        # Straight after the Snoop's creation Asterisk may answer 409: not in Stasis yet.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _MUSIC_DEADLINE
        while True:
            try:
                await self._ari.call("channels", "startMoh", channelId=hold.snoop)
                return
            except PbxRefused as error:
                if error.status != 409 or loop.time() > deadline:
                    raise
            await asyncio.sleep(_MUSIC_RETRY)

    async def stop_music(self, hold: Hold) -> None:
        """Take the Snoop away; one that is gone already is as it should be."""
        try:
            await self._ari.call("channels", "hangup", channelId=hold.snoop)
        except PbxRefused as error:
            if error.status != 404:
                raise

    async def gain(self, channel: Channel) -> str:
        """The gain as the PBX writes it, "" when none was ever set."""
        answer = await self._ami.action("Getvar", Channel=channel.name, Variable=_GAIN)
        return str(answer.get("Value", ""))

    async def is_silenced(self, channel: Channel) -> bool:
        """Whether it has the gain that a hold gives it; False for a channel that is gone."""
        try:
            return float(await self.gain(channel) or 0) == _SILENCE
        except PbxRefused as error:
            _raise_unless_gone(error)
            return False

    async def silence(self, channel: Channel) -> None:
        await self._set(channel.name, _GAIN, str(_SILENCE))

    async def give_voice_back(self, channel: Channel, gain: str) -> None:
        """Restore the gain; a channel that is gone needs none."""
        try:
            await self._set(channel.name, _GAIN, gain or "0")
        except PbxRefused as error:
            _raise_unless_gone(error)

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

    async def _set(self, channel: str, variable: str, value: str) -> None:
        await self._ami.action("Setvar", Channel=channel, Variable=variable, Value=value)


def _raise_unless_gone(error: PbxError) -> None:
    if "No such channel" not in str(error):
        raise error
