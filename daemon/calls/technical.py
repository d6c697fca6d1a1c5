"""Channels that Asterisk makes for itself: no phone and no trunk is behind them.

Of these, Local channels matter beyond their bridge: they come in two halves, ``…;1`` and ``…;2``,
and what is done to one comes out of the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Technical:
    """A Local half, a Snoop and the like: a leg of no call.

    ``dialled_by`` and ``dialled`` are the Uniqueids of the channel that dialled it and of the one
    that it dialled last.
    """

    uniqueid: str
    name: str
    dialled_by: str = ""
    dialled: str = ""


class TechnicalChannels:
    """All technical channels of a PBX, by their Uniqueids."""

    def __init__(self) -> None:
        self._channels: dict[str, Technical] = {}
        self._by_name: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __contains__(self, uniqueid: str) -> bool:
        return uniqueid in self._channels

    def get(self, uniqueid: str) -> Technical | None:
        return self._channels.get(uniqueid)

    def note(self, uniqueid: str, name: str) -> None:
        if uniqueid not in self._channels:
            self._channels[uniqueid] = Technical(uniqueid, name)
            self._by_name[name] = uniqueid

    def forget(self, uniqueid: str) -> None:
        name = self._channels.pop(uniqueid).name
        # After a restart of Asterisk another channel may have got the name meanwhile.
        if self._by_name[name] == uniqueid:
            del self._by_name[name]

    def other_half(self, uniqueid: str) -> Technical | None:
        """The other half of a Local channel; None for a channel that is no such half."""
        half = self._channels.get(uniqueid)
        pair, mark, number = half.name.rpartition(";") if half else ("", "", "")
        if not mark:
            return None
        return self.get(self._by_name.get(f"{pair};{'2' if number == '1' else '1'}", ""))
