"""Hostile and damaged bytes: whatever comes, the protocol goes on or ends the connection."""

import gzip
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panoramisk.actions import Action

from daemon.pbx.ami_protocol import LONGEST_MESSAGE
from tests.unit.ami_server import GREETING
from tests.unit.ami_stream import RECORDINGS, messages, to_bytes
from tests.unit.daemon.pbx.lines import EVENTS
from tests.unit.daemon.pbx.test_ami_protocol import Reader
from tests.unit.reproducible import reproducible

END = b"\r\n\r\n"
GOOD = {"Event": "Hangup", "Uniqueid": "1795296890.7943", "Cause": "16"}
RECORDED = gzip.decompress((RECORDINGS / "500-calls-read-call.ami.gz").read_bytes()).split(END)[1:]

# Bytes that mean something to the protocol come often, and in the wrong places.
SIGNIFICANT = (
    *(b"\r", b"\n", b"\r\n", END, b": ", b":", b"\0", b"\xc3", b"\xe2\x98", b"result: %"),
    *(b"Event: ", b"Event: Hangup", b"Event: Newstate\r\n", b"EventList: start\r\n"),
    *(b"Response: ", b"Response: Success\r\n", b"Response: Follows\r\n"),
    *(b"ActionID: 1\r\n", b"\r\nActionID: 1"),
)
pieces = st.one_of(st.binary(max_size=40), st.sampled_from(SIGNIFICANT))
garbage = st.lists(pieces, max_size=30).map(b"".join)
cuts = st.lists(st.integers(min_value=0, max_value=2000), max_size=20)


def cut(stream: bytes, at: list[int]) -> Iterator[bytes]:
    """The stream in chunks, cut at these places."""
    ends = sorted({*at, len(stream)})
    for start, end in zip([0, *ends], ends, strict=False):
        yield stream[start:end]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Some messages of a real PBX in which bytes were changed, lost and doubled."""
    first = draw(st.integers(0, len(RECORDED) - 10))
    stream = bytearray(END.join(RECORDED[first : first + draw(st.integers(1, 6))]))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(len(stream) - 1, 0)))
        length = draw(st.integers(0, 30))
        replacement = draw(st.one_of(pieces, st.just(bytes(stream[place : place + length]) * 2)))
        stream[place : place + length] = replacement
    return bytes(stream)


@pytest.fixture(autouse=True)
def _in_silence(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be taken in is logged, which is not what these tests look at."""
    caplog.set_level("CRITICAL", "daemon.pbx.ami_protocol")


@reproducible
@given(garbage, cuts)
async def test_any_bytes_in_any_chunks_never_raise(stream: bytes, at: list[int]) -> None:
    for start in (b"", GREETING):
        reader = Reader()
        for chunk in cut(start + stream, at):
            reader.read(chunk)
            assert reader.protocol.backlog <= len(start + stream)


@reproducible
@given(st.one_of(garbage, damaged()), cuts)
async def test_the_next_good_message_is_taken_whatever_came_before(
    stream: bytes, at: list[int]
) -> None:
    reader = Reader(GREETING)
    for chunk in cut(stream + END + to_bytes(GOOD), at):
        reader.read(chunk)
    assert reader.events[-1] == GOOD


@reproducible
@given(st.one_of(garbage, damaged()), cuts)
async def test_how_the_stream_is_cut_makes_no_difference(stream: bytes, at: list[int]) -> None:
    whole, pieced = Reader(GREETING), Reader(GREETING)
    whole.read(stream)
    for chunk in cut(stream, at):
        pieced.read(chunk)
    assert pieced.events == whole.events
    assert pieced.protocol.take_missed() == whole.protocol.take_missed()


@reproducible
@given(damaged(), st.integers(0, len(RECORDED) - 20), cuts)
async def test_damage_loses_no_message_but_the_damaged_ones(
    bad: bytes, first: int, at: list[int]
) -> None:
    good = END.join(RECORDED[first : first + 10]) + END
    expected = [event for event in messages(good) if event["Event"] in EVENTS]
    reader = Reader(GREETING)
    for chunk in cut(good + bad + END + good, at):
        reader.read(chunk)
    assert reader.events[: len(expected)] == expected
    assert reader.events[len(reader.events) - len(expected) :] == expected


@reproducible
@given(garbage, st.booleans())
async def test_an_action_gets_its_answer_whatever_came_before(stream: bytes, listed: bool) -> None:
    # Bytes that name the action itself could answer it; anything else cannot.
    stream = re.sub(rb"ActionID: 1", b"ActionID: 2", stream)
    reader = Reader(GREETING)
    action = Action({"Action": "X", "ActionID": "1"}, as_list=listed or False)
    reader.protocol.send_action(action)
    answer: list[dict[str, str]] = [{"Response": "Success", "ActionID": "1"}]
    if listed:
        answer += [{"Event": "Newstate", "ActionID": "1"}, {"Event": "XComplete", "ActionID": "1"}]
    before = list(reader.read(stream + END))
    assert reader.read(to_bytes(*answer)) == before, "its events are nobody else's"
    assert action.future.done()


@reproducible
@given(damaged(), st.sets(st.integers(0, 10)), cuts)
async def test_a_listener_that_fails_loses_only_what_it_failed_at(
    stream: bytes, failures: set[int], at: list[int]
) -> None:
    def take(event: dict[str, str]) -> None:
        seen.append(event)
        if len(seen) - 1 in failures:
            raise LookupError("a bug in the listener")

    well = Reader(GREETING, stream)
    seen: list[dict[str, str]] = []
    reader = Reader(on_event=take)
    for chunk in cut(GREETING + stream, at):
        reader.read(chunk)
    assert seen == well.events


@settings(reproducible, max_examples=15)
@given(st.binary(min_size=1, max_size=200).filter(lambda data: b"\r" not in data))
async def test_a_message_without_end_takes_bounded_memory_and_ends_the_connection(
    data: bytes,
) -> None:
    read = data * (65536 // len(data))
    for start in (b"", GREETING):
        reader = Reader(start)
        for _ in range(2 * LONGEST_MESSAGE // len(read)):
            reader.read(read)
            assert reader.protocol.backlog <= LONGEST_MESSAGE + len(read)
        assert reader.transport.aborted
        assert reader.protocol.backlog == 0
