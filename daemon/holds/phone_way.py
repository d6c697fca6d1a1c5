"""Hold by the phone itself: an in-dialog NOTIFY asks it to, as its own key would.

A phone that does not know the NOTIFY may answer 481, or not at all, and Asterisk cuts the call
then. So only a phone is asked that said in this very call, by its Allow-Events, that it knows it.
What the phone does is known by its Hold and Unhold events alone: the action's success says that
the NOTIFY was sent.
"""

import asyncio
import logging

from daemon.calls.model import Channel
from daemon.pbx.ami import AmiLine
from daemon.pbx.line import PbxRefused

log = logging.getLogger(__name__)

CONFIRMED_WITHIN = 3.0
_HOLD, _RESUME = "hold", "talk"


class PhoneWay:
    """Asks phones to hold and to resume."""

    def __init__(self, ami: AmiLine) -> None:
        self._ami = ami
        self._waiting: dict[str, asyncio.Event] = {}

    async def hold(self, channel: Channel) -> bool:
        """Whether its phone holds now; False too for a phone that does not know how to.

        Raises PbxUnavailable when the PBX cannot be asked.
        """
        return await self._ask(channel, _HOLD, held=True)

    async def resume(self, channel: Channel) -> bool:
        """Whether its phone holds no more; False too for a phone that does not know how to.

        Raises PbxUnavailable when the PBX cannot be asked.
        """
        return await self._ask(channel, _RESUME, held=False)

    def heard(self, uniqueid: str) -> None:
        """Something happened to this channel, maybe what is waited for."""
        changed = self._waiting.get(uniqueid)
        if changed is not None:
            changed.set()

    async def _ask(self, channel: Channel, request: str, *, held: bool) -> bool:
        if not await self._understands(channel, request):
            return False
        changed = self._waiting[channel.uniqueid] = asyncio.Event()
        try:
            await self._ami.action("PJSIPNotify", Channel=channel.name, Variable=f"Event={request}")
            async with asyncio.timeout(CONFIRMED_WITHIN):
                while (channel.held_since is not None) is not held:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            log.info("%s: did not %s within %g s", channel.name, request, CONFIRMED_WITHIN)
            return False
        except PbxRefused as error:
            log.warning("%s: not asked to %s: %s", channel.name, request, error)
            return False
        finally:
            del self._waiting[channel.uniqueid]
        return True

    async def _understands(self, channel: Channel, request: str) -> bool:
        if not channel.name.startswith("PJSIP/"):
            return False
        # Of a phone that called there is its INVITE, of one that was called its answer.
        function = "PJSIP_HEADER" if channel.originator else "PJSIP_RESPONSE_HEADER"
        variable = f"{function}(read,Allow-Events)"
        try:
            declared = await self._ami.get_variable(channel.name, variable)
        except PbxRefused:  # an Asterisk without the function
            return False
        return request in (event.strip().lower() for event in declared.split(","))
