"""The Standard-Request-Parameters and the Collection, on the list of PhoneCallEvents."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.api.running import EVENTS, PUBLIC_URL, RunningApi, StartApi


def asking(**parameters: object) -> str:
    return f"{EVENTS}?{urlencode(parameters)}"


async def listed(api: RunningApi, **parameters: object) -> list[str]:
    """The last letters of the urls that a list answers."""
    answer = await api.get(asking(**parameters))
    if answer.status == 204:
        return []
    return [entry["url"].rpartition("/")[2] for entry in answer.body["entry"]]


def urls(*names: str) -> list[dict[str, Any]]:
    return [{"url": f"http://myevent.com/{name}"} for name in names]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        *[
            (f"count={came}", "count_invalid")
            for came in ("0", "5001", "-1", "", "1.5", "x", "1e3")
        ],
        *[(f"count={came}", "count_invalid") for came in ("%2B5", "%205", "%D9%A5", "9" * 5000)],
        *[
            (f"startIndex={came}", "startindex_invalid")
            for came in ("-1", "5001", "", "x", "0.0", "9" * 5000)
        ],
        *[
            (f"sortOrder={came}", "sortorder_invalid")
            for came in ("", "up", "Ascending", "DESC", "ascending%20")
        ],
        *[
            (f"fields={came}", "fields_invalid")
            for came in ("", "%20", "id,", ",id", "id,colour", "Id", "id;url", "%00")
        ],
        *[
            (f"filterBy={came}&filterValue=1", "filterby_invalid")
            for came in ("", "links", "colour", "ID", "extension")
        ],
        ("filterOp=equals&filterValue=1", "filterby_invalid"),
        ("filterOp=equals", "filterby_invalid"),
        ("filterValue=1", "filterby_invalid"),
        *[
            (f"filterBy=note&filterOp={came}&filterValue=1", "filterop_invalid")
            for came in ("", "like", "Equals", "startswith", "EQUALS")
        ],
        ("filterBy=note", "filtervalue_invalid"),
        ("filterBy=note&filterOp=equals", "filtervalue_invalid"),
        ("filterBy=type&filterOp=greaterThan&filterValue=x", "filtervalue_invalid"),
        ("filterBy=status&filterOp=lessThan&filterValue=", "filtervalue_invalid"),
        ("filterBy=modified&filterOp=lessThan&filterValue=yesterday", "filtervalue_invalid"),
    ],
)
async def test_wrong_parameters(api: RunningApi, parameters: str, code: str) -> None:
    await api.create_events({})
    answer = await api.get(f"{EVENTS}?{parameters}")
    assert answer.error == (400, code)
    assert answer.message.isprintable()
    assert len(answer.message) < 400


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


async def test_unknown_parameters_are_ignored(api: RunningApi) -> None:
    await api.create_events({})
    answer = await api.get(asking(sortOder="x", sortBy="note", updatedSince="x"))
    assert answer.body["totalResults"] == 1


async def test_limits_that_are_still_allowed(api: RunningApi) -> None:
    await api.create_events({})
    assert (await api.get(asking(count=5000))).body["itemsPerPage"] == 5000
    assert (await api.get(asking(count=1))).body["itemsPerPage"] == 1
    assert (await api.get(asking(startIndex=5000))).status == 204


@pytest.mark.parametrize("order", [None, "ascending", "asc"])
async def test_the_list_is_sorted_by_url(api: RunningApi, order: str | None) -> None:
    await api.create_events(*urls("b", "c", "a"))
    assert await listed(api, **({"sortOrder": order} if order else {})) == ["a", "b", "c"]


@pytest.mark.parametrize("order", ["descending", "desc"])
async def test_the_list_downwards(api: RunningApi, order: str) -> None:
    await api.create_events(*urls("b", "c", "a"))
    assert await listed(api, sortOrder=order) == ["c", "b", "a"]
    assert await listed(api, sortOrder=order, count=2) == ["c", "b"]


async def test_fields(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.get(asking(fields="url, id"))
    assert answer.body["entry"] == [{"id": event["id"], "url": event["url"]}]


async def test_fields_do_not_touch_what_is_filtered_by(api: RunningApi) -> None:
    await api.create_events({"note": "a"}, {"note": "b"})
    answer = await api.get(asking(fields="type", filterBy="note", filterValue="b"))
    assert answer.body["entry"] == [{"type": "0"}]


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


async def test_pages_can_be_followed_in_both_directions(api: RunningApi) -> None:
    names = [f"{number:02d}" for number in range(23)]
    await api.create_events(*urls(*names))
    there: list[str] = []
    page = (await api.get(asking(count=5, sortOrder="descending", fields="url", x="y"))).body
    while True:
        there += [entry["url"].rpartition("/")[2] for entry in page["entry"]]
        assert all(set(entry) == {"url"} for entry in page["entry"])
        if "next" not in page.get("paging", {}):
            break
        assert page["paging"]["next"].startswith(f"{PUBLIC_URL}{EVENTS}?")
        page = (await api.get(page["paging"]["next"].removeprefix(PUBLIC_URL))).body
    assert there == names[::-1]
    starts = []
    while "prev" in page.get("paging", {}):
        page = (await api.get(page["paging"]["prev"].removeprefix(PUBLIC_URL))).body
        starts.append(page["startIndex"])
    assert starts == [15, 10, 5, 0]


async def test_the_links_of_the_pages_are_of_the_address_asked_for(api: RunningApi) -> None:
    await api.create_events(*urls("a", "b"))
    path = "/unifiedapi/extensions/%40viewer/0003%2A210/phoneCallEvents/0/?count=1"
    answer = await api.get(path)
    assert answer.body["paging"] == {
        "next": f"{PUBLIC_URL}/uapi/extensions/@viewer/0003*210/phoneCallEvents/0"
        "?count=1&startIndex=1"
    }


async def test_no_paging_when_all_is_on_the_page(api: RunningApi) -> None:
    await api.create_events(*urls("a", "b"))
    for count in (2, 3):
        assert "paging" not in (await api.get(asking(count=count))).body


async def test_a_page_beyond_the_last(start_api: StartApi) -> None:
    async with start_api(api={"empty": "200"}) as api:
        await api.create_events(*urls("a", "b", "c"))
        body = (await api.get(asking(count=2, startIndex=100))).body
        assert (body["entry"], body["totalResults"], body["startIndex"]) == ([], 3, 100)
        assert body["paging"] == {"prev": f"{PUBLIC_URL}{EVENTS}?count=2&startIndex=1"}


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        (None, "ee", ["bee", "eel"]),
        ("contains", "ee", ["bee", "eel"]),
        ("contains", "EE", []),
        ("equals", "bee", ["bee"]),
        ("equals", "be", []),
        ("startsWith", "e", ["eel"]),
        ("starts with", "e", ["eel"]),
        ("present", None, ["bee", "eel", "fox"]),
        ("present", "ignored", ["bee", "eel", "fox"]),
        ("greaterThan", "eel", ["fox"]),
        ("lessThan", "eel", ["bee", "none"]),
        ("inArray", "fox,bee, eel", ["bee", "eel", "fox"]),
        ("inArray", "fo,x", []),
        ("equals", "", ["none"]),
    ],
)
async def test_filters_of_text(
    api: RunningApi, op: str | None, value: str | None, found: list[str]
) -> None:
    notes = {"bee": "bee", "eel": "eel", "fox": "fox", "none": ""}
    await api.create_events(
        *[{"note": note, "url": f"http://myevent.com/{name}"} for name, note in notes.items()]
    )
    parameters = {"filterBy": "note", "filterOp": op, "filterValue": value}
    given = {name: value for name, value in parameters.items() if value is not None}
    assert await listed(api, **given) == found


@pytest.mark.parametrize(
    ("field", "op", "value", "types"),
    [
        ("type", "equals", "2", ["2"]),
        ("type", "equals", "02", ["2"]),
        ("type", "equals", "two", []),
        ("type", "greaterThan", "1", ["2", "3"]),
        ("type", "greaterThan", "-10", ["1", "2", "3"]),
        ("type", "lessThan", "10", ["1", "2", "3"]),
        ("type", "inArray", "1, 3, 7", ["1", "3"]),
        ("status", "equals", "0", ["2"]),
        ("method", "equals", "1", ["3"]),
    ],
)
async def test_filters_of_numbers(
    api: RunningApi, field: str, op: str, value: str, types: list[str]
) -> None:
    await api.create_events({"type": 1}, {"type": 2, "status": 0}, {"type": 3, "method": 1})
    answer = await api.get(asking(filterBy=field, filterOp=op, filterValue=value))
    entries = answer.body["entry"] if answer.body else []
    assert sorted(entry["type"] for entry in entries) == types


async def test_filters_of_dates_compare_instants(start_api: StartApi) -> None:
    async with start_api(node={"timezone": "Europe/Bucharest"}) as api:
        (event,) = await api.create_events({})
        moment = "2012-07-10T15:16:12.9+00:00"
        await api.service.store.write(
            lambda db: db.table("phone_call_events").update(event["id"], {"modified": moment})
        )
        for op, value, matches in (
            ("equals", "2012-07-10T18:16:12+03:00", True),
            ("equals", "2012-07-10T15:16:12Z", True),
            ("equals", "2012-07-10T18:16:12", True),  # without an offset: the zone of the node
            ("equals", "2012-07-10T15:16:12+03:00", False),
            ("equals", "no date", False),
            ("contains", "07-10T18", True),
            ("greaterThan", "2012-07-10T17:16:11+02:00", True),
            ("greaterThan", "2012-07-10T17:16:12+02:00", False),
            ("lessThan", "2012-07-11", True),
            ("lessThan", "2012-07-10", False),
            ("inArray", "2011-01-01,2012-07-10T15:16:12Z", True),
        ):
            answer = await api.get(asking(filterBy="modified", filterOp=op, filterValue=value))
            assert (answer.status == 200) is matches, (op, value)
        # A + that was not percent-encoded is a space in a query.
        answer = await api.get(
            f"{EVENTS}?filterBy=modified&filterOp=equals&filterValue=2012-07-10T18:16:12+03:00"
        )
        assert answer.status == 200


async def test_filters_by_id_and_url(api: RunningApi) -> None:
    event, _ = await api.create_events(*urls("a", "b"))
    assert await listed(api, filterBy="id", filterOp="equals", filterValue=event["id"]) == ["a"]
    assert await listed(api, filterBy="url", filterOp="startsWith", filterValue="http") == [
        "a",
        "b",
    ]
    assert await listed(api, filterBy="url", filterValue=quote("ș")) == []
