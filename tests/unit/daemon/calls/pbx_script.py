"""Plays calls to a tracker as Asterisk tells them over AMI, one short step at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from daemon.calls.model import Call, CallChange, Channel, OnHold, PhoneCall, PhoneCallView
from daemon.calls.snapshot import Listing
from daemon.calls.tracker import Tracker
from daemon.calls.views import phone_call
from daemon.holds.laws import on_hold
from tests.unit.daemon.people import directory

NODE = "pbx"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOWN, RING, RINGING, UP = "0", "4", "5", "6"


@dataclass
class Leg:
    """One channel as Asterisk knows it; ``context`` to ``data`` tell where it is."""

    channel: str
    uniqueid: str
    linkedid: str
    state: str
    exten: str
    number: str
    name: str
    application: str
    bridge: str = ""
    connected: str = "<unknown>"
    context: str = "internal"
    data: str = ""


class Script:
    """``told`` is every change and ``events`` every event so far.

    ``now`` grows by a second with each event. ``after`` is a script whose PBX this one goes
    on with.
    """

    def __init__(self, tracker: Tracker | None = None, after: "Script | None" = None) -> None:
        self.tracker = tracker or Tracker(NODE, directory())
        self.told: list[CallChange] = []
        self.events: list[dict[str, str]] = []
        self.devices: list[dict[str, str]] = []
        self.now: datetime = after.now if after else START
        self._count: int = after._count if after else 0

    # --- what happens on the PBX ---

    def place(self, endpoint: str, exten: str, number: str = "", name: str = "") -> Leg:
        """A phone or trunk calls in."""
        leg = self._leg(endpoint, RING, exten, number, name, "Dial", linkedid=None)
        self.fold("Newchannel", self.channel(leg))
        return leg

    def dial(self, caller: Leg, endpoint: str, *, begin: bool = True) -> Leg:
        """Dial() makes a channel to an endpoint; its DialBegin is left out if not ``begin``."""
        leg = self._leg(endpoint, DOWN, "s", "<unknown>", "<unknown>", "AppDial", caller.linkedid)
        self.fold("Newchannel", self.channel(leg))
        leg.number, leg.exten, leg.connected = caller.exten, caller.exten, caller.number
        self.fold("NewCallerid", self.channel(leg))
        if begin:
            self.fold("DialBegin", self.dialling(caller, leg))
        return leg

    def ring(self, caller: Leg, leg: Leg) -> None:
        leg.state = RINGING
        self.fold("Newstate", self.channel(leg))
        self.fold("DialState", self.dialling(caller, leg) | {"DialStatus": "RINGING"})

    def answer(self, caller: Leg, leg: Leg, bridge: str = "b1") -> None:
        """The dialled phone answers and both are connected."""
        leg.state, leg.exten = UP, ""
        self.fold("Newstate", self.channel(leg))
        self.dial_end(caller, leg, "ANSWER")
        if caller.state != UP:
            caller.state = UP
            self.fold("Newstate", self.channel(caller))
        for member in (leg, caller):
            self.enter(member, bridge)

    def dial_end(self, caller: Leg, leg: Leg, status: str) -> None:
        self.fold("DialEnd", self.dialling(caller, leg) | {"DialStatus": status})

    def enter(self, leg: Leg, bridge: str, type: str = "basic", **more: str) -> None:
        leg.bridge = bridge
        place = {"BridgeUniqueid": bridge, "BridgeType": type}
        self.fold("BridgeEnter", self.channel(leg) | place | more)

    def leave(self, leg: Leg) -> None:
        bridge, leg.bridge = leg.bridge, ""
        self.fold("BridgeLeave", self.channel(leg) | {"BridgeUniqueid": bridge})

    def hang_up(self, *legs: Leg, cause: str = "16") -> None:
        """The legs end in this order."""
        for leg in legs:
            if leg.bridge:
                self.leave(leg)
        for leg in legs:
            self.fold("Hangup", self.channel(leg) | {"Cause": cause})

    def talk(self, caller: str, exten: str, callee: str) -> tuple[Leg, Leg]:
        """A whole call up to the conversation."""
        first = self.place(caller, exten, number=caller)
        second = self.dial(first, callee)
        self.ring(first, second)
        self.answer(first, second)
        return first, second

    # --- what the tracker makes of it ---

    def fold(self, event: str, headers: dict[str, str]) -> list[CallChange]:
        self.now += timedelta(seconds=1)
        self.events.append({"Event": event, **headers})
        changes = self.tracker.fold(self.events[-1], self.now)
        self.told += changes
        return changes

    def snapshot(self, *legs: Leg) -> list[CallChange]:
        """A whole list of the PBX's channels, with nothing happening meanwhile."""
        self.tracker.begin_snapshot()
        return self.end_snapshot(*legs)

    def end_snapshot(self, *legs: Leg) -> list[CallChange]:
        self.now += timedelta(seconds=1)
        listing = Listing([self.row(leg) for leg in legs], devices=self.devices)
        changes = self.tracker.end_snapshot(listing, self.now)
        self.told += changes
        return changes

    def stories(self) -> list[tuple[str, str | None, str, str]]:
        return [(c.kind.value, c.extension, c.direction.value, c.status.value) for c in self.told]

    def call(self, leg: Leg) -> PhoneCall:
        channel = self.tracker.live.channel(leg.uniqueid)
        assert channel is not None
        (found,) = (c for c in self.tracker.live.calls() if c.linkedid == channel.linkedid)
        return phone_call(found, self.tracker.live, held_by_phone)

    def views(self, leg: Leg) -> tuple[PhoneCallView, ...]:
        return self.call(leg).views

    # --- the shape of AMI ---

    def channel(self, leg: Leg, prefix: str = "") -> dict[str, str]:
        headers = {
            "Channel": leg.channel,
            "ChannelState": leg.state,
            "CallerIDNum": leg.number,
            "CallerIDName": leg.name,
            "ConnectedLineNum": leg.connected,
            "ConnectedLineName": "<unknown>",
            "Context": leg.context,
            "Exten": leg.exten,
            "Uniqueid": leg.uniqueid,
            "Linkedid": leg.linkedid,
        }
        return {prefix + key: value for key, value in headers.items()}

    def dialling(self, caller: Leg, leg: Leg) -> dict[str, str]:
        return self.channel(caller) | self.channel(leg, "Dest")

    def row(self, leg: Leg) -> dict[str, str]:
        """Its CoreShowChannel event."""
        place = {
            "Application": leg.application,
            "ApplicationData": leg.data,
            "BridgeId": leg.bridge,
            "Duration": "00:01:30",
        }
        return {"Event": "CoreShowChannel"} | self.channel(leg) | place

    def _leg(
        self,
        endpoint: str,
        state: str,
        exten: str,
        number: str,
        name: str,
        application: str,
        linkedid: str | None,
    ) -> Leg:
        uniqueid = f"1795296890.{self._count}"
        channel = endpoint if "@" in endpoint else f"PJSIP/{endpoint}-{self._count:08x}"
        self._count += 1
        return Leg(channel, uniqueid, linkedid or uniqueid, state, exten, number, name, application)


def held_by_phone(channel: Channel) -> OnHold | None:
    return on_hold(channel, None)


def copies(calls: Iterable[Call]) -> list[Call]:
    """The calls as a new run of the daemon would read them from the store."""
    adapter = TypeAdapter(Call)
    return [adapter.validate_json(adapter.dump_json(call)) for call in calls]
