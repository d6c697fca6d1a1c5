"""Recorded plays told again, any number of times, with channels and extensions of other names.

Told is what AMI's class call tells, and what the PBX lists at the end of each step.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.unit.ami_stream import recorded_events, to_bytes

Message = dict[str, str]

_FIRST_SECOND, _CHANNELS_A_SECOND = 1795320000, 100

# What the names in a recording are, the longest first.
_NAME = re.compile(
    r"(?P<channel>PJSIP/[0-9*]+-[0-9a-f]{8})"
    r"|(?P<uniqueid>\b[0-9]{10}\.[0-9]+\b)"
    r"|(?P<bridge>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<extension>0003\*[0-9]{3}\b)"
)


@dataclass(frozen=True)
class Step:
    """One step of a call: what AMI tells in it, and the PBX's channels and bridges at its end."""

    name: str
    events: bytes
    channels: list[Message]
    bridges: list[Message]


@dataclass(frozen=True)
class _Template:
    name: str
    events: bytes
    channels: list[bytes]
    bridges: list[bytes]


class Retold:
    """A play of this name. ``legs`` are the extensions of its channels, in the order in which
    they begin, and ``extensions`` all that are named in it."""

    def __init__(self, name: str) -> None:
        self._places: dict[str, dict[str, int]] = {"channel": {}, "uniqueid": {}, "bridge": {}}
        self.extensions: list[str] = []
        self._steps = list(self._templates(recorded_events(f"calls/{name}.ami.gz")))
        self.legs = [channel[6:-9] for channel in self._places["channel"]]

    def step(self, number: int, first: int, extensions: Mapping[str, str]) -> Step:
        """The step of this number, from 0, with ``first`` and the next numbers for its channels.

        ``extensions`` are the names to tell by those in the recording.
        """
        template = self._steps[number]
        names = self._names(first, extensions)
        return Step(
            template.name,
            template.events % names,
            [_message(row % names) for row in template.channels],
            [_message(row % names) for row in template.bridges],
        )

    def events(self, steps: slice, first: int, extensions: Mapping[str, str]) -> bytes:
        """What AMI tells in these steps."""
        told = b"".join(template.events for template in self._steps[steps])
        return told % self._names(first, extensions)

    def uniqueid(self, leg: int, first: int) -> str:
        """The Uniqueid of the leg of this number, from 0; that of leg 0 is the Linkedid of all."""
        return f"{_FIRST_SECOND + first // _CHANNELS_A_SECOND}.{first + leg}"

    @property
    def steps(self) -> Sequence[str]:
        """Their names."""
        return [template.name for template in self._steps]

    def _templates(self, messages: Iterable[Message]) -> Iterable[_Template]:
        events: list[Message] = []
        rows: list[Message] = []
        bridges: dict[str, Message] = {}
        for message in messages:
            bridge = message.get("BridgeUniqueid", "")
            match message["Event"]:
                case "CoreShowChannel":
                    rows.append({key: text for key, text in message.items() if key != "Event"})
                case "Step":
                    yield _Template(
                        message["Name"],
                        self._template(*events),
                        [self._template(row) for row in rows],
                        [self._template(row) for row in bridges.values()],
                    )
                    events, rows = [], []
                case "BridgeDestroy":
                    bridges.pop(bridge, None)
                case _ if bridge:
                    keys = ("BridgeUniqueid", "BridgeType", "BridgeTechnology")
                    bridges[bridge] = {key: message[key] for key in keys}
            if message.get("Privilege") == "call,all":
                events.append(message)

    def _template(self, *messages: Message) -> bytes:
        text = to_bytes(*messages).decode().replace("%", "%%")
        return _NAME.sub(self._placeholder, text).encode()

    def _placeholder(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        if kind == "extension":
            if found[0] not in self.extensions:
                self.extensions.append(found[0])
            return f"%({found[0]})b"
        places = self._places[kind]
        place = places.setdefault(found[0], len(places))
        if kind == "channel":
            extension = _NAME.sub(self._placeholder, found[0][6:-9])
            return f"PJSIP/{extension}-%(channel {place})08x"
        return f"%({kind} {place})b"

    def _names(self, first: int, extensions: Mapping[str, str]) -> dict[bytes, bytes | int]:
        names: dict[bytes, bytes | int] = {
            name.encode(): extensions[name].encode() for name in self.extensions
        }
        for place in range(len(self.legs)):
            names[b"channel %d" % place] = first + place
            names[b"uniqueid %d" % place] = self.uniqueid(place, first).encode()
        for place in range(len(self._places["bridge"])):
            names[b"bridge %d" % place] = b"00000000-0000-4000-8000-%012x" % (first + place)
        return names


def _message(raw: bytes) -> Message:
    return dict(line.split(": ", 1) for line in raw.decode().split("\r\n") if line)
