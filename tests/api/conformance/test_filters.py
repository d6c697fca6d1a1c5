"""Every filterOp on every field that a list can be filtered by."""

from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from api import delivery_json, phone_call_event_json, phone_call_json
from api.filters import FilterOp
from api.list_request import FILTER_OPS
from tests.api.conformance.stage import LIST_PATHS, labels
from tests.api.running import RunningApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    "events": phone_call_event_json.FIELDS,
    "deliveries": delivery_json.FIELDS,
    "calls": phone_call_json.FIELDS,
}

Expected = dict[str, str]
"""What is found, as the labels of the entries in their order, by the value compared with."""

TEXT_IDS: dict[str, Expected] = {
    "contains": {"id": "abcde", "db": "b", "D": "", "": "abcde"},
    "equals": {"idc": "c", "id": "", "IDC": "", "": ""},
    "startsWith": {"idd": "d", "id": "abcde", "d": ""},
    "starts with": {"ide": "e"},
    "present": {"": "abcde", "ignored": "abcde"},
    "greaterThan": {"idc": "de", "ide": "", "": "abcde"},
    "lessThan": {"idc": "ab", "ida": "", "": ""},
    "inArray": {"ide, ida": "ae", "ida,,nobody": "a", "id": "", "": ""},
}
# Of a, b, c, d and e they are bee, nothing, eel, "Bee, ș" and 50%_.
NOTES: dict[str, Expected] = {
    "contains": {"ee": "acd", "EE": "", "ș": "d", "%": "e", "_": "e", "": "abcde"},
    "equals": {"bee": "a", "be": "", "": "b", "Bee, ș": "d"},
    "startsWith": {"b": "a", "B": "d", "ee": "c"},
    "starts with": {"5": "e"},
    "present": {"": "acde"},
    "greaterThan": {"bee": "c", "a": "ac", "": "acde"},
    "lessThan": {"bee": "bde", "50%_": "b"},
    "inArray": {"eel,bee, 50%_": "ace", "Bee, ș": "", "": "b"},
}
URLS: dict[str, Expected] = {
    "contains": {"/a": "a", "myevent.com/": "abcde", "MYEVENT": ""},
    "equals": {"http://myevent.com/b": "b", "http://myevent.com": ""},
    "startsWith": {"http": "abcde", "https": ""},
    "starts with": {"http://myevent.com/c": "c"},
    "present": {"": "abcde"},
    "greaterThan": {"http://myevent.com/d": "e"},
    "lessThan": {"http://myevent.com/b": "a"},
    "inArray": {"http://myevent.com/a,http://myevent.com/e": "ae"},
}
# Of a to e: 0, 0, 2, 3, 4.
TYPES: dict[str, Expected] = {
    "contains": {"2": "c", "": "abcde", "02": ""},
    "equals": {"2": "c", "02": "c", "0": "ab", "-0": "ab", "two": "", "2.0": "", "": ""},
    "startsWith": {"0": "ab", "00": ""},
    "starts with": {"4": "e"},
    "present": {"": "abcde"},
    "greaterThan": {"2": "de", "-10": "abcde", "04": ""},
    "lessThan": {"2": "ab", "10": "abcde", "0": ""},
    "inArray": {"0, 3, 7": "abd", "00,x": "ab", "x": ""},
}
# Of a to e: 0, 1, 0, 1, 1.
METHODS: dict[str, Expected] = {
    "contains": {"1": "bde"},
    "equals": {"0": "ac", "GET": ""},
    "startsWith": {"1": "bde"},
    "starts with": {"0": "ac"},
    "present": {"": "abcde"},
    "greaterThan": {"0": "bde"},
    "lessThan": {"1": "ac"},
    "inArray": {"0,1": "abcde"},
}
# Of a to e: 1, 0, 1, 1, 0.
STATUSES: dict[str, Expected] = {
    "contains": {"0": "be"},
    "equals": {"1": "acd", "enabled": ""},
    "startsWith": {"0": "be"},
    "starts with": {"1": "acd"},
    "present": {"": "abcde"},
    "greaterThan": {"0": "acd"},
    "lessThan": {"1": "be"},
    "inArray": {"1": "acd"},
}
# Answered as 2012-07-10T18:16:12+03:00, one second later, 2012-12-31T23:59:59+02:00, one second
# later, 2024-02-29T14:00:00+02:00.
MODIFIED: dict[str, Expected] = {
    "contains": {"2012": "abc", "T18:16": "ab", "+02:00": "cde"},
    "equals": {
        "2012-07-10T18:16:12+03:00": "a",
        "2012-07-10T15:16:12Z": "a",
        "2012-07-10T18:16:12": "a",
        "2012-07-10T15:16:12": "",
        "2013-01-01": "d",
        "yesterday": "",
        "": "",
    },
    "startsWith": {"2012-07": "ab", "12": ""},
    "starts with": {"2024": "e"},
    "present": {"": "abcde"},
    "greaterThan": {"2012-12-31T22:59:59+01:00": "de", "2013-01-01": "e", "2030-01-01": ""},
    "lessThan": {"2012-07-10T17:16:13+02:00": "a", "2013-01-01": "abc"},
    "inArray": {"2012-07-10T15:16:12Z, 2013-01-01": "ad", "x": ""},
}
# Of 0 to 4: dead, delivered, failed, pending, pending. The newest come first.
STATES: dict[str, Expected] = {
    "contains": {"e": "43210", "li": "1", "x": ""},
    "equals": {"pending": "43", "failed": "2", "delivered": "1", "dead": "0", "de": "", "": ""},
    "startsWith": {"de": "10", "DEAD": ""},
    "starts with": {"f": "2"},
    "present": {"": "43210"},
    "greaterThan": {"delivered": "432", "pending": ""},
    "lessThan": {"delivered": "0"},
    "inArray": {"dead, failed": "20", "lost": ""},
}
DELIVERY_IDS: dict[str, Expected] = {
    "contains": {"_3": "3", "msg": "43210"},
    "equals": {"msg_1": "1", "msg": ""},
    "startsWith": {"msg_": "43210", "_": ""},
    "starts with": {"msg_4": "4"},
    "present": {"": "43210"},
    "greaterThan": {"msg_2": "43"},
    "lessThan": {"msg_2": "10"},
    "inArray": {"msg_0,msg_4": "40"},
}
# 2026-11-19T10:00:00+02:00 and a minute more for each.
CREATED: dict[str, Expected] = {
    "contains": {"T10:03": "3"},
    "equals": {"2026-11-19T08:01:00Z": "1", "2026-11-19T10:01:00": "1", "2026-11-19": ""},
    "startsWith": {"2026-11-19T10:0": "43210"},
    "starts with": {"2027": ""},
    "present": {"": "43210"},
    "greaterThan": {"2026-11-19T08:02:59Z": "43", "2026-11-20": ""},
    "lessThan": {"2026-11-19T09:01:00+01:00": "0", "2026-11-20": "43210"},
    "inArray": {"2026-11-19T10:00:00+02:00,2026-11-19T10:04:00+02:00": "40"},
}
CALL_IDS: dict[str, Expected] = {
    "contains": {"2": "2", "call": "0123"},
    "equals": {"call1": "1", "call": ""},
    "startsWith": {"call": "0123", "1": ""},
    "starts with": {"call3": "3"},
    "present": {"": "0123"},
    "greaterThan": {"call1": "23"},
    "lessThan": {"call1": "0"},
    "inArray": {"call3,call0": "03"},
}
# 2012-06-27T16:08:50+03:00, and 1, 2 and 60 minutes later.
PUBLISHED: dict[str, Expected] = {
    "contains": {"T16:": "012"},
    "equals": {"2012-06-27T13:09:50Z": "1", "2012-06-27T16:09:50": "1", "2012-06-27": ""},
    "startsWith": {"2012-06-27T17": "3"},
    "starts with": {"2012": "0123"},
    "present": {"": "0123"},
    "greaterThan": {"2012-06-27T16:09:50+03:00": "23"},
    "lessThan": {"2012-06-27T15:09:50+02:00": "0"},
    "inArray": {"2012-06-27T16:08:50+03:00,2012-06-27T17:08:50+03:00": "03"},
}

