"""Deliveries over real HTTP."""

import asyncio
import pickle
import socket
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest

from daemon.calls.model import Seen
from daemon.events.delivery import Deliverer
from daemon.events.matching import parameters
from daemon.events.origin import origin_of
from daemon.events.phone_call_events import EventType, Method
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    DIAL_IN,
    HANGUP,
    deliveries,
    phone_call_events,
    put,
    subscribe,
    update,
)
from tests.unit.daemon.events.delivering import deliverer_of, delivering, settled
from tests.unit.daemon.people import JOHN
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver

QUERY = urlencode(parameters(DIAL_IN))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/hook", f"/hook?{QUERY}"),
        ("", f"/?{QUERY}"),
        ("/hook?", f"/hook?{QUERY}"),
        ("/hook?key=a%20b%26c&x=1", f"/hook?key=a%20b%26c&x=1&{QUERY}"),
        ("/hook?key=1&", f"/hook?key=1&{QUERY}"),
        ("/ho%2Fok/%C3%A9", f"/ho%2Fok/%C3%A9?{QUERY}"),
        ("/hook?a=1#part", f"/hook?a=1&{QUERY}"),
        ("/hook#part?x", f"/hook?{QUERY}"),
    ],
)
async def test_get_joins_the_parameters_to_the_query_the_url_has(
    store: Store, app: Receiver, url: str, target: str
) -> None:
    await subscribe(store, app.url + url)
    await put(store, DIAL_IN)
    async with delivering(store):
        await settled(store)
    (request,) = app.requests
    assert (request.method, request.target, request.body) == ("GET", target, "")


async def test_post_sends_a_form_and_leaves_the_url_alone(store: Store, app: Receiver) -> None:
    await subscribe(store, app.url + "/hook?key=a%20b", method=Method.POST)
    await put(store, DIAL_IN)
    async with delivering(store):
        await settled(store)
    (request,) = app.requests
    assert (request.method, request.target) == ("POST", "/hook?key=a%20b")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    sent = parse_qsl(request.body, keep_blank_values=True, strict_parsing=True)
    assert sent == list(parameters(DIAL_IN).items())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_the_end_of_it(store: Store, app: Receiver, status: int) -> None:
    app.status = status
    await subscribe(store, app.url)
    await put(store, DIAL_IN)
    async with delivering(store):
        (row,) = await settled(store)
    assert (row["state"], row["attempts"]) == ("delivered", 1)
    assert row["told"] == f"HTTP status {status}"


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
async def test_another_answer_is_written_down_with_the_time_of_the_retry(
    store: Store, app: Receiver, status: int
) -> None:
    app.status, app.headers = status, {"Location": f"{app.url}/elsewhere"}
    await subscribe(store, app.url)
    await put(store, DIAL_IN)
    before = time.time()
    async with delivering(store):
        (row,) = await settled(store)
    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert row["told"] == f"HTTP status {status}"
    assert before + 5.0 <= float(str(row["next_attempt"])) <= time.time() + 5.5
    assert len(app.requests) == 1, "a redirect is not followed"


async def test_a_receiver_that_is_down_is_written_down_too(store: Store) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refuses connections
        await subscribe(store, f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        await put(store, DIAL_IN)
        before = time.time()
        async with delivering(store):
            (row,) = await settled(store)
    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert row["told"] == "no connection: Connection refused"
    assert before + 5.0 <= float(str(row["next_attempt"])) <= time.time() + 5.5


async def test_the_tenth_failure_is_the_last(store: Store, app: Receiver) -> None:
    app.status = 500
    await subscribe(store, app.url)
    await put(store, DIAL_IN)
    await store.write(lambda db: db.execute("UPDATE deliveries SET attempts = 9"))
    async with delivering(store):
        (row,) = await settled(store)
    assert (row["state"], row["attempts"], row["next_attempt"]) == ("dead", 10, None)


async def test_every_attempt_of_a_delivery_has_the_same_webhook_id(
    store: Store, app: Receiver
) -> None:
    app.status = 500
    await subscribe(store, app.url, EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, call_id="0" * 20))
    async with delivering(store) as deliverer:
        await until(lambda: len(app.requests) == 2)
        await settled(store)
        app.status = 200
        await store.write(lambda db: db.execute("UPDATE deliveries SET next_attempt = 0"))
        await store.write(lambda db: db.execute("UPDATE phone_call_events SET wake_at = 0"))
        deliverer.wake([origin_of(app.url)])
        await until(lambda: len(app.requests) == 4)
    ids = [request.headers["webhook-id"] for request in app.requests]
    assert sorted(ids[:2]) == sorted(ids[2:])
    assert len(set(ids)) == 2
    for request in app.requests:
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 30
        assert request.headers["uapid-seen"] == "live"
        assert request.headers["user-agent"].startswith("uapid")


