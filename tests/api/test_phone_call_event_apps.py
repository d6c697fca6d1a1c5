"""Of which app a PhoneCallEvent is, and where its url may lead."""

from typing import Any

import pytest
from sqlite_utils import Database

from daemon.apps import create_app
from daemon.tokens import create_token
from tests.api.running import EVENTS, NEW_EVENT, RunningApi, StartApi

REFUSED = [
    ("http://127.0.0.1:3000/x", "127.0.0.1 is a loopback address"),
    ("http://0x7f.1/", "0x7f.1: 127.0.0.1 is a loopback address"),
    ("http://[::ffff:7f00:1]/", "(127.0.0.1) is a loopback address"),
    ("http://localhost/", "localhost: 127.0.0.1 is a loopback address"),
    ("https://169.254.169.254/latest", "169.254.169.254 is an address of a cloud's metadata"),
]


async def _app_of(api: RunningApi, event: dict[str, Any]) -> str:
    def work(db: Database) -> str:
        app: str = db.table("phone_call_events").get(event["id"])["app"]
        return app

    return await api.service.store.read(work)


async def test_an_event_is_of_the_app_that_created_it_and_stays_so(api: RunningApi) -> None:
    def two_apps(db: Database) -> list[tuple[str, str]]:
        apps = [create_app(db, 12, name).id for name in ("CRM", "other")]
        return [(app, create_token(db, 12, app)) for app in apps]

    (crm, its_token), (_, other_token) = await api.service.store.write(two_apps)
    api.token = its_token
    (event,) = await api.create_events({})
    assert await _app_of(api, event) == crm
    api.token = other_token
    answer = await api.put(f"{EVENTS}/0/{event['id']}", {"note": "by another app of the user"})
    assert answer.status == 200
    assert await _app_of(api, event) == crm


@pytest.mark.parametrize(("url", "reason"), REFUSED)
async def test_a_url_that_is_plainly_refused_is_told_with_the_setting(
    api: RunningApi, url: str, reason: str
) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "url": url})
    assert answer.error == (400, "pce_url_invalid")
    assert reason in answer.message
    assert "[delivery] allow_networks" in answer.message
    assert (await api.get(EVENTS)).status == 204


async def test_an_update_to_a_refused_url_changes_nothing(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.put(f"{EVENTS}/0/{event['id']}", {"url": "http://127.1/", "note": "new"})
    assert answer.error == (400, "pce_url_invalid")
    assert (await api.get(f"{EVENTS}/0/{event['id']}")).body["entry"] == [event]


async def test_the_settings_decide_what_is_refused(start_api: StartApi) -> None:
    async with start_api(
        delivery={"allow_private": False, "allow_networks": ["127.0.0.0/8", "10.1.0.0/16"]}
    ) as api:
        await api.create_events(
            {"url": "http://127.0.0.1:3000/"},
            {"url": "http://localhost:3000/"},
            {"url": "http://10.1.2.3/"},
            {"url": "http://a-name-that-leads-anywhere.example/"},
        )
        answer = await api.post(EVENTS, {**NEW_EVENT, "url": "http://192.168.1.20/"})
    assert answer.error == (400, "pce_url_invalid")
    assert "[delivery] allow_private is false" in answer.message