TABLE: dict[str, dict[str, dict[str, Expected]]] = {
    "events": {
        "id": TEXT_IDS,
        "method": METHODS,
        "modified": MODIFIED,
        "note": NOTES,
        "status": STATUSES,
        "type": TYPES,
        "url": URLS,
    },
    "deliveries": {"id": DELIVERY_IDS, "state": STATES, "created": CREATED},
    "calls": {"id": CALL_IDS, "published": PUBLISHED},
}


class Row(NamedTuple):
    listed: str
    field: str
    op: str
    value: str
    found: str


ROWS = [
    Row(listed, field, op, value, found)
    for listed, fields in TABLE.items()
    for field, ops in fields.items()
    for op, values in ops.items()
    for value, found in values.items()
]


def filtered(listed: str, **parameters: str) -> str:
    return f"{LIST_PATHS[listed]}?{urlencode(parameters)}"


async def test_no_field_and_no_operation_is_left_out() -> None:
    assert {(row.listed, row.field, row.op) for row in ROWS} == {
        (listed, field, op)
        for listed, fields in FIELDS.items()
        for field in fields.filterable
        for op in FILTER_OPS
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:4]))
async def test_what_a_filter_finds(lists: RunningApi, row: Row) -> None:
    path = filtered(row.listed, filterBy=row.field, filterOp=row.op, filterValue=row.value)
    answer = await lists.get(path)
    assert labels(answer) == row.found
    assert answer.status == (200 if row.found else 204)
    if row.found:
        assert answer.body["totalResults"] == len(row.found)
        assert answer.body["filtered"] is True


