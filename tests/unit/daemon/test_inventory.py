"""What the PBX has becomes known, and what is not there is no failure."""

import logging
from pathlib import Path

import pytest

from config.people import Organization
from config.settings import Ami, Ari, Settings, Store
from daemon import inventory
from daemon.directory import Directory
from daemon.pbx.line import LineState
from daemon.pbx_names import Kind
from daemon.service import Service
from tests.unit.ami_server import SECRET, AmiServer, Message, error
from tests.unit.ari_server import PASSWORD, AriServer
from tests.unit.waiting import until

ACME = Organization(
    id="3",
    name="Acme",
    prefix="0003",
    endpoints=("{2XX}",),
    queues=("{4XX}",),
    ivrs=("ivr-{X!}",),
)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "LOOK_INTERVAL", 0.02)
    monkeypatch.setattr(inventory, "_REST", 0)


@pytest.fixture
def settings(tmp_path: Path, ami: AmiServer, ari: AriServer) -> Settings:
    ami_settings = {"port": ami.port, "secret": SECRET}
    ari_settings = {"url": f"http://127.0.0.1:{ari.port}/", "password": PASSWORD}
    return Settings(
        ami=Ami.model_validate(ami_settings),
        ari=Ari.model_validate(ari_settings),
        store=Store(path=tmp_path / "uapid.sqlite"),
        organizations=(ACME,),
    )


def has(ami: AmiServer, action: str, event: str, header: str, *names: str) -> None:
    """The PBX answers this action with a list of these."""

    def answer(_: Message) -> list[Message]:
        return [
            {"Response": "Success", "EventList": "start"},
            *({"Event": event, header: name} for name in names),
            {"Event": f"{action}Complete", "EventList": "Complete", "ListItems": str(len(names))},
        ]

    ami.answers[action] = answer


def has_endpoints(ari: AriServer, *names: str) -> None:
    trunk = {"technology": "SIP", "resource": "299"}
    found = [{"technology": "PJSIP", "resource": name} for name in names]
    ari.answers["/endpoints"] = (200, [trunk, *found])


def has_all(ami: AmiServer, ari: AriServer) -> None:
    has_endpoints(ari, "210", "trunk")
    has(ami, "QueueSummary", "QueueSummary", "Queue", "400", "default")
    has(ami, "Parkinglots", "Parkinglot", "Name", "default")
    has(ami, "ShowDialPlan", "ListDialplan", "Context", "ivr-1", "ivr-1", "macro-x")


def known(directory: Directory) -> list[str]:
    """Those extensions that the tests are about."""
    numbers = ("0003*210", "0003*299", "0003*400", "0003*401", "0003*1")
    return [number for number in numbers if directory.exists(number)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == inventory.__name__ and record.levelno >= logging.WARNING
    ]


async def test_what_the_pbx_has_is_known_and_still_so_at_the_next_start(
    settings: Settings, ami: AmiServer, ari: AriServer
) -> None:
    has_all(ami, ari)
    async with Service(settings) as service:
        await until(lambda: known(service.directory) == ["0003*210", "0003*400", "0003*1"])
        await until(lambda: service.directory.found(Kind.PARKING_LOT) == frozenset({"default"}))
    alone = settings.model_copy(update={"ami": Ami(port=1), "ari": Ari(url="http://127.0.0.1:1/")})
    async with Service(alone) as service:
        assert known(service.directory) == ["0003*210", "0003*400", "0003*1"]
        assert service.directory.found(Kind.PARKING_LOT) == frozenset({"default"})


async def test_what_comes_and_goes_on_the_pbx_is_noticed(
    settings: Settings, ami: AmiServer, ari: AriServer
) -> None:
    has_all(ami, ari)
    async with Service(settings) as service:
        await until(lambda: known(service.directory) == ["0003*210", "0003*400", "0003*1"])
        has_endpoints(ari, "299")
        has(ami, "QueueSummary", "QueueSummary", "Queue", "401")
        has(ami, "ShowDialPlan", "ListDialplan", "Context")
        await until(lambda: known(service.directory) == ["0003*299", "0003*401"])
    async with Service(settings) as service:
        assert known(service.directory) == ["0003*299", "0003*401"]


async def test_a_reload_of_the_settings_asks_the_pbx_at_once(
    settings: Settings, ami: AmiServer, ari: AriServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "LOOK_INTERVAL", 60.0)
    monkeypatch.setattr(inventory, "_REST", 1_000_000)
    has_all(ami, ari)
    without = settings.model_copy(update={"organizations": (ACME.model_copy(update={"ivrs": ()}),)})
    async with Service(without) as service:
        await until(lambda: known(service.directory) == ["0003*210", "0003*400"])
        has_endpoints(ari, "299")
        await service.reload(settings)
        await until(lambda: known(service.directory) == ["0003*299", "0003*400", "0003*1"])


async def test_modules_that_are_not_loaded_are_no_failure(
    settings: Settings, ami: AmiServer, ari: AriServer, caplog: pytest.LogCaptureFixture
) -> None:
    has_endpoints(ari, "210")
    assert "QueueSummary" not in ami.answers, "an unknown command for this PBX"
    async with Service(settings) as service:
        await until(lambda: known(service.directory) == ["0003*210"])
        assert service.directory.found(Kind.QUEUE) == frozenset()
        assert service.ami.status.state is LineState.UP
    assert warnings(caplog) == []


async def test_a_right_that_lacks_is_told_once_and_all_else_is_read(
    settings: Settings, ami: AmiServer, ari: AriServer, caplog: pytest.LogCaptureFixture
) -> None:
    has_all(ami, ari)
    ami.answers["QueueSummary"] = error("Permission denied")
    async with Service(settings) as service:
        await until(lambda: ami.names().count("QueueSummary") > 3)
        await until(lambda: service.directory.found(Kind.IVR) == frozenset({"ivr-1", "macro-x"}))
    assert warnings(caplog) == [
        "PBX: queues: not read: AMI refused QueueSummary: Permission denied"
    ]


async def test_the_dialplan_is_read_only_if_an_organization_has_ivrs_by_a_pattern(
    settings: Settings, ami: AmiServer, ari: AriServer
) -> None:
    has_all(ami, ari)
    without = settings.model_copy(update={"organizations": (ACME.model_copy(update={"ivrs": ()}),)})
    async with Service(without):
        await until(lambda: ami.names().count("Parkinglots") > 2)
    assert "s" not in [action.get("Extension") for action in ami.actions]


@pytest.mark.parametrize(
    ("changes", "classes"),
    [
        ({}, "call,dialplan,agent"),
        ({"ivrs": ()}, "call,agent"),
        ({"ivrs": (), "queues": None}, "call,agent"),  # queues that are called as their numbers
        ({"ivrs": (), "queues": ()}, "call"),
    ],
)
async def test_events_of_queues_and_ivrs_are_asked_for_where_some_may_be_found(
    settings: Settings, ami: AmiServer, changes: dict[str, object], classes: str
) -> None:
    organization = ACME.model_copy(update=changes)
    async with Service(settings.model_copy(update={"organizations": (organization,)})):
        await until(lambda: "Login" in ami.names())
    (login,) = (action for action in ami.actions if action["Action"] == "Login")
    assert login["Events"] == classes
