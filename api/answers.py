"""Answers with many resources: the Collection with its pages, the plain array, and nothing."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

from starlette.responses import Response

from api.json_answer import JsonAnswer
from api.list_request import MAX_START_INDEX, PARAMETERS, ListRequest

Resource = dict[str, object]
"""A resource as JSON shows it, by field name."""

Empty = Literal["204", "200"]
"""What an answer with nothing in it is; ``[api] empty`` of the settings."""


def collection_answer(
    entries: Sequence[Resource],
    wanted: ListRequest,
    url: str,
    query: Mapping[str, str],
    empty: Empty,
) -> Response:
    """The page that is wanted, out of all entries in the ascending order of the resource.

    ``url`` and ``query`` are what was asked for; the links to the pages beside start with them.
    """
    found = [entry for entry in entries if wanted.filter is None or wanted.filter.matches(entry)]
    if wanted.descending:
        found.reverse()
    page = found[wanted.start_index : wanted.start_index + wanted.count]
    return page_answer(page, len(found), wanted, url, query, empty)


def page_answer(
    page: Sequence[Resource],
    total: int,
    wanted: ListRequest,
    url: str,
    query: Mapping[str, str],
    empty: Empty,
) -> Response:
    """The page that is wanted, already found, sorted and cut, out of so many."""
    if not page and empty == "204":
        return Response(status_code=204)
    body: Resource = {
        "startIndex": wanted.start_index,
        "totalResults": total,
        "itemsPerPage": wanted.count,
        "filtered": True,
        "sorted": True,
        "entry": [_projected(entry, wanted.fields) for entry in page],
    }
    if paging := _paging(wanted, total, url, query):
        body["paging"] = paging
    return JsonAnswer(body)


def array_answer(items: Sequence[Resource], empty: Empty, status: int = 200) -> Response:
    """All items, with this status; without any, what the settings say of nothing."""
    if not items and empty == "204":
        return Response(status_code=204)
    return JsonAnswer(list(items), status if items else 200)


def _projected(entry: Resource, fields: frozenset[str] | None) -> Resource:
    if fields is None:
        return entry
    return {name: value for name, value in entry.items() if name in fields}


def _paging(
    wanted: ListRequest, total: int, url: str, query: Mapping[str, str]
) -> dict[str, str] | None:
    def link(start_index: int) -> str:
        given = {name: query[name] for name in PARAMETERS if name in query}
        here = {"count": wanted.count, "startIndex": start_index}
        return f"{url}?{urlencode({**given, **here})}"

    paging = {}
    following = wanted.start_index + wanted.count
    # A page that starts beyond the limit cannot be asked for, so no link leads there.
    if following < total and following <= MAX_START_INDEX:
        paging["next"] = link(following)
    if wanted.start_index > 0 and total > 0:
        paging["prev"] = link(max(0, min(wanted.start_index, total) - wanted.count))
    return paging or None
