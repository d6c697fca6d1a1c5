"""Which channels are in a hold with which, and the lock of each pair. In memory only."""

import asyncio
from collections.abc import Iterator
from weakref import WeakValueDictionary

from daemon.calls.index import LiveIndex
from daemon.holds.hold import Hold, InForce, Pair


class Pairs:
    """All pairs that have a hold, begun or in force. A pair is there as long as it has one."""

    def __init__(self, live: LiveIndex) -> None:
        self._live = live
        self._by_channel: dict[str, list[Pair]] = {}
        self._by_snoop: dict[str, Pair] = {}
        self._locks: WeakValueDictionary[frozenset[str], asyncio.Lock] = WeakValueDictionary()

    def __iter__(self) -> Iterator[Pair]:
        return iter(list(dict.fromkeys(self._by_snoop.values())))

    def of(self, channel: str) -> list[Pair]:
        """The pairs of a channel. Beside the one where it is now only such as are to end."""
        return list(self._by_channel.get(channel, ()))

    def between(self, channels: frozenset[str]) -> Pair | None:
        return next(
            (pair for c in channels for pair in self.of(c) if pair.channels == channels), None
        )

    def with_snoop(self, snoop: str) -> Pair | None:
        return self._by_snoop.get(snoop)

    def held_by(self, holder: str) -> InForce | None:
        """The hold in force that this channel made."""
        return next((pair.holds[holder] for pair in self.of(holder) if holder in pair.holds), None)

    def begun_by(self, holder: str) -> tuple[Pair, Hold] | None:
        """The hold that this channel made or is making, and its pair."""
        begun = ((pair, hold) for pair in self.of(holder) for hold in pair.snoops.values())
        return next(((pair, hold) for pair, hold in begun if hold.holder == holder), None)

    def in_force(self) -> list[Hold]:
        """All holds in force."""
        return [in_force.hold for pair in self for in_force in pair.holds.values()]

    def open(self, hold: Hold) -> Pair:
        """A hold begins; the pair that it is of."""
        pair = self.between(hold.channels)
        if pair is None:
            pair = self._new(hold)
            for channel in pair.channels:
                self._by_channel.setdefault(channel, []).append(pair)
        pair.snoops[hold.snoop] = hold
        self._by_snoop[hold.snoop] = pair
        return pair

    def _new(self, hold: Hold) -> Pair:
        legs = {uniqueid: self._live.channel(uniqueid) for uniqueid in hold.channels}
        holder = legs[hold.holder]
        return Pair(
            hold.channels,
            self._live.call_of(holder).id if holder else "unknown",
            {uniqueid: leg.name if leg else uniqueid for uniqueid, leg in legs.items()},
            hold.gains,
        )

    def close(self, hold: Hold) -> None:
        """A hold has ended, and with its last one the pair."""
        pair = self._by_snoop.pop(hold.snoop)
        del pair.snoops[hold.snoop]
        if not pair.snoops:
            for channel in pair.channels:
                self._by_channel[channel].remove(pair)
                if not self._by_channel[channel]:
                    del self._by_channel[channel]

    def lock(self, channels: frozenset[str]) -> asyncio.Lock:
        """The lock that work on a hold between these two takes, also while there is none."""
        lock = self._locks.get(channels)
        if lock is None:
            lock = self._locks[channels] = asyncio.Lock()
        return lock
