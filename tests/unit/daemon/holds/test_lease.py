"""The lease of a hold, against an AMI on a socket."""

from collections.abc import AsyncIterator

import pytest

from daemon.holds.hold import Hold
from daemon.holds.lease import Lease
from tests.unit.ami_server import AmiServer, Message, error, listed, success
from tests.unit.daemon.calls.pbx_script import START
from tests.unit.daemon.pbx.lines import ami_line

HOLD = Hold("1795296890.0", "1795296890.1", "snoop", START, "", "-3.5")


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        server.answers["ShowDialPlan"] = listed("ListDialplan", {"Priority": "1"})
        server.answers["Setvar"] = success()
        yield server


def settings_of(server: AmiServer) -> dict[str, str]:
    """What was set on the Snoop."""
    sent: list[Message] = [a for a in server.actions if a["Action"] == "Setvar"]
    assert {action["Channel"] for action in sent} <= {HOLD.snoop}
    return {action["Variable"]: action["Value"] for action in sent}


@pytest.mark.parametrize(
    ("modules", "handler"),
    [
        ({"func_export", "app_system"}, "unhold"),
        ({"app_system"}, "unhold-by-cli"),
        (None, "unhold"),
    ],
)
async def test_the_handler_is_the_one_that_the_pbx_can_run(
    server: AmiServer, modules: set[str] | None, handler: str
) -> None:
    async with ami_line(server) as ami:
        lease = Lease(ami, 90)
        assert await lease.find_handler(modules) is None
        await lease.arm(HOLD)
    (asked,) = (a for a in server.actions if a["Action"] == "ShowDialPlan")
    assert (asked["Context"], asked["Extension"]) == ("uapid", handler)
    assert settings_of(server) == {
        "CHANNEL(hangup_handler_wipe)": f"uapid,{handler},1(1795296890.0,0,1795296890.1,-3.5)",
        "TIMEOUT(absolute)": "90",
    }


@pytest.mark.parametrize(
    ("answer", "modules", "told"),
    [
        ("Did not find extension unhold@uapid", None, "no extension unhold in the context uapid"),
        ("Did not find context uapid", {"func_export"}, "no extension unhold in the context uapid"),
        ("Permission denied", {"func_export"}, "Permission denied"),
        ("", {"app_dial"}, "neither the module func_export nor app_system"),
    ],
)
async def test_what_is_missing_is_told_and_no_snoop_is_armed(
    server: AmiServer, answer: str, modules: set[str] | None, told: str
) -> None:
    server.answers["ShowDialPlan"] = error(answer)
    async with ami_line(server) as ami:
        lease = Lease(ami, 90)
        lacking = await lease.find_handler(modules)
        await lease.arm(HOLD)
        await lease.renew(HOLD.snoop)
    assert lacking is not None
    assert told in lacking
    assert settings_of(server) == {}


async def test_no_uniqueid_that_a_shell_could_read_otherwise_goes_to_the_old_handler(
    server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    odd = Hold('1"; touch /tmp/x; "', "1795296890.1", "snoop", START, "", "")
    async with ami_line(server) as ami:
        lease = Lease(ami, 90)
        await lease.find_handler({"app_system"})
        await lease.arm(odd)
    assert settings_of(server) == {}
    assert "without a lease" in caplog.text


async def test_a_snoop_that_is_disarmed_gives_no_voices_back() -> None:
    async with AmiServer() as server, ami_line(server) as ami:
        server.answers["Setvar"] = success()
        await Lease(ami, 90).disarm(HOLD.snoop)
        assert settings_of(server) == {"CHANNEL(hangup_handler_wipe)": ""}
