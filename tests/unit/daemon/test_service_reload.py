"""Settings that are read again while calls and lines are up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.people import Extension, User
from config.settings import Ami, Ari, Settings, Store
from daemon.pbx.line import LineState
from daemon.service import Service
from tests.unit.ami_server import SECRET, AmiServer, success
from tests.unit.ari_server import PASSWORD, AriServer
from tests.unit.daemon.calls.pbx_script import Script
from tests.unit.daemon.people import JOHN, MARY, SETTINGS
from tests.unit.daemon.telling import play, received, subscribe_to_all
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver

NEW = "0007*100"


@pytest.fixture
async def ami() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        server.answers["Events"] = success(Events="On")
        yield server


@pytest.fixture
async def settings(tmp_path: Path, ami: AmiServer) -> AsyncIterator[Settings]:
    async with AriServer() as ari:
        yield SETTINGS.model_copy(
            update={
                "ami": Ami.model_validate({"port": ami.port, "secret": SECRET}),
                "ari": Ari.model_validate(
                    {"url": f"http://127.0.0.1:{ari.port}/", "password": PASSWORD}
                ),
                "store": Store(path=tmp_path / "uapid.sqlite"),
            }
        )


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Service]:
    async with Service(settings) as service:
        await until(lambda: service.ami.status.state is LineState.UP)
        yield service


async def test_a_call_goes_on_and_all_of_it_is_told(settings: Settings, ami: AmiServer) -> None:
    pbx = Script()
    async with Receiver() as app, connected(settings) as service:
        await subscribe_to_all(service, app)
        john, mary = pbx.talk(JOHN, "220", MARY)
        play(ami, pbx)
        await until(lambda: len(app.requests) == 2)
        await service.reload(settings.model_copy(update={"users": settings.users[:1]}))
        assert len(service.calls.of_extensions([JOHN])) == 1
        pbx.hang_up(mary, john)
        play(ami, pbx)
        await until(lambda: len(app.requests) == 3)
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]
    assert ami.logins == 1


async def test_users_and_extensions_come_and_go_at_once(settings: Settings) -> None:
    listed = Extension(number=NEW, type="terminal", endpoint="PJSIP/new")
    user = User(id=77, name="New", extensions=(NEW,))
    async with connected(settings) as service:
        assert service.directory.user(12) is not None
        await service.reload(
            settings.model_copy(update={"users": (user,), "extensions": (listed,)})
        )
        assert service.directory.user(12) is None
        assert service.directory.find(NEW, service.directory.user(77)) == NEW
        assert service.directory.of_channel("PJSIP/new-00000001") == NEW
        assert not service.directory.exists(JOHN)


async def test_the_first_queue_has_its_events_asked_for_on_the_same_connection(
    settings: Settings, ami: AmiServer
) -> None:
    without = settings.model_copy(update={"extensions": ()})
    async with connected(without) as service:
        await service.reload(settings)
        assert ("Events", "call,dialplan,agent") in asked_for(ami)
        await service.reload(settings)
    assert ami.names().count("Events") == 1, "it is asked for once"
    assert ami.logins == 1


async def test_a_login_after_that_asks_for_them_too(settings: Settings, ami: AmiServer) -> None:
    async with connected(settings.model_copy(update={"extensions": ()})) as service:
        await service.reload(settings)
        ami.hang_up()
        await until(lambda: ami.logins == 2)
    assert [classes for name, classes in asked_for(ami) if name == "Login"] == [
        "call",
        "call,dialplan,agent",
    ]


async def test_a_pbx_that_does_not_change_its_events_is_logged_in_to_again(
    settings: Settings, ami: AmiServer
) -> None:
    del ami.answers["Events"]
    async with connected(settings.model_copy(update={"extensions": ()})) as service:
        await service.reload(settings)
        await until(lambda: ami.logins == 2)
    assert asked_for(ami)[-1] == ("Login", "call,dialplan,agent")


def asked_for(ami: AmiServer) -> list[tuple[str, str]]:
    return [
        (action["Action"], action.get("Events") or action["EventMask"])
        for action in ami.actions
        if action["Action"] in ("Login", "Events")
    ]


async def test_what_waits_for_a_restart_is_told_in_one_line_without_its_value(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    other = settings.model_copy(
        update={
            "ami": Ami.model_validate({"port": settings.ami.port, "secret": "hunter2"}),
            "store": Store(path=Path("elsewhere.sqlite")),
        }
    )
    async with connected(settings) as service:
        await service.reload(other)
        assert service.settings == settings
    (line,) = (record for record in caplog.records if "until a restart" in record.message)
    assert line.levelname == "WARNING"
    assert "ami.secret, store.path" in line.message
    assert "hunter2" not in caplog.text


async def test_another_schedule_holds_from_the_next_attempt_on(
    settings: Settings, ami: AmiServer
) -> None:
    def with_schedule(*waits: float) -> Settings:
        delivery = settings.delivery.model_copy(update={"schedule": waits})
        return settings.model_copy(update={"delivery": delivery})

    pbx = Script()
    async with Receiver() as app, connected(with_schedule(0, 3600)) as service:
        await subscribe_to_all(service, app)
        app.status = 500
        await service.reload(with_schedule(0, 0.01, 3600))
        pbx.talk(JOHN, "220", MARY)
        play(ami, pbx)
        await until(lambda: received(app).count(("/1", "CALLING")) == 2)
