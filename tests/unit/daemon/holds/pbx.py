"""A PBX that knows just what a hold is made of, behind real sockets, and that fails on command."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from config.settings import Ami, Ari, HoldSettings
from daemon.calls.model import Channel, PhoneCallView
from daemon.calls.views import phone_call
from daemon.holds.holds import Holds
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import LineState
from tests.unit.ami_server import SECRET, AmiServer, Message, error, listed, success
from tests.unit.ari_server import APP, PASSWORD, Answer, AriServer
from tests.unit.daemon.calls.pbx_script import Leg, Script
from tests.unit.daemon.people import JOHN, MARY
from tests.unit.waiting import until

SILENCE = "-32767"
MODULES = ("codec_ulaw", "func_export")
# What a hold asks for and what ends one; other things are only asked.
_PACKETS = "CHANNEL(rtcp,rxcount)"
_STEPS = ("Setvar", "Hangup", "Getvar", "MixMonitorMute")


class Failure(StrEnum):
    """How a step fails: it is refused, it is done and not answered, or the line breaks at it."""

    REFUSED = "refused"
    SILENT = "silent"
    CUT = "cut"


class HoldingPbx:
    """John and Mary talk. ``gains`` are those of their channels, ``snoops`` what there is of holds.

    ``steps`` counts what was asked for. The step with the number ``fails_at`` fails by
    ``failure``. ``formats`` are those of both channels, and ``received`` is how many packets came
    from each: it grows whenever it is asked for while they ``send``.
    """

    def __init__(self, ami: AmiServer, ari: AriServer) -> None:
        self.script = Script()
        self.john, self.mary = self.script.talk(JOHN, "220", MARY)
        self.gains: dict[str, str] = {}
        self.variables: dict[tuple[str, str], str] = {}
        self.snoops: dict[str, str] = {}  # arguments by id
        self.recordings_muted: set[str] = set()
        self.formats = "ulaw"
        self.received = 100
        self.send = True
        self.music: str | None = "default"
        self.steps: list[str] = []
        self.fails_at: int | None = None
        self.failure = Failure.REFUSED
        self.ami, self.ari = ami, ari
        for name in _STEPS:
            ami.answers[name] = self._on_ami
        ami.answers["ShowDialPlan"] = listed("ListDialplan", {"Extension": "unhold"})
        ari.act = self._on_ari
        running = [{"name": f"{name}.so", "status": "Running"} for name in MODULES]
        ari.answers["/asterisk/modules"] = (200, running)

    @property
    def silenced(self) -> set[str]:
        return {channel for channel, gain in self.gains.items() if gain == SILENCE}

    @property
    def is_clean(self) -> bool:
        return not self.snoops and not self.silenced

    def is_live(self, channel: str) -> bool:
        return channel in self.snoops or self.script.tracker.live.channel(channel) is not None

    def tell(self, name: str, **headers: str) -> None:
        """An AMI event, to whoever has logged in."""
        for writer in self.ami.listeners:
            lines = {"Event": name, **headers}
            text = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
            writer.write(f"{text}\r\n".encode())

    def end_snoop(self, snoop: str) -> None:
        """As Asterisk does it when a lease runs out or somebody hangs it up: with the handler."""
        handler = self.variables.get((snoop, "CHANNEL(hangup_handler_wipe)"))
        if handler:
            arguments = handler.partition("(")[2].removesuffix(")")
            holder, holder_gain, held, held_gain = arguments.split(",")
            self.gains |= {holder: holder_gain, held: held_gain}
        del self.snoops[snoop]
        self.tell("Hangup", Uniqueid=snoop, Channel=f"Snoop/{snoop}", Cause="0")

    # --- AMI ---

    def _on_ami(self, action: Message) -> list[Message]:
        channel, name = action["Channel"], action["Action"]
        if action.get("Variable") == _PACKETS:
            self.received += self.send
            return success(Value=str(self.received))(action)
        failure = self._step(f"{name} {action.get('Variable', '')}".strip())
        if failure is Failure.REFUSED:
            return error("Permission denied")(action)
        if not self.is_live(channel):
            return error("No such channel")(action)
        answer = self._do(action)(action)
        if failure is Failure.CUT:
            self.ami.hang_up()
        return [] if failure else answer

    def _do(self, action: Message) -> Callable[[Message], list[Message]]:
        channel, variable = action["Channel"], action.get("Variable", "")
        match action["Action"]:
            case "Getvar":
                return success(Value=self._value(channel, variable))
            case "Setvar" if variable == "VOLUME(RX)":
                self.gains[channel] = action["Value"]
            case "Setvar":
                self.variables[channel, variable] = action["Value"]
            case "MixMonitorMute" if action["State"] == "1":
                self.recordings_muted.add(channel)
            case "MixMonitorMute":
                self.recordings_muted.discard(channel)
            case "Hangup":
                self.end_snoop(channel)
        return success()

    def _value(self, channel: str, variable: str) -> str:
        return {
            "VOLUME(RX)": self.gains.get(channel, ""),
            "CHANNEL(audioreadformat)": self.formats,
        }.get(variable, self.variables.get((channel, variable), ""))

    # --- ARI ---

    def _on_ari(self, method: str, path: str, query: Mapping[str, str]) -> Answer | None:
        if not path.startswith("/channels"):
            return None
        if method == "GET":
            return 200, [self._shown(snoop) for snoop in self.snoops]
        failure = self._step(f"{method} {path.rpartition('/')[2] if 'moh' in path else 'snoop'}")
        if failure is Failure.REFUSED:
            return 403, {"message": "Forbidden"}
        answer = self._change(method, path.split("/")[2:], query)
        if failure is Failure.CUT:
            self.ami.hang_up()
        return (500, {"message": "Allocation failed"}) if failure else answer

    def _change(self, method: str, parts: list[str], query: Mapping[str, str]) -> Answer:
        channel, *more = parts
        if not self.is_live(channel):
            return 404, {"message": "Channel not found"}
        match method, more:
            case "DELETE", []:
                self.end_snoop(channel)
            case "POST", ["moh"]:
                if self.music is not None:
                    self.tell("MusicOnHoldStart", Uniqueid=channel, Class=self.music)
            case "POST", ["snoop", snoop]:
                self.snoops[snoop] = query["appArgs"]
                return 200, {"id": snoop, "name": f"Snoop/{snoop}"}
        return 204, None

    def _shown(self, snoop: str) -> dict[str, Any]:
        dialplan = {"app_name": "Stasis", "app_data": f"{APP},{self.snoops[snoop]}"}
        return {"id": snoop, "dialplan": dialplan}

    def _step(self, name: str) -> Failure | None:
        self.steps.append(name)
        return self.failure if len(self.steps) - 1 == self.fails_at else None


class Daemon:
    """The holds of a daemon beside such a PBX."""

    def __init__(self, pbx: HoldingPbx, holds: Holds) -> None:
        self.pbx = pbx
        self.holds = holds

    def view(self, leg: Leg) -> PhoneCallView:
        live = self.pbx.script.tracker.live
        channel = self.channel(leg)
        call = phone_call(live.call_of(channel), live, self.holds.on_hold)
        return next(view for view in call.views if view.channel == leg.uniqueid)

    def channel(self, leg: Leg) -> Channel:
        channel = self.pbx.script.tracker.live.channel(leg.uniqueid)
        assert channel is not None
        return channel

    def is_holding(self, leg: Leg) -> bool:
        return self.holds.on_hold(self.channel(leg)) is not None

    def happens(self, name: str, leg: Leg) -> None:
        """An event of a leg, as the tracker and the holds are told of it."""
        headers = self.pbx.script.channel(leg)
        self.pbx.script.fold(name, headers)
        self.holds.on_ami_event({"Event": name, **headers})


@asynccontextmanager
async def holding_pbx() -> AsyncIterator[HoldingPbx]:
    async with AmiServer() as ami, AriServer() as ari:
        yield HoldingPbx(ami, ari)


@asynccontextmanager
async def running_holds(pbx: HoldingPbx, **settings: Any) -> AsyncIterator[Daemon]:
    """The holds with these settings of [hold], connected, and compared with the PBX."""
    ami = AmiLine(
        Ami(port=pbx.ami.port, secret=SECRET, timeout=0.2),  # type: ignore[arg-type]
        event_classes="call",
        events=Holds.event_names,
        on_event=lambda event: holds.on_ami_event(event),
        take_snapshot=_nothing,
        on_lost=lambda: None,
    )
    ari = AriLine(
        Ari(
            url=f"http://127.0.0.1:{pbx.ari.port}/",
            password=PASSWORD,  # type: ignore[arg-type]
            timeout=0.5,
        ),
        on_event=lambda event: holds.on_ari_event(event),
        on_connect=_nothing,
    )
    holds = Holds(
        pbx.script.tracker.live,
        ami,
        ari,
        HoldSettings(**settings),
        lambda extension: f"music of {extension}" if settings.get("music") else "",
        lambda: pbx.script.now,
    )
    lines = [asyncio.create_task(line.run()) for line in (ami, ari)]
    try:
        await until(lambda: {ami.status.state, ari.status.state} == {LineState.UP})
        await holds.compare()
        pbx.steps.clear()
        yield Daemon(pbx, holds)
        await holds.finish(5)
    finally:
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)


async def _nothing() -> None:
    return
