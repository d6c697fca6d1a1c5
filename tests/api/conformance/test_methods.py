"""Every method at every address: GET's HEAD, OPTIONS, and what an address does not have."""

import pytest

from tests.api.conformance.operations import OPERATIONS
from tests.api.conformance.stage import Stage

ADDRESSES = {
    path: {operation.method: operation for operation in OPERATIONS if operation.path == path}
    for path in {operation.path: None for operation in OPERATIONS}
}
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "TRACE", "PROPFIND", "QUERY")
# Of calls, DELETE is to come.
TO_COME = {path: {"DELETE"} for path in ADDRESSES if path.startswith("/phoneCalls")}


def allowed(path: str) -> str:
    has = {*ADDRESSES[path], *TO_COME.get(path, ()), "OPTIONS", "HEAD"}
    return ", ".join(sorted(has))


@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_method_that_is_none_of_the_address(stage: Stage, path: str) -> None:
    url = f"/uapi{await stage.path(ADDRESSES[path]['GET'])}"
    for method in set(METHODS) - ADDRESSES[path].keys() - TO_COME.get(path, set()):
        answer = await stage.api.request(method, url)
        assert answer.error == (405, "method_not_allowed"), method
        assert answer.headers["Allow"] == allowed(path)
        assert allowed(path) in answer.message
    for method in TO_COME.get(path, ()):
        answer = await stage.api.request(method, url)
        assert answer.error == (501, "request_not_implemented")


@pytest.mark.parametrize("path", ADDRESSES)
async def test_options_tells_the_methods(stage: Stage, path: str) -> None:
    url = f"/uapi{await stage.path(ADDRESSES[path]['GET'])}"
    answer = await stage.api.request("OPTIONS", url)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["Allow"] == allowed(path)
    assert (await stage.api.request("OPTIONS", url, headers={})).error == (401, "access_denied")


@pytest.mark.parametrize("path", ADDRESSES)
async def test_head_is_get_without_its_body(stage: Stage, path: str) -> None:
    url = f"/uapi{await stage.path(ADDRESSES[path]['GET'])}"
    for query in ("", "?count=0"):
        got, head = await stage.api.get(url + query), await stage.api.request("HEAD", url + query)
        assert (head.status, head.text) == (got.status, "")
        for name in ("Content-Type", "Content-Length"):
            assert head.headers[name] == got.headers[name]
    assert (await stage.api.request("HEAD", url, headers={})).status == 401
