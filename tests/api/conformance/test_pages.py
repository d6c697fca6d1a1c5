"""Paging: ``paging.next`` and ``paging.prev`` are absolute URLs that lead over the whole list."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.conformance.stage import LIST_PATHS, labels
from tests.api.conformance.test_list_parameters import DEFAULT
from tests.api.running import PUBLIC_URL, Answer, RunningApi

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def follow(api: RunningApi, answer: Answer, way: str) -> Answer | None:
    """The page that a link of this one leads to, None if it has none."""
    link = answer.body.get("paging", {}).get(way)
    if link is None:
        return None
    assert link.startswith(f"{PUBLIC_URL}/uapi/")
    return await api.get(link.removeprefix(PUBLIC_URL))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("order", ["asc", "descending"])
@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_the_links_lead_over_the_whole_list_and_back(
    lists: RunningApi, listed: str, order: str, count: int
) -> None:
    query = f"sortOrder={order}&count={count}&fields=id"
    whole = labels(await lists.get(f"{LIST_PATHS[listed]}?sortOrder={order}"))
    page: Answer | None = await lists.get(f"{LIST_PATHS[listed]}?{query}")
    there, last = "", page
    while page is not None:
        assert page.body["totalResults"] == len(whole)
        assert page.body["startIndex"] == len(there)
        assert page.body["itemsPerPage"] == count
        assert {name for entry in page.body["entry"] for name in entry} == {"id"}
        there += labels(page)
        last, page = page, await follow(lists, page, "next")
    assert there == whole
    back, page = "", last
    while page is not None:
        back = labels(page) + back
        page = await follow(lists, page, "prev")
    assert back == whole


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_no_link_where_there_is_no_page(lists: RunningApi, listed: str) -> None:
    for query in ("", "?count=5", "?count=5000&startIndex=0", "?filterBy=id&filterOp=present"):
        assert "paging" not in (await lists.get(f"{LIST_PATHS[listed]}{query}")).body


# (count, startIndex) of five entries, and the same of the pages before and after.
BESIDE = [
    ((2, 0), None, (2, 2)),
    ((2, 1), (2, 0), (2, 3)),
    ((2, 2), (2, 0), (2, 4)),
    ((2, 3), (2, 1), None),
    ((2, 4), (2, 2), None),
    ((5, 4), (5, 0), None),
    ((4, 0), None, (4, 4)),
    ((5000, 1), (5000, 0), None),
]


@pytest.mark.parametrize("listed", [name for name, found in DEFAULT.items() if len(found) == 5])
@pytest.mark.parametrize(("here", "before", "after"), BESIDE)
async def test_which_pages_are_beside(
    lists: RunningApi,
    listed: str,
    here: tuple[int, int],
    before: tuple[int, int] | None,
    after: tuple[int, int] | None,
) -> None:
    answer = await lists.get(f"{LIST_PATHS[listed]}?count={here[0]}&startIndex={here[1]}")
    assert {
        name: f"{PUBLIC_URL}{LIST_PATHS[listed]}?count={beside[0]}&startIndex={beside[1]}"
        for name, beside in {"next": after, "prev": before}.items()
        if beside
    } == answer.body["paging"]


@pytest.mark.parametrize("listed", [name for name, found in DEFAULT.items() if len(found) > 1])
async def test_the_links_repeat_what_was_asked_for_and_no_more(
    lists: RunningApi, listed: str
) -> None:
    asked = {
        "count": "1",
        "filterBy": "id",
        "filterOp": "inArray",
        "filterValue": ", ".join(
            entry["id"] for entry in (await lists.get(LIST_PATHS[listed])).body["entry"]
        ),
        "sortOrder": "desc",
        "fields": "links, id",
    }
    query = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in asked.items())
    answer = await lists.get(f"{LIST_PATHS[listed]}/?{query}&colour=red&count=1")
    link = urlsplit(answer.body["paging"]["next"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{PUBLIC_URL}{LIST_PATHS[listed]}"
    assert parse_qs(link.query) == {
        **{name: [value] for name, value in asked.items()},
        "startIndex": ["1"],
    }


@pytest.mark.parametrize("listed", LIST_PATHS)
async def test_they_are_of_the_address_that_was_asked_for_in_its_one_spelling(
    lists: RunningApi, listed: str
) -> None:
    path = LIST_PATHS[listed].replace("/uapi/", "/unifiedapi/").replace("@me", "%40viewer")
    answer = await lists.get(f"{path.replace('*', '%2A')}/?count=1&startIndex=0")
    if len(DEFAULT[listed]) == 1:
        assert "paging" not in answer.body
    else:
        link = answer.body["paging"]["next"]
        assert link.startswith(f"{PUBLIC_URL}{LIST_PATHS[listed].replace('@me', '@viewer')}?")
        assert labels(await lists.get(link.removeprefix(PUBLIC_URL))) == DEFAULT[listed][1]