async def test_the_events_of_a_call_arrive_in_order(store: Store, app: Receiver) -> None:
    await subscribe(store, app.url, EventType.HANGUP)
    legs = [replace(HANGUP, channel=f"1.{number}") for number in range(10)]
    await put(store, *legs)
    async with delivering(store):
        await until(lambda: len(app.requests) == 10)
    arrived = [dict(parse_qsl(request.target.partition("?")[2])) for request in app.requests]
    assert [parameters["CallID"] for parameters in arrived] == [leg.channel for leg in legs]


async def test_a_receiver_that_hangs_holds_up_nobody_else(store: Store, app: Receiver) -> None:
    async with Receiver() as hanging:
        hanging.gate.clear()
        await subscribe(store, hanging.url)
        await subscribe(store, app.url)
        await put(store, DIAL_IN)
        async with delivering(store):
            await until(lambda: hanging.requests and app.requests)
            hanging.gate.set()


async def test_stop_finishes_what_is_in_flight_and_starts_nothing_more(
    store: Store, app: Receiver
) -> None:
    app.gate.clear()
    await subscribe(store, app.url, EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1.2"))
    deliverer = deliverer_of(store)
    running = asyncio.create_task(deliverer.run())
    await until(lambda: app.requests)
    deliverer.stop()
    app.gate.set()
    async with asyncio.timeout(10):
        await running
    assert [row["state"] for row in await deliveries(store)] == ["delivered", "pending"]
    assert len(app.requests) == 1


async def test_what_was_pending_at_a_stop_is_delivered_after_the_start(
    store: Store, app: Receiver
) -> None:
    await subscribe(store, app.url)
    await put(store, DIAL_IN)
    again = Store(store.path)
    again.open()
    async with delivering(again):
        await until(lambda: app.requests)
    assert [row["state"] for row in await deliveries(again)] == ["delivered"]
    await put(again, replace(DIAL_IN, call_id="0" * 20))
    async with delivering(again):
        await until(lambda: len(app.requests) == 2)
    again.close()
    calls = [request.target.rpartition("CallAPIID=")[2] for request in app.requests]
    assert calls == [DIAL_IN.call_id, "0" * 20], "what was delivered is not sent again"


async def test_what_was_deleted_in_flight_takes_no_later_delivery_along(
    store: Store, app: Receiver
) -> None:
    app.gate.clear()
    event = await subscribe(store, app.url + "/deleted")
    await put(store, DIAL_IN)
    async with delivering(store) as deliverer:
        await until(lambda: app.requests)
        await phone_call_events(store).delete(JOHN, EventType.DIAL_IN, event.id)
        await subscribe(store, app.url + "/new")
        await put(store, DIAL_IN)
        deliverer.wake([origin_of(app.url)])
        app.gate.set()
        await until(lambda: any(r.target.startswith("/new?") for r in app.requests), deadline=3)


@pytest.mark.parametrize("seen", Seen)
async def test_an_app_is_told_how_a_change_was_seen(
    store: Store, app: Receiver, seen: Seen
) -> None:
    await subscribe(store, app.url)
    await put(store, replace(DIAL_IN, seen=seen))
    async with delivering(store):
        await until(lambda: len(app.requests) == 1)
    assert app.requests[0].headers["uapid-seen"] == seen


async def test_what_is_on_its_way_when_its_event_moves_arrives_and_the_rest_goes_to_the_new_url(
    store: Store, app: Receiver
) -> None:
    app.gate.clear()
    async with Receiver() as new:
        event = await subscribe(store, app.url, EventType.HANGUP)
        await put(store, HANGUP, replace(HANGUP, channel="1.2"))
        async with delivering(store):
            await until(lambda: app.requests)
            await update(store, event, url=new.url)
            app.gate.set()
            await until(lambda: [r for r in new.requests if "CallID=1.2&" in r.target])
            await ended(store, 2)
    assert [row["state"] for row in await deliveries(store)] == ["delivered", "delivered"]


async def test_servers_are_forgotten_once_nothing_waits_for_them(
    store: Store, app: Receiver
) -> None:
    async with delivering(store) as deliverer, Receiver() as other:
        for number in range(5):
            app.gate.clear()
            app.requests.clear()
            event = await subscribe(store, app.url)
            await subscribe(store, f"{other.url}/{number}")
            deliverer.wake(await put(store, replace(DIAL_IN, call_id=str(number))))
            await until(lambda: app.requests)
            await phone_call_events(store).delete(JOHN, event.type, event.id)
            app.gate.set()
        await until(lambda: _size(deliverer) < 300)


def _size(deliverer: Deliverer) -> int:
    return len(pickle.dumps(deliverer._turns))


async def ended(store: Store, count: int) -> None:
    async with asyncio.timeout(10):
        while sum(row["ended"] is not None for row in await deliveries(store)) < count:
            await asyncio.sleep(0.005)
