"""Which channels are together in which bridge, all of them by Uniqueid."""


class Bridges:
    """A channel is in one bridge or in none; a bridge that is empty is forgotten."""

    def __init__(self) -> None:
        self._members: dict[str, set[str]] = {}
        self._of: dict[str, str] = {}

    def of(self, uniqueid: str) -> str | None:
        return self._of.get(uniqueid)

    def members(self, bridge: str | None) -> frozenset[str]:
        return frozenset(self._members.get(bridge or "", ()))

    def neighbour(self, uniqueid: str) -> str:
        """The only other channel in its bridge, "" if there is none or are several."""
        members = self._members.get(self._of.get(uniqueid, ""), ())
        if len(members) != 2:
            return ""
        one, other = members
        return other if one == uniqueid else one

    def enter(self, uniqueid: str, bridge: str) -> None:
        """The channel is in this bridge now, and in no other any more."""
        former = self._of.get(uniqueid)
        if former is not None and former != bridge:
            self.leave(uniqueid, former)
        self._of[uniqueid] = bridge
        self._members.setdefault(bridge, set()).add(uniqueid)

    def leave(self, uniqueid: str, bridge: str | None = None) -> None:
        """The channel is not in this bridge any more, or in none at all if none is named."""
        current = self._of.get(uniqueid)
        if current is None or bridge not in (None, current):
            return
        del self._of[uniqueid]
        members = self._members[current]
        members.discard(uniqueid)
        if not members:
            del self._members[current]
