"""Every error code of the four pages about PhoneCallEvents, provoked."""

from tests.api.running import EVENTS, NEW_EVENT, RunningApi


async def test_a_message_names_the_field_what_came_and_what_is_allowed(api: RunningApi) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "status": "on"})
    assert answer.message == 'status is "on"; allowed is 0 for disabled, 1 for enabled.'
    answer = await api.post(EVENTS, {"type": 0})
    assert answer.message == "method is missing; allowed is 0 for GET, 1 for POST."


async def test_credentials_in_a_url_are_not_repeated(api: RunningApi) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "url": "http://user:hunter2@example.com/"})
    assert "hunter2" not in answer.text


async def test_the_first_wrong_field_of_the_page_is_told(api: RunningApi) -> None:
    for fields, code in (
        ({}, "pce_type_invalid"),
        ({"type": 0}, "pce_method_invalid"),
        ({"type": 0, "method": 0}, "pce_note_invalid"),
        ({"type": 0, "method": 0, "note": ""}, "pce_url_invalid"),
        ({"type": 0, "method": 0, "note": "", "url": "http://a.example"}, "pce_status_invalid"),
    ):
        assert (await api.post(EVENTS, fields)).error == (400, code)


async def test_an_update_whose_type_is_not_that_of_the_uri(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.put(f"{EVENTS}/0/{event['id']}", {"type": "1"})
    assert answer.error == (400, "pce_type_invalid")


async def test_another_user_sees_and_changes_nothing_of_mine(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    mine, api.token = api.token, await api.new_token(13)
    address = f"{EVENTS}/0/{event['id']}"
    for method in ("GET", "PUT", "DELETE"):
        answer = await api.request(method, address, {"note": "stolen"})
        assert answer.error == (400, "pce_access_denied")
    own = address.replace("0003*210", "0003*024")
    assert (await api.request("DELETE", own)).error == (400, "pce_id_invalid")
    api.token = mine
    assert (await api.get(EVENTS)).body["entry"] == [event]
