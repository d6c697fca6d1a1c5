"""The Standard-Request-Parameters of every list, with values just inside and just outside."""

from urllib.parse import quote, urlencode

import pytest

from api import delivery_json, phone_call_event_json, phone_call_json
from api.list_request import ResourceFields
from tests.api.conformance.stage import LIST_PATHS, labels
from tests.api.running import RunningApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEFAULT = {
    "events": "abcde",
    "events of a type": "ab",
    "event": "a",
    "deliveries": "43210",
    "delivery": "0",
    "calls": "0123",
    "calls of a user": "0123",
    "call": "0",
}
"""What each list has without any parameter, in its order."""

FIELDS = {
    **dict.fromkeys(("events", "events of a type", "event"), phone_call_event_json.FIELDS),
    **dict.fromkeys(("deliveries", "delivery"), delivery_json.FIELDS),
    **dict.fromkeys(("calls", "calls of a user", "call"), phone_call_json.FIELDS),
}

REFUSED = {
    "count_invalid": [
        *(f"count={quote(came)}" for came in ("0", "5001", "-1", "", "1.5", "x", "1e3", "0x10")),
        *(f"count={quote(came)}" for came in ("+5", " 5", "5 ", "\u0665", "½", "1_0", "9" * 5000)),
        "count",
        "count=1&count=0",
    ],
    "startindex_invalid": [
        *(f"startIndex={quote(came)}" for came in ("-1", "5001", "", "x", "0.0", " 0", "9" * 5000)),
        "startIndex=0&startIndex=-1",
    ],
    "sortorder_invalid": [
        *(f"sortOrder={quote(came)}" for came in ("", "up", "Ascending", "DESC", "asc ", "1")),
        "sortOrder=asc&sortOrder=up",
    ],
    "fields_invalid": [
        *(f"fields={quote(came)}" for came in ("", " ", ",", "id,", ",id", "id,,id", "id;links")),
        *(f"fields={quote(came)}" for came in ("id,colour", "Id", "\0", "links.self", "*")),
        "fields=id&fields=colour",
    ],
    "filterby_invalid": [
        "filterBy=colour&filterValue=1",
        "filterBy=&filterValue=1",
        "filterOp=equals&filterValue=1",
        "filterOp=equals",
        "filterValue=1",
        "filterBy=id&filterBy=colour&filterValue=1",
    ],
    "filterop_invalid": [
        *(
            f"filterBy=id&filterOp={quote(came)}&filterValue=1"
            for came in ("", "like", "Equals", "startswith", "EQUALS", "starts  with", "not")
        ),
        "filterBy=id&filterOp=equals&filterOp=like&filterValue=1",
    ],
    "filtervalue_invalid": ["filterBy=id", "filterBy=id&filterOp=equals"],
}

# Each with what it leaves of a list that has "abcde".
TAKEN = [
    ("count=1", slice(0, 1)),
    ("count=5000", slice(None)),
    ("count=0005", slice(0, 5)),
    ("count=000000001", slice(0, 1)),
    ("count=2&startIndex=1", slice(1, 3)),
    ("startIndex=0", slice(None)),
    ("startIndex=1", slice(1, None)),
    ("startIndex=5000", slice(0, 0)),
    ("count=20&startIndex=0", slice(None)),  # as many clients always send
    ("count=0&count=2", slice(0, 2)),  # of several the last one counts
    ("filterBy=id&filterOp=present", slice(None)),
    ("filterBy=id&filterValue=nobody", slice(0, 0)),
    ("filterBy=colour&filterBy=id&filterOp=like&filterOp=present", slice(None)),
    ("sortOder=x", slice(None)),  # a misspelling in the field
    ("sortBy=note&updatedSince=x&COUNT=0&Count=0&startindex=x", slice(None)),
    ("&&=&x&%00=%00&=1", slice(None)),
    ("x=" + "y" * 8000, slice(None)),
    ("%FF=%FE", slice(None)),
]


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_without_parameters(lists: RunningApi, listed: str) -> None:
    answer = await lists.get(LIST_PATHS[listed])
    assert labels(answer) == DEFAULT[listed]
    assert {name: value for name, value in answer.body.items() if name != "entry"} == {
        "startIndex": 0,
        "totalResults": len(DEFAULT[listed]),
        "itemsPerPage": 20,
        "filtered": True,
        "sorted": True,
    }


@pytest.mark.parametrize("listed", LIST_PATHS)
@pytest.mark.parametrize("code", REFUSED)
async def test_what_is_refused(lists: RunningApi, listed: str, code: str) -> None:
    for query in REFUSED[code]:
        answer = await lists.get(f"{LIST_PATHS[listed]}?{query}")
        assert answer.error == (400, code), query
        assert answer.message.isprintable(), query
        assert len(answer.message) < 500


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_what_is_taken(lists: RunningApi, listed: str) -> None:
    for query, left in TAKEN:
        expected = DEFAULT[listed][left]
        answer = await lists.get(f"{LIST_PATHS[listed]}?{query}")
        assert answer.status == (200 if expected else 204), query
        assert labels(answer) == expected, query


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_the_four_spellings_of_the_two_orders(lists: RunningApi, listed: str) -> None:
    up = DEFAULT[listed][::-1] if FIELDS[listed].order == "descending" else DEFAULT[listed]
    for order, expected in {
        "ascending": up,
        "asc": up,
        "descending": up[::-1],
        "desc": up[::-1],
    }.items():
        assert labels(await lists.get(f"{LIST_PATHS[listed]}?sortOrder={order}")) == expected
        cut = await lists.get(f"{LIST_PATHS[listed]}?sortOrder={order}&count=2")
        assert labels(cut) == expected[:2], "it is sorted before it is cut"


def projected(entry: dict[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name in names}


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_each_field_alone_and_all_of_them(lists: RunningApi, listed: str) -> None:
    fields: ResourceFields = FIELDS[listed]
    whole = (await lists.get(LIST_PATHS[listed])).body["entry"]
    pairs = tuple(zip(fields.names, fields.names[1:], strict=False))
    for names in (*((name,) for name in fields.names), *pairs, fields.names):
        for separator in (",", ", ", " ,%20"):
            query = separator.join(names).replace(" ", "%20")
            answer = await lists.get(f"{LIST_PATHS[listed]}?fields={query}")
            assert answer.body["entry"] == [projected(entry, names) for entry in whole]
    twice = await lists.get(f"{LIST_PATHS[listed]}?fields=id,id")
    assert twice.body["entry"] == [projected(entry, ("id",)) for entry in whole]


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_fields_do_not_touch_what_is_filtered_by(lists: RunningApi, listed: str) -> None:
    query = urlencode({"fields": "links", "filterBy": "id", "filterValue": DEFAULT[listed][0]})
    answer = await lists.get(f"{LIST_PATHS[listed]}?{query}")
    assert [set(entry) for entry in answer.body["entry"]] == [{"links"}]
