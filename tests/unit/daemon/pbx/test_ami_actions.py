import asyncio
from collections.abc import AsyncIterator

import pytest

from config.settings import Ami
from daemon.pbx.ami import AmiLine
from daemon.pbx.line import LineState, PbxRefused, PbxTimeout, PbxUnavailable
from tests.unit.ami_server import AmiServer, error, listed, silence, success
from tests.unit.daemon.pbx.lines import Told, ami_line, until_up
from tests.unit.waiting import until


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        yield server


async def test_an_action_carries_its_headers_and_returns_the_answer(server: AmiServer) -> None:
    server.answers["Getvar"] = success(Variable="X", Value="é: 1")
    async with ami_line(server) as line:
        answer = await line.action("Getvar", Channel="PJSIP/é", Variable="X")
    assert answer["Value"] == "é: 1"
    sent = server.actions[-1]
    assert (sent["Action"], sent["Channel"], sent["Variable"]) == ("Getvar", "PJSIP/é", "X")


async def test_answers_find_their_actions_in_whatever_order_they_come(server: AmiServer) -> None:
    server.answers["Getvar"] = silence
    async with ami_line(server) as line:
        asked = [
            asyncio.create_task(line.action("Getvar", Variable=str(number))) for number in range(5)
        ]
        await until(lambda: server.names().count("Getvar") == 5)
        for action in reversed(server.actions[-5:]):
            value = {"Value": action["Variable"], "ActionID": action["ActionID"]}
            server.send({"Response": "Success", **value})
        assert [(await task)["Value"] for task in asked] == ["0", "1", "2", "3", "4"]


async def test_a_refusal_carries_the_words_of_the_pbx(server: AmiServer) -> None:
    server.answers["Setvar"] = error("No such channel")
    async with ami_line(server) as line:
        with pytest.raises(PbxRefused, match="Setvar: No such channel"):
            await line.action("Setvar", Channel="PJSIP/gone")


async def test_a_list_is_the_events_of_the_answer_and_no_others(server: AmiServer) -> None:
    server.answers["CoreShowChannels"] = listed("CoreShowChannel", {"N": "1"}, {"N": "2"})
    told = Told()
    async with ami_line(server, told) as line:
        server.send({"Event": "Newchannel", "Number": "1"})
        rows = await line.list_action("CoreShowChannels")
    assert [row["N"] for row in rows] == ["1", "2"]
    assert [event["Event"] for event in told.events] == ["Newchannel"]


async def test_events_between_those_of_a_list_go_to_the_listener(server: AmiServer) -> None:
    server.answers["CoreShowChannels"] = silence
    told = Told()
    async with ami_line(server, told) as line:
        asked = asyncio.create_task(line.list_action("CoreShowChannels"))
        await until(lambda: "CoreShowChannels" in server.names())
        its = {"ActionID": server.actions[-1]["ActionID"]}
        server.send(
            {"Response": "Success", "EventList": "start", **its},
            {"Event": "Hangup", "Number": "1"},
            {"Event": "CoreShowChannel", "N": "1", **its},
            {"Event": "Hangup", "Number": "2"},
            {"Event": "CoreShowChannelsComplete", "ListItems": "1", **its},
        )
        assert [row["N"] for row in await asked] == ["1"]
    assert told.numbers() == ["1", "2"]


async def test_a_list_that_lost_an_item_on_the_way_is_none(server: AmiServer) -> None:
    """Or a channel that was not listed would count as one that has hung up."""
    server.answers["CoreShowChannels"] = silence
    async with ami_line(server) as line:
        asked = asyncio.create_task(line.list_action("CoreShowChannels"))
        await until(lambda: "CoreShowChannels" in server.names())
        its = {"ActionID": server.actions[-1]["ActionID"]}
        server.send(
            {"Response": "Success", "EventList": "start", **its},
            {"Event": "CoreShowChannel", "N": "1", **its},
            {"Event": "CoreShowChannel", "N": "2", "ActoinID": its["ActionID"]},
            {"Event": "CoreShowChannelsComplete", "ListItems": "2", **its},
        )
        with pytest.raises(PbxUnavailable, match="came with 1 of 2 items"):
            await asked


async def test_a_list_may_take_longer_than_an_answer_as_long_as_it_goes_on(
    server: AmiServer,
) -> None:
    server.answers["CoreShowChannels"] = silence
    async with ami_line(server, timeout=0.3) as line:
        asked = asyncio.create_task(line.list_action("CoreShowChannels"))
        await until(lambda: "CoreShowChannels" in server.names())
        its = {"ActionID": server.actions[-1]["ActionID"]}
        server.send({"Response": "Success", "EventList": "start", **its})
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while loop.time() - began < 0.9:
            server.send({"Event": "CoreShowChannel", "N": str(count), **its})
            count += 1
            await asyncio.sleep(0.01)
        server.send({"Event": "CoreShowChannelsComplete", "ListItems": str(count), **its})
        assert len(await asked) == count
        asked = asyncio.create_task(line.list_action("CoreShowChannels"))
        with pytest.raises(PbxTimeout):
            await asked


