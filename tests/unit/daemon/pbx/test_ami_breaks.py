"""Links that break or are dead, logins that are refused, and how the line tells of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from config.settings import Ami
from daemon.pbx.line import AFTER_REFUSAL, CONNECT_DEADLINE, LineState
from daemon.supervise import SOON
from tests.unit.ami_server import AmiServer, Message, error
from tests.unit.daemon.pbx.lines import Told, ami_line, in_no_hurry_after_a_refusal, until_up
from tests.unit.waiting import until


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        yield server


# --- links that are dead ---


def test_by_default_a_dead_link_is_found_within_ten_seconds() -> None:
    assert Ami().ping_interval + Ami().timeout < 10


def test_the_line_is_back_within_five_seconds_of_the_pbx_at_the_latest() -> None:
    assert SOON.pause(1000, 0.0) + CONNECT_DEADLINE < 5


async def test_a_link_that_is_open_and_silent_is_found_and_made_anew(server: AmiServer) -> None:
    told = Told()
    async with ami_line(server, told, ping_interval=0.2, timeout=0.3) as line:
        server.freeze()
        await until(lambda: told.lost == 1, 1)
        assert line.status.state is LineState.DOWN
        assert "no answer to Ping in 0.3 s" in line.status.reason
        server.thaw()
        await until_up(line)


async def test_a_line_that_is_cancelled_before_it_connects_again_stays_away(
    server: AmiServer,
) -> None:
    told = Told()
    async with ami_line(server, told):
        server.hang_up()
        await until(lambda: told.lost == 1)
    async with ami_line(server, ping_interval=SOON.first * 2):
        # Until then the other one would have connected again.
        await until(lambda: any(action["Action"] == "Ping" for action in server.actions))
        assert server.logins == 2


async def test_a_pbx_that_accepts_and_does_not_greet_is_given_up_at_the_deadline(
    server: AmiServer,
) -> None:
    server.freeze()
    async with ami_line(server, timeout=0.3) as line:
        assert line.status.state is LineState.DOWN
        assert "no answer to Login in 0.3 s" in line.status.reason
        server.thaw()
        await until_up(line)


async def test_a_connection_that_is_not_even_refused_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daemon.pbx.ami.CONNECT_DEADLINE", 0.3)
    # Linux drops the SYN when the backlog is full, as a network that is cut would.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname(), timeout=5),
    ):
        server = AmiServer()
        server.port = full.getsockname()[1]
        async with ami_line(server) as line:
            assert line.status.state is LineState.DOWN
            assert line.status.reason.endswith("no answer")


# --- logins that are refused ---


async def test_a_wrong_secret_is_loud_and_lasting_and_not_tried_in_a_hurry(
    server: AmiServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_no_hurry_after_a_refusal(monkeypatch, 0.5)
    times: list[float] = []

    def refuse(action: Message) -> list[Message]:
        times.append(asyncio.get_running_loop().time())
        return error("Authentication failed")(action)

    server.answers["Login"] = refuse
    async with ami_line(server, secret="hunter2") as line:
        since = line.status.since
        await until(lambda: len(times) == 3)
        assert line.status.state is LineState.REFUSED
        assert line.status.since == since, "it is the same refusal"
        assert "Authentication failed" in line.status.reason
    assert min(after - before for before, after in pairwise(times)) > 0.45
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "compare [ami] username and secret with manager.conf" in record.getMessage()
    assert "hunter2" not in caplog.text


def test_a_refused_login_is_tried_too_seldom_for_the_guards_of_the_pbx() -> None:
    pauses = [AFTER_REFUSAL.pause(ends, 1.0) for ends in range(1, 20)]
    assert pauses[0] >= 9
    assert sum(pauses[:5]) > 600, "five attempts in ten minutes are what fail2ban bans"
    assert AFTER_REFUSAL.pause(20, 0.0) == 300


async def test_of_a_refusal_that_lasts_the_log_has_a_reminder_now_and_then(
    server: AmiServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_no_hurry_after_a_refusal(monkeypatch, 0.1)
    monkeypatch.setattr("daemon.pbx.line.REMINDER_INTERVAL", 0.25)
    async with ami_line(server, secret="hunter2"):
        await until(lambda: server.names().count("Login") == 8)
    assert 2 <= caplog.text.count("Authentication failed") <= 4


async def test_a_login_that_is_accepted_at_last_brings_the_line_up(
    server: AmiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_no_hurry_after_a_refusal(monkeypatch, 0.1)
    right = server.answers["Login"]
    server.answers["Login"] = error("Authentication failed")
    async with ami_line(server) as line:
        assert line.status.state is LineState.REFUSED
        server.answers["Login"] = right
        await until_up(line)


# --- how it stands ---


async def test_the_status_tells_since_when_and_how_old_the_last_message_is(
    server: AmiServer,
) -> None:
    def age() -> float:
        age = line.status.last_message_age
        assert age is not None
        return age

    began = datetime.now(UTC)
    async with ami_line(server, ping_interval=0.3) as line:
        assert began <= line.status.since <= datetime.now(UTC)
        await until(lambda: age() > 0.2)
        await until(lambda: age() < 0.1)  # the pong
        await until(lambda: age() > 0.2)
        server.send({"Event": "VarSet"})
        await until(lambda: age() < 0.1)  # any event, wanted or not


async def test_each_change_is_told_to_who_watches(server: AmiServer) -> None:
    states: list[LineState] = []
    async with ami_line(server) as line:
        line.watch(lambda: states.append(line.status.state))
        server.hang_up()
        await until(lambda: len(states) == 2)
    assert states == [LineState.DOWN, LineState.UP]
