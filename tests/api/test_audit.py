"""What the log tells of changes, of actions on calls, and of what was refused."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.requests import Request

from api.audit import Audit
from daemon.calls.model import PhoneCallView
from daemon.holds.hold import Confirmed, Failed, HoldOutcome, NotHoldable
from tests.api.calls import BrokenCalls, a_call
from tests.api.running import CALLS, EVENTS, NEW_EVENT, RunningApi
from tests.api.test_hold import a_pbx, another_call

ID = "b817d2618fe6f1804333"
ON_HOLD = {"action": "OnHold", "phoneCallViewId": "01"}
HERS = "/uapi/extensions/@me/0003*024/phoneCallEvents"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> "Lines":
    caplog.set_level(logging.INFO, "api.audit")
    return Lines(caplog)


class Lines:
    """The lines of the audit so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def take(self) -> list[str]:
        """Those since this was last asked."""
        found = [each.getMessage() for each in self._caplog.records if each.name == "api.audit"]
        self._caplog.clear()
        return found


async def _who(api: RunningApi) -> str:
    (app,) = await api.service.store.read(lambda db: db.execute("SELECT id FROM apps").fetchone())
    return f"user 12, app {app}, from 127.0.0.1"


async def test_each_change_of_an_event_is_one_line_with_who_what_and_on_what(
    api: RunningApi, lines: Lines
) -> None:
    who = await _who(api)
    (event,) = await api.create_events({"type": "2"})
    id = event["id"]
    assert lines.take() == [f"{who}: create PhoneCallEvent HANGUP, 0003*210, {id}: done"]
    await api.put(f"{EVENTS}/2/{id}", {"status": 0})
    assert lines.take() == [f"{who}: update PhoneCallEvent HANGUP, 0003*210, {id}: done"]
    await api.post(f"{EVENTS}/2/{id}/deliveries", {})
    assert lines.take() == [f"{who}: retry all deliveries of PhoneCallEvent {id}: done"]
    await api.delete(f"{EVENTS}/2/{id}")
    assert lines.take() == [f"{who}: delete 1 PhoneCallEvents, 0003*210, HANGUP, {id}: done"]
    await api.delete(EVENTS)
    assert lines.take() == [f"{who}: delete 0 PhoneCallEvents, 0003*210, all types: done"]


async def test_what_only_reads_is_not_told(api: RunningApi, lines: Lines) -> None:
    a_pbx(api, a_call())
    for path in (EVENTS, CALLS, "/ready", "/nowhere"):
        await api.get(path)
        await api.request("HEAD", path)
    assert lines.take() == []


async def test_a_change_that_fails_is_told_with_the_reason(api: RunningApi, lines: Lines) -> None:
    who = await _who(api)
    answer = await api.post(EVENTS, {**NEW_EVENT, "note": "x" * 1025})
    assert lines.take() == [f'{who}: "POST" "{EVENTS}": 400 pce_note_invalid: {answer.message}']
    answer = await api.put(f"{EVENTS}/0/abc", {"status": 0})
    what = "update PhoneCallEvent DIAL_IN, 0003*210, abc"
    assert lines.take() == [f"{who}: {what}: 400 pce_id_invalid: {answer.message}"]
    await api.delete("/uapi/phoneCalls/@me/0003*210")
    (line,) = lines.take()
    assert "501 request_not_implemented" in line


async def test_a_url_is_not_told_as_it_may_have_a_secret_in_it(
    api: RunningApi, lines: Lines
) -> None:
    for url in ("http://me:hunter2@a/", "http://a/?key=hunter2", "ftp://a/hunter2"):
        await api.post(EVENTS, {**NEW_EVENT, "url": url})
    told = lines.take()
    assert len(told) == 3
    assert "hunter2" not in "".join(told)
    assert told[0].endswith(": 400 pce_url_invalid")


async def test_each_action_on_a_call_is_a_line_with_its_outcome(
    start_api: Any, lines: Lines
) -> None:
    def behave(what: str, view: PhoneCallView) -> HoldOutcome:
        return Confirmed() if what == "hold" else NotHoldable("It rings\r\nonly.")

    async with start_api(api={"hold_timeout": 0.01}) as api:
        who = await _who(api)
        holds = a_pbx(api, a_call(), behave=behave)
        await api.put(f"{CALLS}/{ID}", ON_HOLD)
        what = f"view 01 of call {ID}, 0003*210"
        assert lines.take() == [f"{who}: OnHold, {what}: done"]
        await api.put(f"{CALLS}/{ID}", {**ON_HOLD, "action": "OffHold"})
        (line,) = lines.take()
        reason = r"The view 01 cannot be held. It rings\r\nonly."
        assert line == f"{who}: OffHold, {what}: 400 pc_phonecallview_invalid: {reason}"
        holds.gate.clear()
        await api.put(f"/uapi/phoneCalls/@me/@self/{ID}", ON_HOLD)
        assert lines.take() == [f"{who}: OnHold, view 01 of call {ID}, @self: accepted"]
        holds.gate.set()
        await api.put(f"{CALLS}/{'f' * 20}", ON_HOLD)
        (line,) = lines.take()
        assert f"OnHold, call {'f' * 20}, 0003*210: 400 pc_phonecall_invalid" in line


