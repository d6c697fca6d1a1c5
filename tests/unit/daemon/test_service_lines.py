"""What the daemon does about lines that break: the calls, the apps and systemd."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.settings import Ami, Ari, Settings, Store
from daemon.pbx.line import LineState
from daemon.service import Service
from tests.unit.ami_server import SECRET, AmiServer
from tests.unit.ari_server import PASSWORD, AriServer
from tests.unit.daemon.calls.pbx_script import Script
from tests.unit.daemon.people import JOHN, MARY, SETTINGS
from tests.unit.daemon.telling import play, received, subscribe_to_all
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
def settings(tmp_path: Path, ami: AmiServer, ari: AriServer) -> Settings:
    ami_settings = {"port": ami.port, "secret": SECRET, "ping_interval": 0.2}
    ari_settings = {"url": f"http://127.0.0.1:{ari.port}/", "password": PASSWORD}
    return SETTINGS.model_copy(
        update={
            "ami": Ami.model_validate(ami_settings),
            "ari": Ari.model_validate(ari_settings),
            "store": Store(path=tmp_path / "uapid.sqlite"),
        }
    )


async def _up(service: Service, app: Receiver) -> None:
    """AMI is up, and the app is told of everything that John's phone does."""
    await subscribe_to_all(service, app)
    await until(lambda: service.ami.status.state is LineState.UP)


async def test_a_hangup_that_came_damaged_leaves_no_ghost(
    settings: Settings, ami: AmiServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await _up(service, app)
        john, mary = pbx.talk(JOHN, "220", MARY)
        play(ami, pbx)
        await until(lambda: len(app.requests) == 2)
        pbx.hang_up(mary, john)
        for event in pbx.events:
            event["Uniqeid"] = event.pop("Uniqueid")
        play(ami, pbx)
        await until(lambda: len(app.requests) == 3, 2)
        assert service.calls.of_extensions([JOHN]) == []
    assert ami.logins == 1, "it is asked on the same connection"
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_calls_go_on_being_told_while_ari_hangs(
    settings: Settings, ami: AmiServer, ari: AriServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await _up(service, app)
        await until(lambda: service.ari.status.state is LineState.UP)
        ari.freeze()
        asked = asyncio.create_task(service.ari.call("endpoints", "list"))
        john, mary = pbx.talk(JOHN, "220", MARY)
        pbx.hang_up(mary, john)
        play(ami, pbx)
        await until(lambda: len(app.requests) == 3, 2)
        assert not asked.done(), "ARI has not answered all the while"
        ari.thaw()
        await asked
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_calls_are_told_though_ari_has_never_answered(
    settings: Settings, ami: AmiServer, ari: AriServer, app: Receiver
) -> None:
    ari.freeze()
    pbx = Script()
    async with Service(settings) as service:
        await _up(service, app)
        pbx.talk(JOHN, "220", MARY)
        play(ami, pbx)
        await until(lambda: len(app.requests) == 2, 2)
        assert service.ari.status.state is LineState.DOWN


async def test_systemd_is_told_of_each_change_of_a_line(
    settings: Settings, ami: AmiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(text: str) -> bool:
        with suppress(BlockingIOError):
            while True:
                heard.append(systemd.recv(1000).decode())
        return any(text in status for status in heard)

    heard: list[str] = []
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.setblocking(False)
        async with Service(settings):
            await until(lambda: told("STATUS=AMI up, ARI up"))
            heard.clear()
            ami.hang_up()
            await until(lambda: told(": the connection was lost, ARI up"))
            await until(lambda: told("STATUS=AMI up, ARI up"))
