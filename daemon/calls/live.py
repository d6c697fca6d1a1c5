"""The live calls as the UAPI shows them: the calls that are live with the holds laid over them."""

from collections.abc import Callable, Iterable

from daemon.calls.index import LiveIndex
from daemon.calls.model import Call, PhoneCall
from daemon.calls.views import HowHeld, phone_call
from daemon.directory import Directory
from daemon.pbx.line import PbxUnavailable
from daemon.people import User, group_of


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
        directory.watch(self._regroup)
        self._regroup()
        self._on_hold = on_hold
        self._unavailable = unavailable

    def of_extensions(self, extensions: Iterable[str]) -> list[PhoneCall]:
        """The calls in which one of these extensions has a leg or pays, oldest first."""
        self._check()
        found = {call.id: call for number in extensions for call in self._live.calls_of(number)}
        return self._shown(found.values())

    def usable_by(self, user: User) -> list[PhoneCall]:
        """The calls in which an extension that this user may use has a leg or pays, oldest first.

        Costs what these calls cost, however many others there are.
        """
        return self.of_extensions(self._live.extensions.of(group_of(user)))

    def _check(self) -> None:
        reason = self._unavailable()
        if reason is not None:
            raise PbxUnavailable(reason)

    def _regroup(self) -> None:
        self._live.extensions.group_by(self._directory.people.groups_of)

    def _shown(self, calls: Iterable[Call]) -> list[PhoneCall]:
        ordered = sorted(calls, key=lambda call: (call.published, call.id))
        return [phone_call(call, self._live, self._on_hold) for call in ordered]
