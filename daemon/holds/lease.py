"""The lease of a hold: if the daemon is gone for longer, Asterisk itself ends the hold.

The Snoop channel hangs up when its ``TIMEOUT(absolute)`` runs out, and its hang-up handler gives
both voices back. The handler is in ``config/asterisk/extensions.conf``, in two forms: Asterisk 16
before 16.30 and its contemporaries have no function EXPORT. Where the handler is missing holds
have no lease.
"""

import logging
import re
from collections.abc import Collection

from daemon.holds.hold import Hold
from daemon.pbx.ami import AmiLine
from daemon.pbx.asking import all_of
from daemon.pbx.line import PbxRefused

log = logging.getLogger(__name__)

CONTEXT = "uapid"
WITHOUT_LEASE = (
    "see config/asterisk/extensions.conf. Without it a hold works, but Asterisk does not end it "
    "by itself while uapid is away"
)
BY_EXPORT = "unhold"
BY_CLI = "unhold-by-cli"

_ABSENT = "Did not find"
# It takes the place of all that there are, so that to do it twice is to do it once.
_HANDLER = "CHANNEL(hangup_handler_wipe)"
# An Originate may choose a Uniqueid; the form for old Asterisks hands them to a shell.
_SAFE = re.compile(r"[\w.-]+", re.ASCII)


class Lease:
    """Arms Snoop channels for ``seconds``; arms none as long as ``find_handler`` finds nothing."""

    def __init__(self, ami: AmiLine, seconds: float) -> None:
        self._ami = ami
        self._seconds = seconds
        self._handler: str | None = None

    @property
    def renewal_interval(self) -> float:
        """Seconds after which a lease is to be renewed, so that it does not run out."""
        return self._seconds / 3

    async def find_handler(self, modules: Collection[str] | None) -> str | None:
        """Look for the form that suits a PBX with these modules; what is missing, None if nothing.

        Raises PbxError when the PBX cannot be asked.
        """
        self._handler = None
        if modules is None or "func_export" in modules:
            handler = BY_EXPORT
        elif "app_system" in modules:
            handler = BY_CLI
        else:
            return "the PBX has neither the module func_export nor app_system"
        try:
            await self._ami.list_action("ShowDialPlan", Context=CONTEXT, Extension=handler)
        except PbxRefused as error:
            if _ABSENT in str(error):
                return f"the dialplan has no extension {handler} in the context {CONTEXT}"
            return str(error)
        self._handler = handler
        return None

    async def arm(self, hold: Hold) -> None:
        """Give a Snoop what it needs to end the hold by itself. Raises PbxError."""
        if self._handler is None:
            return
        arguments = (hold.holder, hold.holder_gain or "0", hold.held, hold.held_gain or "0")
        if not all(map(_is_safe, arguments)):
            log.warning("hold %s: without a lease, as a Uniqueid has odd letters", hold.snoop)
            return
        handler = f"{CONTEXT},{self._handler},1({','.join(arguments)})"
        pushed = self._ami.set_variable(hold.snoop, _HANDLER, handler)
        await all_of(pushed, self.renew(hold.snoop))

    async def renew(self, snoop: str) -> None:
        """The lease begins anew. Raises PbxError, PbxRefused if the Snoop is gone."""
        if self._handler is not None:
            await self._ami.set_variable(snoop, "TIMEOUT(absolute)", f"{self._seconds:g}")

    async def disarm(self, snoop: str) -> None:
        """The Snoop ends without giving voices back: that was done, and others may hold by now."""
        await self._ami.set_variable(snoop, _HANDLER, "")


def _is_safe(argument: str) -> bool:
    return _SAFE.fullmatch(argument) is not None