async def test_an_action_on_all_calls_is_a_line_for_each(api: RunningApi, lines: Lines) -> None:
    def behave(what: str, view: PhoneCallView) -> HoldOutcome:
        return Confirmed() if view.bridge == "b1" else Failed("The PBX refused.", unavailable=False)

    who = await _who(api)
    a_pbx(api, a_call(), another_call("f" * 20), behave=behave)
    assert (await api.put(CALLS, {"action": "OnHold"})).status == 200
    done = f"{who}: OnHold, view 01 of call {ID}, 0003*210: done"
    failed = f"{who}: OnHold, view 01 of call {'f' * 20}, 0003*210: 500 internal_server_error"
    assert lines.take() == [done, f"{failed}: The PBX refused."]
    a_pbx(api, another_call("f" * 20), behave=behave)
    assert (await api.put(CALLS, {"action": "OnHold"})).status == 500
    assert lines.take() == [f"{failed}: The PBX refused."]
    a_pbx(api)
    assert (await api.put(CALLS, {"action": "OnHold"})).status == 204
    assert lines.take() == [f"{who}: OnHold, all calls, 0003*210: done"]


async def test_a_crash_in_an_action_is_told_too(api: RunningApi, lines: Lines) -> None:
    who = await _who(api)
    api.service.calls = BrokenCalls()
    await api.put(f"{CALLS}/{ID}", ON_HOLD)
    (line,) = lines.take()
    assert line.startswith(f"{who}: OnHold, call {ID}, 0003*210: 500 internal_server_error: ")


async def test_what_is_refused_is_told_with_its_reason_and_without_the_token(
    api: RunningApi, lines: Lines
) -> None:
    for token in (f"{api.token}x", f"x{api.token}", "hunter2"):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await api.request("GET", EVENTS, headers=headers)).status == 401
    told = lines.take()
    reason = "The token is unknown, or was revoked, or its user is gone."
    assert told[0] == (f'refused: from 127.0.0.1: "GET" "{EVENTS}": 401 access_denied: {reason}')
    assert not any(secret in "".join(told) for secret in (api.token, "hunter2"))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_asks_for_what_is_not_his_is_told_once(
    api: RunningApi, lines: Lines, method: str
) -> None:
    who = await _who(api)
    answer = await api.request(method, HERS, NEW_EVENT)
    assert answer.error == (400, "pce_access_denied")
    assert lines.take() == [
        f'refused: {who}: "{method}" "{HERS}": 400 pce_access_denied: {answer.message}'
    ]


async def test_many_wrong_tokens_are_a_few_lines(api: RunningApi, lines: Lines) -> None:
    headers = {"Authorization": "Bearer wrong"}
    await asyncio.gather(*(api.request("GET", EVENTS, headers=headers) for _ in range(100)))
    assert len(lines.take()) == 3
    await api.get(HERS)
    (line,) = lines.take()
    assert "pce_access_denied" in line, "they hide no other that is refused"


async def test_what_is_refused_is_told_in_one_line_whatever_is_in_it(lines: Lines) -> None:
    scope = {"type": "http", "headers": [], "client": ("10.0.0.9", 40000)}
    Audit().refused(Request(scope), "a\r\n", 401, "access_denied", "b\x1b[31m\u2028")
    told = r"a\r\n: 401 access_denied: b\x1b[31m\u2028"
    assert lines.take() == [f"refused: from 10.0.0.9: {told}"]


async def test_no_line_has_anything_in_it_that_a_terminal_would_obey(
    api: RunningApi, lines: Lines
) -> None:
    odd = "%0d%1b%5b31m%e2%80%ae%00"
    for path in (f"/uapi/{odd}", f"{EVENTS}/{odd}", f"{EVENTS}/0/{odd}", f"{CALLS}/{odd}"):
        for method in ("GET", "PUT", "DELETE"):
            await asyncio.gather(
                api.request(method, path, {"action": "OnHold\r\n\x1b[31m"}),
                api.request(method, path, headers={}),
            )
    told = lines.take()
    assert told
    assert [line for line in told if not line.isprintable()] == []
