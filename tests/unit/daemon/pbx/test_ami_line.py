from collections.abc import AsyncIterator, Mapping

import pytest

from daemon.pbx.ami import AmiLine
from daemon.pbx.ami_protocol import LONGEST_MESSAGE
from daemon.pbx.line import LineState, PbxUnavailable
from tests.unit.ami_server import SECRET, AmiServer, error, listed, success
from tests.unit.daemon.pbx.lines import Told, ami_line, until_up
from tests.unit.waiting import until


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        yield server


def _numbered(*numbers: int) -> list[dict[str, str]]:
    return [{"Event": "Newstate", "Number": str(number)} for number in numbers]


async def test_a_login_asks_for_the_events_of_calls_and_brings_the_line_up(
    server: AmiServer,
) -> None:
    async with ami_line(server) as line:
        assert line.status.state is LineState.UP
        assert str(server.port) in line.status.reason
    (login,) = server.actions
    assert (login["Username"], login["Secret"], login["Events"]) == (
        "uapid",
        SECRET,
        "call,agent",
    )


async def test_events_come_in_the_order_of_the_wire(server: AmiServer) -> None:
    told = Told()
    async with ami_line(server, told):
        for start in range(0, 1000, 100):
            server.send(*_numbered(*range(start, start + 100)))
        await until(lambda: len(told.events) == 1000)
    assert told.numbers() == [str(number) for number in range(1000)]


