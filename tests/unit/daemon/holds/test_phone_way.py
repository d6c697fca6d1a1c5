"""Hold by the phone itself, against an AMI on a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from daemon.calls.model import Channel
from daemon.holds.phone_way import PhoneWay
from tests.unit.ami_server import AmiServer, Message, error, success
from tests.unit.daemon.calls.pbx_script import Leg, Script
from tests.unit.daemon.pbx.lines import ami_line
from tests.unit.daemon.people import JOHN, MARY


class Phones:
    """Two phones in conversation that declare ``events``; one that is notified does ``obey``."""

    def __init__(self, server: AmiServer) -> None:
        self.script = Script()
        self.john, self.mary = self.script.talk(JOHN, "220", MARY)
        self.events = "talk, hold"
        self.server = server
        self.obey: Callable[[str], None] = lambda request: None
        server.answers["Getvar"] = lambda action: success(Value=self.events)(action)
        server.answers["PJSIPNotify"] = self._notify

    def channel(self, leg: Leg) -> Channel:
        channel = self.script.tracker.live.channel(leg.uniqueid)
        assert channel is not None
        return channel

    @property
    def notified(self) -> list[tuple[str, str]]:
        sent = (a for a in self.server.actions if a["Action"] == "PJSIPNotify")
        return [(action["Channel"], action["Variable"]) for action in sent]

    def _notify(self, action: Message) -> list[Message]:
        asyncio.get_running_loop().call_soon(self.obey, action["Variable"])
        return success(Message="NOTIFY sent")(action)


@pytest.fixture
async def phones() -> AsyncIterator[Phones]:
    async with AmiServer() as server:
        yield Phones(server)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.holds.phone_way.CONFIRMED_WITHIN", 0.1)


async def test_a_phone_that_obeys_is_known_to_by_its_own_hold(phones: Phones) -> None:
    async with ami_line(phones.server) as ami:
        way = PhoneWay(ami)

        def obey(request: str) -> None:
            event = "Hold" if request == "Event=hold" else "Unhold"
            phones.script.fold(event, phones.script.channel(phones.john))
            way.heard(phones.john.uniqueid)

        phones.obey = obey
        john = phones.channel(phones.john)
        assert await way.hold(john)
        assert john.held_since is not None
        assert await way.resume(john)
        assert john.held_since is None
    name = phones.john.channel
    assert phones.notified == [(name, "Event=hold"), (name, "Event=talk")]


async def test_a_phone_that_says_yes_and_does_nothing_does_not_hold(phones: Phones) -> None:
    async with ami_line(phones.server) as ami:
        assert not await PhoneWay(ami).hold(phones.channel(phones.john))
    assert len(phones.notified) == 1


@pytest.mark.parametrize("events", ["", "message-summary", "onhold", "talk"])
async def test_a_phone_that_did_not_declare_it_is_never_asked(phones: Phones, events: str) -> None:
    phones.events = events
    async with ami_line(phones.server) as ami:
        assert not await PhoneWay(ami).hold(phones.channel(phones.john))
    assert phones.notified == []


async def test_what_is_no_sip_phone_is_never_asked(phones: Phones) -> None:
    channel = phones.channel(phones.john)
    channel.name = "DAHDI/1-1"
    async with ami_line(phones.server) as ami:
        assert not await PhoneWay(ami).hold(channel)
    assert phones.server.names() == ["Login"]


async def test_who_called_declared_it_in_the_invite_and_who_was_called_in_the_answer(
    phones: Phones,
) -> None:
    async with ami_line(phones.server) as ami:
        for leg in (phones.john, phones.mary):
            await PhoneWay(ami).hold(phones.channel(leg))
    asked = [a["Variable"] for a in phones.server.actions if a["Action"] == "Getvar"]
    assert asked == [
        "PJSIP_HEADER(read,Allow-Events)",
        "PJSIP_RESPONSE_HEADER(read,Allow-Events)",
    ]


@pytest.mark.parametrize("refused", ["Getvar", "PJSIPNotify"])
async def test_a_pbx_that_refuses_to_ask_leaves_it_to_the_other_way(
    phones: Phones, refused: str
) -> None:
    phones.server.answers[refused] = error("Permission denied")
    async with ami_line(phones.server) as ami:
        assert not await PhoneWay(ami).hold(phones.channel(phones.john))
