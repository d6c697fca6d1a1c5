"""Settings that are read again while the API is at work."""

from typing import Any

from tests.api.running import EVENTS, NEW_EVENT, PUBLIC_URL, RunningApi, settings_for

NEW = "0003*333"


async def reload(running: RunningApi, **sections: Any) -> None:
    """As if the file had these sections now."""
    await running.service.reload(settings_for(running.service.store.path.parent, **sections))


def john(*extensions: str) -> list[dict[str, Any]]:
    return [{"id": 12, "name": "John Doe", "extensions": extensions}]


async def test_the_token_of_a_user_that_is_gone_is_refused_until_the_user_is_back(
    api: RunningApi,
) -> None:
    assert (await api.get(EVENTS)).status == 204
    await reload(api, users=[{"id": 99, "name": "Somebody", "extensions": ["0003*210"]}])
    answer = await api.get(EVENTS)
    assert answer.error == (401, "access_denied")
    assert "its user is gone" in answer.message
    await reload(api)
    assert (await api.get(EVENTS)).status == 204


async def test_an_extension_that_appears_can_be_used_at_once(api: RunningApi) -> None:
    path = EVENTS.replace("0003*210", NEW)
    assert (await api.post(path, NEW_EVENT)).status == 400
    await reload(api, users=john("0003*210", NEW))
    assert (await api.post(path, NEW_EVENT)).status == 201
    await reload(api, users=john("0003*210"))
    assert (await api.get(path)).status == 400


async def test_every_answer_heeds_the_settings_of_its_moment(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    deliveries = f"{EVENTS}/0/{event['id']}/deliveries"
    lists = (EVENTS + "/1", deliveries, "/uapi/phoneCalls/@me/0003*210")
    for path in lists[:2]:
        assert (await api.get(path)).status == 204, path
    await reload(
        api,
        api={"empty": "200"},
        http={"public_url": "https://new.example.com"},
        node={"timezone": "Asia/Tokyo"},
    )
    for path in lists[:2]:
        assert (await api.get(path)).status == 200, path
    listed = (await api.get(EVENTS)).body["entry"][0]
    assert event["links"]["self"].startswith(PUBLIC_URL)
    assert listed["links"]["self"].startswith("https://new.example.com/uapi/")
    assert event["modified"].endswith("+02:00")
    assert listed["modified"].endswith("+09:00")
    since = (await api.request("GET", "/ready", headers={})).body["lines"]["ami"]["since"]
    assert since.endswith("+09:00")
