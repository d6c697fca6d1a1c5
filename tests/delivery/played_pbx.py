"""A PBX that is played at its sockets: recorded calls, as many as are wanted at once."""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import TracebackType
from typing import Self

from tests.plays.retold import Message, Retold, Step
from tests.unit.ami_server import SECRET, AmiServer, Answer, error, listed, success
from tests.unit.ari_server import PASSWORD, AriServer


class PlayedPbx:
    """`async with PlayedPbx(extensions) as pbx:` has phones of these extensions.

    What happens is told to whoever is logged in, and who asks is told what there is at that
    moment; ``lists`` counts how often that was asked.
    """

    def __init__(self, extensions: Iterable[str]) -> None:
        self.lists = 0
        self._live: dict[int, Step] = {}
        self._channels = 0
        self._ami, self._ari = AmiServer(), AriServer()
        self._ami.answers |= {
            "BridgeList": self._list_bridges,
            "CoreShowChannels": self._list_channels,
            "Getvar": self._tell_variable,
        }
        endpoints = [{"technology": "PJSIP", "resource": extension} for extension in extensions]
        self._ari.answers["/endpoints"] = 200, endpoints

    async def __aenter__(self) -> Self:
        await self._ami.__aenter__()
        await self._ari.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._ari.__aexit__(kind, error, traceback)
        await self._ami.__aexit__(kind, error, traceback)

    @property
    def settings(self) -> str:
        """The sections of uapid's settings that lead to it."""
        return f"""\
[ami]
port = {self._ami.port}
secret = "{SECRET}"

[ari]
url = "http://127.0.0.1:{self._ari.port}/"
password = "{PASSWORD}"
"""

    @property
    def asked(self) -> set[str]:
        """What was ever asked of it: actions of AMI without their ActionIDs, and URLs of ARI."""
        actions = [
            {name: value for name, value in action.items() if name != "ActionID"}
            for action in self._ami.actions
        ]
        return {*map(str, actions), *self._ari.requests}

    @property
    def live(self) -> int:
        """How many of its calls are not over."""
        return len(self._live)

    @property
    def logins(self) -> int:
        """How often somebody was let in over AMI."""
        return self._ami.logins

    def call(self, play: Retold, extensions: Mapping[str, str]) -> "PlayedCall":
        """A call that goes like this play, with phones of these extensions for the recorded ones;
        nothing of it has happened yet."""
        first = self._channels
        self._channels += len(play.legs)
        return PlayedCall(self, play, extensions, first)

    def happens(self, call: int, step: Step) -> None:
        """The next step of a call; only its PlayedCall says so."""
        self._live[call] = step
        if not step.channels:
            del self._live[call]
        self._ami.broadcast(step.events)

    def _list_channels(self, action: Message) -> list[Message]:
        self.lists += 1
        rows = chain.from_iterable(step.channels for step in self._live.values())
        return listed("CoreShowChannel", *rows)(action)

    def _list_bridges(self, action: Message) -> list[Message]:
        rows = chain.from_iterable(step.bridges for step in self._live.values())
        return listed("BridgeListItem", *rows)(action)

    def _tell_variable(self, action: Message) -> list[Message]:
        rows = chain.from_iterable(step.channels for step in self._live.values())
        there = any(row["Channel"] == action["Channel"] for row in rows)
        answer: Answer = success(Variable=action["Variable"], Value="")
        return (answer if there else error("No such channel"))(action)


class PlayedCall:
    """A call that takes the steps of a play one by one; ``step`` is the name of the last one."""

    def __init__(
        self, pbx: PlayedPbx, play: Retold, extensions: Mapping[str, str], first: int
    ) -> None:
        self.step = ""
        self.over = False
        self._pbx = pbx
        self._play = play
        self._extensions = extensions
        self._first = first
        self._taken = 0

    def uniqueid(self, leg: int) -> str:
        """The Uniqueid of the leg of this number, from 0; that of leg 0 is the call's Linkedid."""
        return self._play.uniqueid(leg, self._first)

    def extension(self, leg: int) -> str:
        """Whose phone the leg of this number is."""
        return self._extensions[self._play.legs[leg]]

    def go_on(self) -> str:
        """Take the next step; its name."""
        step = self._play.step(self._taken, self._first, self._extensions)
        self._taken += 1
        self.step, self.over = step.name, self._taken == len(self._play.steps)
        self._pbx.happens(self._first, step)
        return step.name