async def test_a_listener_that_raises_does_not_lose_the_next_event(
    server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fails_at_two(event: Mapping[str, str]) -> None:
        if event.get("Number") == "2":
            raise LookupError("a bug in the listener")

    told = Told(on_event=fails_at_two)
    async with ami_line(server, told) as line:
        server.send(*_numbered(1, 2, 3))
        await until(lambda: "3" in told.numbers())
        assert line.status.state is LineState.UP
    assert told.numbers() == ["1", "3"]
    assert "a bug in the listener" in caplog.text


async def test_a_lost_connection_is_told_and_made_again(server: AmiServer) -> None:
    told = Told()
    async with ami_line(server, told) as line:
        server.hang_up()
        await until(lambda: told.lost == 1)
        assert line.status.state is LineState.DOWN
        await until_up(line)
        server.send(*_numbered(1))
        await until(told.numbers)
    assert server.logins == 2


async def test_a_pbx_that_is_down_at_first_is_found_when_it_comes() -> None:
    async with AmiServer() as server:
        pass
    async with ami_line(server) as line:
        assert line.status.state is LineState.DOWN
        assert str(server.port) in line.status.reason
        async with server:
            await until_up(line)


async def test_a_message_without_end_ends_the_connection_and_the_line_comes_back(
    server: AmiServer,
) -> None:
    told = Told()
    async with ami_line(server, told) as line:
        server.send_bytes(b"Event: Endless\r\nX: " + b"x" * LONGEST_MESSAGE)
        await until(lambda: told.lost == 1)
        await until_up(line)
        server.send(*_numbered(1))
        await until(told.numbers)
    assert [event["Event"] for event in told.events] == ["Newstate"]


async def test_a_long_message_with_an_end_is_taken(server: AmiServer) -> None:
    told = Told()
    long = "x" * (LONGEST_MESSAGE // 2)
    async with ami_line(server, told):
        server.send({"Event": "Long", "Number": long})
        await until(told.numbers)
    assert told.numbers() == [long]


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\r\n"]
)
async def test_what_is_no_asterisk_manager_is_told_so(greeting: bytes) -> None:
    async with AmiServer(greeting) as server, ami_line(server) as line:
        assert line.status.state is LineState.DOWN
        assert "no Asterisk manager" in line.status.reason


async def test_the_line_is_up_only_after_the_work_of_the_login(server: AmiServer) -> None:
    server.answers["CoreShowChannels"] = listed("CoreShowChannel", {"N": "1"})
    states = []

    async def take_snapshot(line: AmiLine) -> None:
        await line.list_action("CoreShowChannels")
        states.append(line.status.state)

    async with ami_line(server, take_snapshot=take_snapshot) as line:
        assert line.status.state is LineState.UP
        assert states == [LineState.DOWN]
        server.hang_up()
        await until(lambda: len(states) == 2)
    assert server.names()[:4] == ["Login", "CoreShowChannels"] * 2


async def test_a_login_whose_work_fails_does_not_bring_the_line_up(server: AmiServer) -> None:
    async def take_snapshot(line: AmiLine) -> None:
        if server.logins == 1:
            raise PbxUnavailable("the store is full")

    told = Told()
    async with ami_line(server, told, take_snapshot=take_snapshot) as line:
        assert line.status.state is LineState.DOWN
        assert "the store is full" in line.status.reason
        await until_up(line)
    assert told.lost == 2, "once for the failure, once for the end"


async def test_missing_rights_are_a_refusal(server: AmiServer) -> None:
    server.answers["Getvar"] = error("Permission denied")

    async def take_snapshot(line: AmiLine) -> None:
        await line.action("Getvar")

    async with ami_line(server, take_snapshot=take_snapshot) as line:
        assert line.status.state is LineState.REFUSED
        assert "Permission denied" in line.status.reason


async def test_dropping_the_line_makes_a_new_connection(
    server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    async with ami_line(server, told) as line:
        line.drop("the store does not take call changes")
        await until(lambda: told.lost == 1)
        await until_up(line)
    assert server.logins == 2
    assert "the store does not take call changes" in caplog.text


async def test_a_cancelled_line_ends_its_connection(server: AmiServer) -> None:
    server.answers["Getvar"] = success()
    async with ami_line(server) as line:
        await line.action("Getvar")
    with pytest.raises(PbxUnavailable):
        await line.action("Getvar")


async def test_a_pbx_that_restarts_says_so_and_is_waited_for(server: AmiServer) -> None:
    told = Told()
    async with ami_line(server, told) as line:
        server.send({"Event": "Shutdown", "Shutdown": "Cleanly", "Restart": "True"}, *_numbered(1))
        await until(told.numbers)
        assert line.status.state is LineState.UP, "the end of the line is the end of the socket"
        server.hang_up()
        await until(lambda: server.logins == 2)


async def test_a_fault_of_our_own_is_no_line_that_is_up(
    server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def take_snapshot(line: AmiLine) -> None:
        snapshots.append(line.status.state)
        if len(snapshots) == 2:
            raise LookupError("a bug in the snapshot")

    snapshots: list[LineState] = []
    async with ami_line(server, take_snapshot=take_snapshot, ping_interval=0.1):
        server.send_bytes(b"Evnt: Newstate\r\n\r\n")
        await until(lambda: len(snapshots) == 3)
    assert snapshots == [LineState.DOWN, LineState.UP, LineState.DOWN]
    assert "a bug in the snapshot" in caplog.text


# --- a message that cannot be taken in ---


async def test_after_a_message_that_could_not_be_taken_in_the_pbx_is_asked_again(
    server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    def corrupt(event: Mapping[str, str]) -> None:
        event["Number"]

    snapshots: list[AmiLine] = []

    async def take_snapshot(line: AmiLine) -> None:
        snapshots.append(line)

    told = Told(on_event=corrupt)
    async with ami_line(server, told, take_snapshot=take_snapshot, ping_interval=0.2) as line:
        assert len(snapshots) == 1
        server.send(*[{"Event": "Newstate", "Numbr": "1"}] * 500, *_numbered(2))
        await until(lambda: len(snapshots) == 2)
        pings = [action for action in server.actions if action["Action"] == "Ping"]
        await until(lambda: len(server.actions) > len(pings) + 2)
        assert len(snapshots) == 2, "once for all of them, and the pings go on"
        assert line.status.state is LineState.UP
    assert told.numbers() == ["2"]
    assert caplog.text.count("could not be taken in") == 2, "at once, and their number later"
    assert "could not be taken in: 500" in caplog.text


async def test_a_snapshot_that_fails_makes_a_new_connection(server: AmiServer) -> None:
    async def take_snapshot(line: AmiLine) -> None:
        if len(taken) == 1:
            taken.append("not")
            raise PbxUnavailable("no answer")
        taken.append("well")

    taken: list[str] = []
    async with ami_line(server, take_snapshot=take_snapshot, ping_interval=0.1):
        server.send_bytes(b"Evnt: Newstate\r\n\r\n")
        await until(lambda: len(taken) == 3)
    assert taken == ["well", "not", "well"]
    assert server.logins == 2
