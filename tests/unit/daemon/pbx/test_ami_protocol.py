"""What is read out of the bytes, however they come."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from panoramisk.actions import Action

from daemon.pbx.ami_protocol import LONGEST_MESSAGE, AmiProtocol
from tests.unit.ami_server import GREETING
from tests.unit.ami_stream import to_bytes
from tests.unit.daemon.pbx.lines import EVENTS


class Transport(asyncio.Transport):
    """Keeps what is written, and whether the connection was ended."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


class Reader:
    """A protocol that has read these chunks, and the events it gave."""

    def __init__(
        self, *chunks: bytes, on_event: Callable[[dict[str, str]], None] | None = None
    ) -> None:
        self.events: list[dict[str, str]] = []
        self.transport = Transport()
        self.protocol = AmiProtocol(EVENTS, on_event or self.events.append, lambda: None)
        self.protocol.connection_made(self.transport)
        for chunk in chunks:
            self.protocol.data_received(chunk)

    def read(self, data: bytes) -> list[dict[str, str]]:
        self.protocol.data_received(data)
        return self.events


def _taken(*chunks: bytes) -> list[dict[str, str]]:
    return Reader(*chunks).events


async def test_a_stream_may_be_cut_at_any_byte() -> None:
    sent = [
        {"Event": "Newchannel", "CallerIDName": "José ☎ Ñ", "Exten": ""},
        {"Event": "Hangup", "Cause": "16"},
    ]
    stream = GREETING + to_bytes(*sent)
    expected = _taken(stream)
    assert [event["Event"] for event in expected] == ["Newchannel", "Hangup"]
    assert expected[0]["CallerIDName"] == "José ☎ Ñ"
    for cut in range(len(stream) + 1):
        assert _taken(stream[:cut], stream[cut:]) == expected, f"cut after byte {cut}"
    single = [stream[index : index + 1] for index in range(len(stream))]
    assert _taken(*single) == expected


async def test_bytes_that_are_no_utf8_do_not_lose_the_event() -> None:
    stream = GREETING + b"Event: Hangup\r\nCallerIDName: Jos\xe9\r\nCause: 16\r\n\r\n"
    (event,) = _taken(stream)
    assert event["Cause"] == "16"


async def test_an_event_that_nobody_wants_is_not_even_read() -> None:
    wanted = {"Event": "Hangup", "Cause": "16"}
    assert _taken(GREETING + to_bytes({"Event": "VarSet", "Variable": "X"}, wanted)) == [wanted]
    assert _taken(GREETING + b"Event: HangupRequest\r\n\r\n") == [], "a name that begins like one"
    assert _taken(GREETING + b"Event: Hangup\r\n\r\n") == [{"Event": "Hangup"}]


@pytest.mark.parametrize(
    "raw",
    [
        b"Privilege: call,all\r\nEvent: Hangup\r\nCause: 16\r\n\r\n",
        b"\r\nEvent: Hangup\r\nCause: 16\r\n\r\n",
        b"Event: Hangup\r\nCause: 16\r\n\r\n\r\n\r\n",
    ],
    ids=["Event-is-not-first", "empty-line-before", "empty-lines-after"],
)
async def test_an_event_of_another_shape_is_taken_too(raw: bytes) -> None:
    (event,) = _taken(GREETING, raw)
    assert (event["Event"], event["Cause"]) == ("Hangup", "16")


async def test_the_headers_of_an_event_come_as_they_were_sent() -> None:
    raw = b"Event: Hangup\r\nAppData: a: b\r\nno header\r\nExten:\r\nX:y\r\nLast: \r\n\r\n"
    assert _taken(GREETING + raw) == [
        {"Event": "Hangup", "AppData": "a: b", "Exten": "", "X": "y", "Last": ""}
    ]


async def test_events_of_a_list_that_was_given_up_are_nobodys_events() -> None:
    reader = Reader(GREETING)
    asked = Action({"Action": "Status", "ActionID": "1"})
    reader.protocol.send_action(asked)
    reader.protocol.forget(asked)
    its, other = {"ActionID": "1"}, {"ActionID": "2"}
    assert reader.read(
        to_bytes(
            {"Response": "Success", "EventList": "start", **its},
            {"Event": "Newchannel", **its},
            {"Event": "OriginateResponse", **other},
            {"Event": "StatusComplete", **its},
            {"Event": "Newstate", **its},
        )
    ) == [{"Event": "OriginateResponse", **other}, {"Event": "Newstate", **its}]


async def test_a_message_that_cannot_be_taken_in_is_counted_and_loses_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hangup = {"Event": "Hangup", "Cause": "16"}
    reader = Reader(GREETING)
    bad = b"Evnt: Newstate\r\nUniqueid: 1.1\r\n\r\n"
    assert reader.read(to_bytes(hangup) + bad * 1000 + to_bytes(hangup)) == [hangup, hangup]
    assert reader.protocol.take_missed() == 1000
    assert reader.protocol.take_missed() == 0
    (record,) = caplog.records
    assert "Evnt: Newstate" in record.getMessage(), "told once, with what came"
    reader.read(bad)
    assert len(caplog.records) == 2, "and again after it was asked for"


async def test_a_message_beyond_the_limit_ends_the_connection_and_what_came_before_counts() -> None:
    hangup = {"Event": "Hangup"}
    for end in (b"", b"\r\n\r\n"):
        reader = Reader(GREETING)
        reader.read(to_bytes(hangup) + b"Event: Newstate\r\nX: ")
        for _ in range(LONGEST_MESSAGE // 65536):
            reader.read(b"x" * 65536)
        reader.read(end)
        assert reader.transport.aborted
        assert reader.read(to_bytes(hangup)) == [hangup], "nothing is taken after the end"


async def test_a_long_message_in_small_pieces_is_not_searched_again_from_its_start() -> None:
    def seconds(size: int) -> float:
        reader = Reader(GREETING, b"Event: Newstate\r\nX: ")
        started = time.process_time()
        for _ in range(size // 64):
            reader.read(b"x" * 64)
        assert len(reader.read(b"\r\n\r\n")) == 1
        return time.process_time() - started

    short, long = (min(seconds(size) for _ in range(3)) for size in (1 << 15, 1 << 19))
    assert long < short * 16 * 4, "16 times the bytes, and not 256 times the work"
