"""How the answer to an attempt is taken."""

import asyncio
import gzip
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.events.attempt import EXCERPT_BYTES, _retry_after
from daemon.events.deliveries import Delivered, Failed, Gone
from tests.unit.daemon.events.raw_server import (
    DELIVERY,
    http_answer,
    outcome_of,
    raw_server,
    sending,
)
from tests.unit.reproducible import reproducible
from tests.unit.webhook_receiver import Receiver

# --- answers ---


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(status: int) -> None:
    assert await outcome_of(http_answer(status)) == Delivered(f"HTTP status {status}")


async def test_410_is_gone() -> None:
    assert await outcome_of(http_answer(410, b"go away")) == Gone("HTTP status 410", "go away")


@pytest.mark.parametrize("status", [300, 400, 401, 404, 408, 422, 499])
async def test_3xx_and_4xx_fail_and_are_no_fault_of_the_server(status: int) -> None:
    assert await outcome_of(http_answer(status, b"no")) == Failed(
        f"HTTP status {status}", "no", alive=True
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 999])
async def test_5xx_fail_and_are_a_fault_of_the_server(status: int) -> None:
    assert await outcome_of(http_answer(status, b"oh")) == Failed(f"HTTP status {status}", "oh")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with Receiver() as elsewhere:
        answer = http_answer(status, b"", f"Location: {elsewhere.url}/")
        assert await outcome_of(answer) == Failed(f"HTTP status {status}", alive=True)
        assert elsewhere.requests == []


# --- Retry-After ---


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), [("120", 120.0), ("0", 0.0), ("007", 7.0)])
async def test_the_app_may_ask_for_seconds_to_be_left_alone(
    status: int, text: str, seconds: float
) -> None:
    failed = await outcome_of(http_answer(status, b"", f"Retry-After: {text}"))
    assert failed == Failed(f"HTTP status {status}", retry_after=seconds)


@pytest.mark.parametrize("status", [429, 503])
async def test_the_app_may_ask_to_be_left_alone_until_a_date(status: int) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=100)
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    dates = *map(format_datetime, (at, elsewhere)), format_datetime(at, usegmt=True)
    for date in (*dates, f"{at:%a %b %d %X %Y}"):
        failed = await outcome_of(http_answer(status, b"", f"Retry-After: {date}"))
        assert isinstance(failed, Failed)
        assert failed.retry_after is not None
        assert 90.0 < failed.retry_after <= 100.0, date


@pytest.mark.parametrize("status", [200, 301, 400, 404, 410, 500, 502, 504])
async def test_on_other_answers_a_retry_after_says_nothing(status: int) -> None:
    outcome = await outcome_of(http_answer(status, b"", "Retry-After: 120"))
    assert getattr(outcome, "retry_after", None) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "-5", "1.5", "1e3", "٣", "Wed,", "Wed, 21 Oct 2015"),
        "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
        "Wed, 99 Oct 99999 99:99:99 GMT",
    ],
)
async def test_what_is_no_retry_after_says_nothing(text: str) -> None:
    failed = await outcome_of(http_answer(503, b"", f"Retry-After: {text}"))
    assert failed == Failed("HTTP status 503")


_letters = "0123456789 ,:+-.GMTWedOct"


@given(
    st.one_of(
        st.text(),
        st.text(_letters),
        st.from_regex(r"[0-9]{1,400}", fullmatch=True),
        st.from_regex(
            r"(Wed, )?[0-9]{1,3} (Oct|Feb) [0-9]{1,30} [0-9]{1,3}:[0-9]{1,30}:[0-9]{1,3} "
            r"(GMT|[+-][0-9]{1,30}|[A-Z]{1,4})",
            fullmatch=True,
        ),
    )
)
@reproducible
def test_whatever_a_retry_after_is_it_is_seconds_or_nothing(text: str) -> None:
    seconds = _retry_after(text, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0.0


# --- bodies ---


async def test_the_begin_of_a_body_is_kept() -> None:
    body = b"a" * EXCERPT_BYTES
    assert await outcome_of(http_answer(200, body)) == Delivered("HTTP status 200", body.decode())
    assert await outcome_of(http_answer(200, body + b"b")) == Delivered(
        "HTTP status 200", body.decode()
    )


async def test_a_body_that_is_no_text_is_kept_as_far_as_it_is() -> None:
    failed = await outcome_of(
        http_answer(500, b"\xff\xfe caf\xc3\xa9", "Content-Type: text/x; charset=q")
    )
    assert failed.excerpt == "\N{REPLACEMENT CHARACTER}" * 2 + " café"


async def test_a_compressed_body_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(1_000_000))[:500]
    outcome = await outcome_of(http_answer(200, bomb, "Content-Encoding: gzip"))
    assert outcome == Delivered("HTTP status 200", bomb.decode(errors="replace"))


async def test_of_an_endless_body_no_more_than_the_excerpt_is_waited_for() -> None:
    closed = asyncio.Event()

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Word\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        closed.set()

    async with raw_server(endless) as url, sending() as sender:
        outcome = await sender.send(DELIVERY._replace(url=url))
        assert outcome == Failed("HTTP status 500", "x" * EXCERPT_BYTES)
        async with asyncio.timeout(10):
            await closed.wait()


async def test_a_status_counts_although_the_body_breaks_off_or_does_not_come() -> None:
    async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Word\r\nContent-Length: 50\r\n\r\nbegin")
        await asyncio.Event().wait()

    assert await outcome_of(hangs, timeout=0.3) == Delivered("HTTP status 200", "begin")
    broken = b"HTTP/1.1 200 Word\r\nContent-Length: 50\r\n\r\nbegin"
    assert await outcome_of(broken) == Delivered("HTTP status 200", "begin")
