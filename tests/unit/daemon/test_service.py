"""The parts together: from the AMI bytes to the app, and over a restart."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from config.settings import Ami, Ari, Settings
from config.settings import Store as StoreSettings
from daemon.pbx.line import LineState, PbxUnavailable
from daemon.service import Service
from daemon.store import open_database
from tests.unit.ami_server import SECRET, AmiServer, listed
from tests.unit.daemon.calls.pbx_script import Leg, Script
from tests.unit.daemon.people import JOHN, MARY, SETTINGS
from tests.unit.daemon.telling import play, received, subscribe_to_all
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        _list_channels(server)
        yield server


@pytest.fixture
def settings(tmp_path: Path, server: AmiServer) -> Iterator[Settings]:
    """ARI refuses connections: no test here needs it."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        yield SETTINGS.model_copy(
            update={
                "ami": Ami.model_validate({"port": server.port, "secret": SECRET}),
                "ari": Ari(url=f"http://127.0.0.1:{port}/"),
                "store": StoreSettings(path=tmp_path / "uapid.sqlite"),
            }
        )


def _list_channels(server: AmiServer, *legs: Leg) -> None:
    rows = (
        {key: value for key, value in Script().row(leg).items() if key != "Event"} for leg in legs
    )
    server.answers["CoreShowChannels"] = listed("CoreShowChannel", *rows)


async def _up(service: Service) -> None:
    await until(lambda: service.ami.status.state is LineState.UP)


def _written(settings: Settings) -> int:
    """How many deliveries were ever made."""
    db = open_database(settings.store.path)
    count = int(db.table("deliveries").count)
    db.close()
    return count


async def test_each_event_of_a_call_reaches_the_url_that_asked_for_it(
    settings: Settings, server: AmiServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await subscribe_to_all(service, app)
        await _up(service)
        john, mary = pbx.talk(JOHN, "220", MARY)
        pbx.hang_up(mary, john)
        play(server, pbx)
        await until(lambda: len(app.requests) == 3)
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_a_restart_in_the_middle_of_a_call_keeps_it_and_sends_nothing_twice(
    settings: Settings, server: AmiServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await subscribe_to_all(service, app)
        await _up(service)
        john, mary = pbx.talk(JOHN, "220", MARY)
        play(server, pbx)
        await until(lambda: len(app.requests) == 2)
        (before,) = service.calls.of_extensions([JOHN])
    _list_channels(server, mary, john)
    async with Service(settings) as service:
        await _up(service)
        (after,) = service.calls.of_extensions([JOHN])
        assert after.id == before.id
        assert [view.id for view in after.views] == [view.id for view in before.views]
        pbx.hang_up(mary, john)
        play(server, pbx)
        await until(lambda: len(app.requests) == 3)
        assert service.calls.of_extensions([JOHN]) == []
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_a_call_that_ended_while_the_daemon_was_down_gets_its_hangup(
    settings: Settings, server: AmiServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await subscribe_to_all(service, app)
        await _up(service)
        pbx.talk(JOHN, "220", MARY)
        play(server, pbx)
        await until(lambda: len(app.requests) == 2)
    for _ in range(2):
        async with Service(settings) as service:
            await _up(service)
            await until(lambda: len(app.requests) == 3)
    assert _written(settings) == 3
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_a_call_that_was_joined_to_another_is_not_told_of_again_after_a_restart(
    settings: Settings, server: AmiServer, app: Receiver
) -> None:
    pbx = Script()
    async with Service(settings) as service:
        await subscribe_to_all(service, app)
        await _up(service)
        ana = pbx.place("trunk", "0213334444", number="0040")
        john, mary = pbx.talk(JOHN, "220", MARY)
        for leg in (mary, john):  # an attended transfer joins the calls
            leg.linkedid = ana.linkedid
            pbx.fold("NewConnectedLine", pbx.channel(leg))
        pbx.hang_up(mary, john, ana)
        play(server, pbx)
        await until(lambda: len(app.requests) == 3)
    async with Service(settings) as service:
        await _up(service)
    assert _written(settings) == 3
    assert received(app) == [("/1", "CALLING"), ("/2", "ANSWER"), ("/4", "ANSWER")]


async def test_calls_are_not_shown_while_the_truth_is_not_known(
    settings: Settings, server: AmiServer
) -> None:
    async with Service(settings) as service:
        await _up(service)
        assert service.calls.of_extensions([JOHN]) == []
        server.answers["Login"] = lambda _: []
        server.hang_up()
        await until(lambda: service.ami.status.state is not LineState.UP)
        with pytest.raises(PbxUnavailable):
            service.calls.of_extensions([JOHN])
        assert await service.phone_call_events.find(JOHN) == [], "events are served all the same"


async def test_the_calls_of_a_user_are_those_of_all_its_extensions(
    settings: Settings, server: AmiServer
) -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    ana = pbx.place("trunk", "0213334444", number="0040")
    _list_channels(server, john, mary, ana)
    async with Service(settings) as service:
        await _up(service)
        owner, other = service.directory.user(12), service.directory.user(13)
        assert owner is not None
        assert other is not None
        (call,) = service.calls.usable_by(owner)
        assert service.calls.usable_by(other) == []
        assert service.calls.of_extensions([JOHN, MARY]) == [call], "once, though both are in it"


def _store_row(settings: Settings, table: str, row: dict[str, object]) -> None:
    db = open_database(settings.store.path)
    db.table(table).insert(row)
    db.close()


async def test_a_stored_call_that_cannot_be_read_does_not_stop_the_start(
    settings: Settings, server: AmiServer
) -> None:
    _store_row(settings, "live_calls", {"id": "a", "document": "{}"})
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    _list_channels(server, john, mary)
    async with Service(settings) as service:
        await _up(service)
        assert len(service.calls.of_extensions([JOHN])) == 1


async def test_a_part_that_fails_is_told_so_that_the_process_can_be_started_again(
    settings: Settings, server: AmiServer
) -> None:
    no_method = {
        "id": "a",
        "extension": JOHN,
        "type": 1,
        "method": 5,
        "note": "",
        "url": "http://a",
        "origin": "http://a:80",
    }
    _store_row(
        settings,
        "phone_call_events",
        {**no_method, "status": 1, "modified": "2026-01-01T00:00:00+00:00"},
    )
    pbx = Script()
    async with Service(settings) as service:
        await _up(service)
        assert not service.broken.is_set()
        pbx.talk(JOHN, "220", MARY)
        play(server, pbx)
        await until(service.broken.is_set)
