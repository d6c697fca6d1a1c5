"""The Standard-Request-Parameters and the Collection, on the list of PhoneCallEvents."""

from typing import Any
from urllib.parse import urlencode

from tests.api.running import EVENTS, PUBLIC_URL, RunningApi, StartApi


def asking(**parameters: object) -> str:
    return f"{EVENTS}?{urlencode(parameters)}"


def urls(*names: str) -> list[dict[str, Any]]:
    return [{"url": f"http://myevent.com/{name}"} for name in names]


async def test_a_wrong_name_in_fields_is_told_with_the_allowed_ones(api: RunningApi) -> None:
    answer = await api.get(asking(fields="id,colour"))
    assert '"colour"' in answer.message
    assert "type, id, method, note, url, status, modified, links" in answer.message


async def test_the_order_in_which_wrong_parameters_are_told(api: RunningApi) -> None:
    wrong = {
        "fields": "x",
        "count": "0",
        "filterBy": "x",
        "filterOp": "x",
        "sortOrder": "x",
        "startIndex": "x",
    }
    for name, right in (
        ("fields", "id"),
        ("count", "1"),
        ("filterBy", "id"),
        ("filterOp", "equals"),
        ("filterValue", "x"),
        ("sortOrder", "asc"),
        ("startIndex", "0"),
    ):
        assert (await api.get(asking(**wrong))).error == (400, f"{name.lower()}_invalid")
        wrong[name] = right
    assert (await api.get(asking(**wrong))).status == 204


async def test_the_envelope_counts_what_matches(api: RunningApi) -> None:
    await api.create_events(*urls("a1", "a2", "a3", "b1"))
    answer = await api.get(asking(filterBy="url", filterValue="/a", count=2, startIndex=1))
    assert {name: value for name, value in answer.body.items() if name != "entry"} == {
        "startIndex": 1,
        "totalResults": 3,
        "itemsPerPage": 2,
        "filtered": True,
        "sorted": True,
        "paging": {
            "prev": f"{PUBLIC_URL}{EVENTS}?count=2&startIndex=0&filterBy=url&filterValue=%2Fa"
        },
    }


async def test_a_page_beyond_the_last(start_api: StartApi) -> None:
    async with start_api(api={"empty": "200"}) as api:
        await api.create_events(*urls("a", "b", "c"))
        body = (await api.get(asking(count=2, startIndex=100))).body
        assert (body["entry"], body["totalResults"], body["startIndex"]) == ([], 3, 100)
        assert body["paging"] == {"prev": f"{PUBLIC_URL}{EVENTS}?count=2&startIndex=1"}