async def test_an_empty_list_is_empty(server: AmiServer) -> None:
    server.answers["CoreShowChannels"] = listed("CoreShowChannel")
    async with ami_line(server) as line:
        assert await line.list_action("CoreShowChannels") == []


async def test_a_list_that_is_refused_is_told_at_once(server: AmiServer) -> None:
    server.answers["CoreShowChannels"] = error("Permission denied")
    async with ami_line(server) as line:
        async with asyncio.timeout(2):
            with pytest.raises(PbxRefused, match="Permission denied"):
                await line.list_action("CoreShowChannels")


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\r\nAction: Originate\r\n\r\n"])
async def test_a_value_that_would_start_a_new_header_is_not_sent(
    server: AmiServer, sign: str
) -> None:
    server.answers["Setvar"] = success()
    async with ami_line(server) as line:
        with pytest.raises(ValueError, match="'Value' must not hold CR, LF or NUL"):
            await line.action("Setvar", Variable="X", Value=f"a{sign}b")
        await line.action("Setvar", Variable="X", Value="ab")
    assert server.names() == ["Login", "Setvar"]


async def test_a_header_name_that_would_start_a_new_header_is_not_sent(server: AmiServer) -> None:
    async with ami_line(server) as line:
        for sign in "\r\n\0":
            with pytest.raises(ValueError, match="must not hold CR, LF or NUL"):
                await line.action("Setvar", **{f"Variable: X{sign}Value": "ab"})
    assert server.names() == ["Login"]


async def test_an_action_that_waits_when_the_line_is_lost_fails_and_is_not_sent_again(
    server: AmiServer,
) -> None:
    server.answers |= {"Originate": silence, "Getvar": success()}
    async with ami_line(server) as line:
        asked = asyncio.create_task(line.action("Originate", Channel="PJSIP/a"))
        await until(lambda: "Originate" in server.names())
        server.hang_up()
        with pytest.raises(PbxUnavailable, match="lost") as failure:
            await asked
        assert not isinstance(failure.value, PbxTimeout)
        await until(lambda: server.logins == 2)
        await until_up(line)
        await line.action("Getvar")
    assert server.names() == ["Login", "Originate", "Login", "Getvar"]


async def test_an_action_that_nobody_waits_for_any_more_harms_nothing(server: AmiServer) -> None:
    server.answers |= {"Getvar": silence, "Setvar": success()}
    async with ami_line(server) as line:
        asked = asyncio.create_task(line.action("Getvar"))
        await until(lambda: "Getvar" in server.names())
        late = {"ActionID": server.actions[-1]["ActionID"]}
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        server.send({"Response": "Success", **late})
        await line.action("Setvar")
        assert line.status.state is LineState.UP


async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(server: AmiServer) -> None:
    """Or a daemon that is told to stop would wait for ever for a line that goes on."""
    server.answers["Getvar"] = silence
    told = Told(on_event=lambda _: asked.cancel())
    async with ami_line(server, told) as line:
        asked = asyncio.create_task(line.action("Getvar"))
        await until(lambda: "Getvar" in server.names())
        its = {"ActionID": server.actions[-1]["ActionID"]}
        server.send({"Response": "Success", **its}, {"Event": "Hangup"})
        await asyncio.wait({asked})
        assert asked.cancelled()


async def test_an_action_without_an_answer_ends_at_its_deadline_and_the_line_goes_on(
    server: AmiServer,
) -> None:
    server.answers |= {"Getvar": silence, "Status": silence, "Setvar": success()}
    async with ami_line(server, timeout=0.2) as line:
        with pytest.raises(PbxTimeout, match=r"no answer to Getvar in 0\.2 s"):
            await line.action("Getvar")
        with pytest.raises(PbxTimeout, match=r"no answer to Status in 0\.2 s"):
            await line.list_action("Status")
        await line.action("Setvar")
        assert line.status.state is LineState.UP


async def test_before_the_line_runs_an_action_fails_and_says_why() -> None:
    async def never() -> None:
        raise AssertionError

    line = AmiLine(
        Ami(), event_classes="", events=(), on_event=print, take_snapshot=never, on_lost=print
    )
    with pytest.raises(PbxUnavailable, match="not connected yet"):
        await line.action("Getvar")