@pytest.mark.parametrize("row", [row for row in ROWS if row.op == "contains"], ids=str)
async def test_without_an_operation_it_is_contains(lists: RunningApi, row: Row) -> None:
    path = filtered(row.listed, filterBy=row.field, filterValue=row.value)
    assert labels(await lists.get(path)) == row.found


@pytest.mark.parametrize("row", [row for row in ROWS if row.op == "present"], ids=str)
async def test_present_needs_no_value(lists: RunningApi, row: Row) -> None:
    path = filtered(row.listed, filterBy=row.field, filterOp=row.op)
    assert labels(await lists.get(path)) == row.found


@pytest.mark.parametrize("listed", TABLE)
async def test_other_fields_cannot_be_filtered_by(lists: RunningApi, listed: str) -> None:
    fields = FIELDS[listed]
    others = [name for name in fields.names if name not in fields.filterable]
    for field in (*others, "", "ID", "colour", "id,url", "id "):
        answer = await lists.get(filtered(listed, filterBy=field, filterValue="1"))
        assert answer.error == (400, "filterby_invalid"), field
        assert all(name in answer.message for name in fields.filterable)


@pytest.mark.parametrize("op", [op for op in FilterOp if op is not FilterOp.PRESENT])
@pytest.mark.parametrize("listed", TABLE)
async def test_all_operations_but_present_need_a_value(
    lists: RunningApi, listed: str, op: str
) -> None:
    answer = await lists.get(filtered(listed, filterBy="id", filterOp=op))
    assert answer.error == (400, "filtervalue_invalid")


@pytest.mark.parametrize("op", ["greaterThan", "lessThan"])
@pytest.mark.parametrize(
    ("listed", "field", "value"),
    [
        *[("events", field, "x") for field in ("type", "method", "status", "modified")],
        *[("events", "type", value) for value in ("", "1.5", "1e3", " 1", "٣", "9" * 21)],
        *[("events", "modified", value) for value in ("", "12:00", "2012-13-01", "99999-01-01")],
        ("deliveries", "created", "yesterday"),
        ("calls", "published", "yesterday"),
    ],
)
async def test_only_numbers_and_dates_are_greater_or_less(
    lists: RunningApi, listed: str, field: str, value: str, op: str
) -> None:
    answer = await lists.get(filtered(listed, filterBy=field, filterOp=op, filterValue=value))
    assert answer.error == (400, "filtervalue_invalid")


async def test_a_plus_that_was_not_encoded_is_still_that_of_an_offset(lists: RunningApi) -> None:
    path = LIST_PATHS["events"]
    query = "filterBy=modified&filterOp=equals&filterValue=2012-07-10T18:16:12+03:00"
    assert labels(await lists.get(f"{path}?{query}")) == "a"
