"""Plays a recording to the tracker: `python -m tests.plays.replay NAME` prints what apps see."""

import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.phone_call_json import phone_call_json
from config.settings import Settings
from daemon.calls.live import LiveCalls
from daemon.calls.model import CallChange
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.events.matching import event_type, parameters
from daemon.pbx_names import Kind
from tests.pbx.phonebook import PHONES
from tests.pbx.uapid import SETTINGS
from tests.plays.telling import Telling, Told
from tests.unit.ami_stream import recorded_events
from tests.unit.daemon.calls.pbx_script import held_by_phone

START = datetime(2026, 1, 1, 12, tzinfo=UTC)

Message = dict[str, str]

EXPECTED = Path(__file__).parent / "expected"


def messages(name: str) -> list[Message]:
    """The events of a recording, its steps included."""
    return recorded_events(f"calls/{name}.ami.gz")


class Replay:
    """A tracker of the test PBX that is fed by hand; a second passes with each event."""

    def __init__(self, tracker: Tracker | None = None) -> None:
        self.directory = Directory(Settings.model_validate(tomllib.loads(SETTINGS)))
        self.directory.learn(Kind.TERMINAL, PHONES)
        self.tracker = tracker or Tracker("test-pbx", self.directory)
        self.changes: list[CallChange] = []
        self.telling = Telling()
        self.now = START

    def feed(self, message: Message) -> None:
        """An event of the PBX, or a mark of a step."""
        self.now += timedelta(seconds=1)
        if message["Event"] == "Step":
            self.telling = self.telling.with_step(message["Name"], self.calls())
        else:
            self.changes += self.tracker.fold(message, self.now)

    def calls(self) -> list[dict[str, object]]:
        """The live calls of user 12 as the API shows them, oldest first."""
        live = LiveCalls(self.tracker.live, self.directory, held_by_phone, lambda: None)
        user = self.directory.user(12)
        assert user is not None
        return [phone_call_json(call, "", self.directory, None) for call in live.usable_by(user)]

    def text(self) -> str:
        return self.telling.text(
            Told(change.extension, int(event_type(change)), parameters(change))
            for change in self.changes
            if change.extension is not None
        )


def expected(name: str) -> str:
    """What apps are to see of it, as people have read and approved it."""
    return (EXPECTED / f"{name}.txt").read_text()


def told(name: str) -> str:
    """What apps see of the play of this name."""
    replay = Replay()
    for message in messages(name):
        replay.feed(message)
    return replay.text()


if __name__ == "__main__":
    print(told(sys.argv[1]), end="")
