"""The live calls as the UAPI shows them: the calls that are live with the holds laid over them."""

from collections.abc import Callable, Iterable

from daemon.calls.index import LiveIndex
from daemon.calls.model import Call, PhoneCall
from daemon.calls.views import HowHeld, phone_call
from daemon.directory import Directory
from daemon.pbx.line import PbxUnavailable


class LiveCalls:
    """Reads the calls; raises PbxUnavailable while the PBX's truth is not known.

    ``unavailable`` tells why it is not known, None while it is.
    """

    def __init__(
        self,
        live: LiveIndex,
        directory: Directory,
        on_hold: HowHeld,
        unavailable: Callable[[], str | None],
    ) -> None:
        self._live = live
        self._directory = directory
        self._on_hold = on_hold
        self._unavailable = unavailable

    def of_extensions(self, extensions: Iterable[str]) -> list[PhoneCall]:
        """The calls in which one of these extensions has a leg or pays, oldest first."""
        self._check()
        found = {call.id: call for number in extensions for call in self._live.calls_of(number)}
        return self._shown(found.values())

    def owned_by(self, user_id: int) -> list[PhoneCall]:
        """The calls in which any extension of this user has a leg or pays, oldest first."""
        self._check()
        return self._shown(
            call
            for call in self._live.calls()
            if any(self._is_owned(extension, user_id) for extension in _extensions_of(call))
        )

    def _check(self) -> None:
        reason = self._unavailable()
        if reason is not None:
            raise PbxUnavailable(reason)

    def _is_owned(self, extension: str | None, user_id: int) -> bool:
        owner = self._directory.owner(extension) if extension else None
        return owner is not None and owner.id == user_id

    def _shown(self, calls: Iterable[Call]) -> list[PhoneCall]:
        ordered = sorted(calls, key=lambda call: (call.published, call.id))
        return [phone_call(call, self._live, self._on_hold) for call in ordered]


def _extensions_of(call: Call) -> set[str | None]:
    """Of its legs, of the queues, conferences and IVRs that it is in, and of who pays."""
    legs = (leg.extension for leg in call.channels.values())
    rooms = (visit.extension for visit in call.visits)
    return {call.charged_to, *legs, *rooms}
