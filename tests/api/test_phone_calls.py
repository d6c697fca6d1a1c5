"""The list of PhoneCalls, out of calls that the test sets."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.calls.model import Flow, PhoneCall, ViewStatus
from tests.api.calls import HELD, PUBLISHED, CallsInMemory, a_call, a_view
from tests.api.running import CALLS, PUBLIC_URL, Answer, RunningApi, StartApi


def set_calls(api: RunningApi, *calls: PhoneCall) -> None:
    api.service.calls = CallsInMemory(api.service.directory, *calls)


def numbered(*numbers: int) -> list[PhoneCall]:
    """Calls call1, call2, … a minute apart."""
    return [
        a_call(id=f"call{number}", published=PUBLISHED + timedelta(minutes=number))
        for number in numbers
    ]


def ids(answer: Answer) -> list[str]:
    return [entry["id"] for entry in answer.body["entry"]] if answer.body else []


async def test_a_call_with_all_its_fields(api: RunningApi) -> None:
    held = a_view(on_hold=HELD, ringing=PUBLISHED)
    set_calls(api, a_call(views=(held,)))
    answer = await api.get(CALLS)
    assert answer.status == 200
    link = f"{PUBLIC_URL}/uapi/phoneCalls/@me/0003*210/b817d2618fe6f1804333"
    assert answer.body == {
        "startIndex": 0,
        "totalResults": 1,
        "itemsPerPage": 20,
        "filtered": True,
        "sorted": True,
        "entry": [
            {
                "id": "b817d2618fe6f1804333",
                "extension": "0003*210",
                "ownerId": "3",
                "ownerName": "Default Organization",
                "published": "2012-06-27T16:08:50+03:00",
                "answered": "2012-06-27T16:08:55+03:00",
                "phoneCallView": [
                    {
                        "id": "01",
                        "extension": "0003*210",
                        "source": ["0003*210"],
                        "destination": ["0003*024"],
                        "callerId": "John Doe <3333>",
                        "flow": "2",
                        "status": "5",
                        "ringing": "2012-06-27T16:08:50+03:00",
                        "answered": "2012-06-27T16:08:55+03:00",
                        "onHold": "2012-06-27T16:18:50+03:00",
                        "holder": 1,
                        "onHoldBy": "uapid",
                    }
                ],
                "links": {"self": link},
                "link": {"self": link},
            }
        ],
    }
    assert (await api.get(link.removeprefix(PUBLIC_URL))).body == answer.body


async def test_what_has_no_value_is_left_out(api: RunningApi) -> None:
    bare = a_view(
        source=(),
        destination=(),
        caller_id="",
        flow=None,
        status=ViewStatus.UNKNOWN,
        answered=None,
        bridge=None,
    )
    set_calls(api, a_call(extension=None, answered=None, views=(bare,)))
    (call,) = (await api.get(CALLS)).body["entry"]
    assert set(call) == {
        "id",
        "ownerId",
        "ownerName",
        "published",
        "phoneCallView",
        "links",
        "link",
    }
    assert call["phoneCallView"] == [{"id": "01", "extension": "0003*210", "status": "0"}]


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({"extension": "0003*024"}, "4"),
        ({"extension": None}, "3"),
        ({"extension": "0003*900"}, "3"),  # nobody's: the first leg's owner
        ({"extension": None, "views": (a_view(extension=None), a_view(id="02"))}, "3"),
    ],
)
async def test_the_owner_is_the_organization_of_who_pays(
    api: RunningApi, fields: dict[str, Any], owner: str
) -> None:
    set_calls(api, a_call(**fields))
    (call,) = (await api.get(CALLS)).body["entry"]
    assert call["ownerId"] == owner


async def test_a_user_without_an_organization(start_api: StartApi) -> None:
    users = [{"id": 12, "name": "John Doe", "extensions": ["0003*210"]}]
    async with start_api(users=users) as api:
        set_calls(api, a_call())
        (call,) = (await api.get(CALLS)).body["entry"]
        assert not {"ownerId", "ownerName"} & set(call)


@pytest.mark.parametrize("flow", Flow)
@pytest.mark.parametrize("status", ViewStatus)
async def test_flow_and_status_go_as_text(api: RunningApi, flow: Flow, status: ViewStatus) -> None:
    set_calls(api, a_call(views=(a_view(flow=flow, status=status),)))
    (call,) = (await api.get(CALLS)).body["entry"]
    view = call["phoneCallView"][0]
    assert (view["flow"], view["status"]) == (str(flow.value), str(status.value))


async def test_whose_calls_are_listed(api: RunningApi) -> None:
    jane = a_view(extension="0003*024")
    set_calls(
        api,
        a_call(id="mine"),
        a_call(id="sibling", views=(a_view(extension="0003*211"),)),
        a_call(id="hers", views=(jane,)),
        a_call(id="trunk", views=(a_view(extension=None),)),
    )
    assert ids(await api.get(CALLS)) == ["mine"]
    assert ids(await api.get("/uapi/phoneCalls/@me/@self")) == ["mine", "sibling"]
    assert ids(await api.get("/uapi/phoneCalls/@owner/@self")) == ["mine", "sibling"]
    assert ids(await api.get("/uapi/phoneCalls/@me/0003*800")) == []
    api.token = await api.new_token(13)
    assert ids(await api.get("/uapi/phoneCalls/@me/@self")) == ["mine", "hers"]


@pytest.mark.parametrize("user", ["@me", "@viewer", "@owner", "12", "0012"])
@pytest.mark.parametrize("extension", ["0003*210", "210", "@self"])
async def test_links_repeat_what_was_asked_for(api: RunningApi, user: str, extension: str) -> None:
    set_calls(api, a_call())
    path = f"/uapi/phoneCalls/{user}/{extension}"
    (call,) = (await api.get(f"{path.replace('uapi', 'unifiedapi')}/")).body["entry"]
    assert call["links"] == call["link"] == {"self": f"{PUBLIC_URL}{path}/{call['id']}"}
    assert (await api.get(f"{path}/{call['id']}")).body["entry"] == [call]


async def test_a_call_by_its_id(api: RunningApi) -> None:
    set_calls(api, *numbered(1, 2), a_call(id="hers", views=(a_view(extension="0003*024"),)))
    assert ids(await api.get(f"{CALLS}/call2")) == ["call2"]
    assert ids(await api.get("/uapi/phoneCalls/@me/@self/call1")) == ["call1"]
    for unknown in ("call3", "hers", "call", "x" * 255):
        answer = await api.get(f"{CALLS}/{unknown}")
        assert (answer.status, answer.text) == (204, "")
        assert (await api.get(f"/uapi/phoneCalls/@me/@self/{unknown}")).status == 204


async def test_empty_lists_with_a_body(start_api: StartApi) -> None:
    async with start_api(api={"empty": "200"}) as api:
        set_calls(api)
        for path in (CALLS, f"{CALLS}/unknown"):
            answer = await api.get(path)
            assert (answer.status, answer.body["entry"]) == (200, [])


async def test_calls_are_sorted_filtered_and_paged(api: RunningApi) -> None:
    set_calls(api, *numbered(1, 2, 3))
    assert ids(await api.get(CALLS)) == ["call1", "call2", "call3"]
    assert ids(await api.get(f"{CALLS}?sortOrder=desc")) == ["call3", "call2", "call1"]
    assert ids(await api.get(f"{CALLS}?filterBy=id&filterOp=inArray&filterValue=call3,call1")) == [
        "call1",
        "call3",
    ]
    since = "filterBy=published&filterOp=greaterThan&filterValue=2012-06-27T13:09:50Z"
    assert ids(await api.get(f"{CALLS}?{since}")) == ["call2", "call3"]
    page = await api.get(f"{CALLS}?count=1&startIndex=1")
    assert ids(page) == ["call2"]
    assert page.body["paging"] == {
        "next": f"{PUBLIC_URL}{CALLS}?count=1&startIndex=2",
        "prev": f"{PUBLIC_URL}{CALLS}?count=1&startIndex=0",
    }


async def test_fields_of_calls(api: RunningApi) -> None:
    set_calls(api, a_call())
    answer = await api.get(f"{CALLS}?fields=id,extension,answered,nonce")
    assert answer.body["entry"] == [
        {
            "id": "b817d2618fe6f1804333",
            "extension": "0003*210",
            "answered": "2012-06-27T16:08:55+03:00",
        }
    ]
    answer = await api.get(f"{CALLS}?fields=status")
    assert answer.error == (400, "fields_invalid")
    assert "phoneCallView" in answer.message


async def test_the_order_of_the_calls_is_that_of_their_dates_across_a_clock_change(
    api: RunningApi,
) -> None:
    # 04:00 summer time is 03:00 winter time in Bucharest on 28 October 2012.
    before = PUBLISHED.replace(month=10, day=28, hour=0, minute=59)
    calls = [
        replace(a_call(id="first"), published=before),
        replace(a_call(id="second"), published=before + timedelta(minutes=2)),
    ]
    set_calls(api, *calls)
    entries = (await api.get(CALLS)).body["entry"]
    assert [entry["published"] for entry in entries] == [
        "2012-10-28T03:59:50+03:00",
        "2012-10-28T03:01:50+02:00",
    ]
