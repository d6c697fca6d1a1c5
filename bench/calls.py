"""Any number of two-party calls: a recorded one, told with other channels and extensions."""

from collections.abc import Sequence

from config.settings import Settings, User
from tests.unit.ami_stream import recorded_events, to_bytes

_RECORDING = "calls/answered-and-ended-by-the-caller.ami.gz"
_ANSWERED = {"Event": "Step", "Name": "talking"}
_FIRST_SECOND, _CALLS_A_SECOND = 1795320000, 50

# Whose phones the calls are between; they are all of one user.
EXTENSIONS = [f"0003*{number:05d}" for number in range(40_000)]
PATTERN = "_0003*XXXXX"
SETTINGS = Settings(users=(User(id=12, name="John Doe", extensions=(PATTERN,)),))


class Calls:
    """The calls of a PBX, as AMI's class call tells them, by number from 0.

    Each is between two ``extensions`` of its own, until there are no more of them.
    """

    def __init__(self, extensions: Sequence[str] = EXTENSIONS) -> None:
        self._extensions = extensions
        events = recorded_events(_RECORDING)
        answered = events.index(_ANSWERED)
        caller, called = (event for event in events if event["Event"] == "Newchannel")
        bridge = next(event["BridgeUniqueid"] for event in events if "BridgeUniqueid" in event)
        self._begin, self._end = (
            to_bytes(*(event for event in half if event.get("Privilege") == "call,all"))
            .replace(b"%", b"%%")
            .replace(caller["Channel"].encode(), b"PJSIP/%(caller)b-%(caller_channel)08x")
            .replace(called["Channel"].encode(), b"PJSIP/%(called)b-%(called_channel)08x")
            .replace(caller["Uniqueid"].encode(), b"%(second)d.%(caller_channel)d")
            .replace(called["Uniqueid"].encode(), b"%(second)d.%(called_channel)d")
            .replace(caller["CallerIDNum"].encode(), b"%(caller)b")
            .replace(caller["Exten"].encode(), b"%(called)b")
            .replace(bridge.encode(), b"00000000-0000-4000-8000-%(caller_channel)012x")
            for half in (events[:answered], events[answered:])
        )

    def begin(self, number: int) -> bytes:
        """Until it is answered and both are in their bridge."""
        return self._begin % self._names(number)

    def end(self, number: int) -> bytes:
        """It is hung up."""
        return self._end % self._names(number)

    def called_channel(self, number: int) -> str:
        """Uniqueid of the channel of who is called."""
        names = self._names(number)
        return (b"%(second)d.%(called_channel)d" % names).decode()

    def _names(self, number: int) -> dict[bytes, bytes | int]:
        caller, called = 2 * number, 2 * number + 1
        return {
            b"caller": self._extensions[caller % len(self._extensions)].encode(),
            b"called": self._extensions[called % len(self._extensions)].encode(),
            b"caller_channel": caller,
            b"called_channel": called,
            b"second": _FIRST_SECOND + number // _CALLS_A_SECOND,
        }
