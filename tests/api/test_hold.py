"""OnHold and OffHold over HTTP; the PBX does what each test says."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from daemon.calls.model import PhoneCall, PhoneCallView, ViewStatus
from daemon.holds.hold import Confirmed, Failed, HoldOutcome, NotHoldable
from daemon.pbx.line import PbxUnavailable
from tests.api.calls import HELD, CallsInMemory, ChosenHolds, a_call, a_view
from tests.api.running import CALLS, PUBLIC_URL, RunningApi, StartApi

ID = "b817d2618fe6f1804333"
CALL = f"{CALLS}/{ID}"
SELF = f"/uapi/phoneCalls/@me/@self/{ID}"
ON_HOLD = {"action": "OnHold", "phoneCallViewId": "01"}
OFF_HOLD = {"action": "OffHold", "phoneCallViewId": "01"}
CALLER, CALLEE = "1340802530.1", "1340802530.2"


def a_pbx(
    api: RunningApi,
    *calls: PhoneCall,
    behave: Callable[[str, PhoneCallView], HoldOutcome] | None = None,
) -> ChosenHolds:
    """These calls, and holds that are done and confirmed if ``behave`` does nothing else."""
    live = CallsInMemory(api.service.directory, *calls)

    def confirm(what: str, view: PhoneCallView) -> HoldOutcome:
        live.set_on_hold(view.channel, HELD if what == "hold" else None)
        return Confirmed()

    api.service.calls = live
    api.service.holds = holds = ChosenHolds(behave or confirm)
    return holds


def another_call(id: str, **fields: Any) -> PhoneCall:
    """A conversation of 0003*210 with a trunk, in a bridge of its own."""
    leg = a_view(channel=f"{id}.1", peer=f"{id}.2", bridge=id, **fields)
    trunk = a_view(id="02", channel=f"{id}.2", peer=f"{id}.1", bridge=id, extension=None)
    return a_call(id=id, views=(leg, trunk))


async def test_on_hold_and_off_hold_answer_the_call_as_it_is_then(api: RunningApi) -> None:
    holds = a_pbx(api, a_call())
    held = await api.put(CALL, ON_HOLD)
    assert held.status == 200
    assert held.body == (await api.get(CALL)).body["entry"][0]
    assert held.body["phoneCallView"][0]["onHold"] == "2012-06-27T16:18:50+03:00"
    resumed = await api.put(CALL, OFF_HOLD)
    assert resumed.status == 200
    assert "onHold" not in resumed.text
    assert holds.asked == [("hold", CALLER), ("resume", CALLER)]


@pytest.mark.parametrize("body", [ON_HOLD, OFF_HOLD])
async def test_the_same_again_answers_the_same(api: RunningApi, body: dict[str, str]) -> None:
    a_pbx(api, a_call())
    first = await api.put(CALL, body)
    second = await api.put(CALL, body)
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body


@pytest.mark.parametrize(
    ("path", "token_of", "view_id", "holder"),
    [
        (CALL, 12, "01", CALLER),
        (CALL, 12, "02", CALLER),  # the peer's view names the same connection
        (SELF, 12, "01", CALLER),
        (SELF, 12, "02", CALLER),
        (SELF, 13, "02", CALLEE),
        (SELF, 13, "01", CALLEE),
    ],
)
async def test_the_holder_is_the_leg_of_the_user(
    api: RunningApi, path: str, token_of: int, view_id: str, holder: str
) -> None:
    holds = a_pbx(api, a_call())
    api.token = await api.new_token(token_of)
    answer = await api.put(path, {"action": "OnHold", "phoneCallViewId": view_id})
    assert answer.status == 200
    assert holds.asked == [("hold", holder)]


async def test_between_two_extensions_of_a_user_the_named_leg_holds(api: RunningApi) -> None:
    sibling = a_view(id="02", channel=CALLEE, peer=CALLER, extension="0003*211")
    holds = a_pbx(api, a_call(views=(a_view(), sibling)))
    for view_id in ("02", "01"):
        await api.put(SELF, {"action": "OnHold", "phoneCallViewId": view_id})
    assert holds.asked == [("hold", CALLEE), ("hold", CALLER)]


@pytest.mark.parametrize("path", [f"{CALLS}/unknown", f"{CALLS}/{ID[:-1]}"])
async def test_a_call_that_is_not_there(api: RunningApi, path: str) -> None:
    a_pbx(api, a_call())
    answer = await api.put(path, ON_HOLD)
    assert answer.error == (400, "pc_phonecall_invalid")


async def test_a_call_of_somebody_else(api: RunningApi) -> None:
    holds = a_pbx(api, a_call(views=(a_view(extension="0003*024"),)))
    for path in (CALL, SELF):
        assert (await api.put(path, ON_HOLD)).error == (400, "pc_phonecall_invalid")
    assert holds.asked == []


@pytest.mark.parametrize("came", [None, "", "1", "001", "03", 1, True, ["01"], " 01", "x" * 500])
@pytest.mark.parametrize("path", [CALL, SELF])
async def test_a_view_that_is_not_of_the_call(api: RunningApi, path: str, came: object) -> None:
    holds = a_pbx(api, a_call())
    answer = await api.put(path, {"action": "OnHold", "phoneCallViewId": came})
    assert answer.error == (400, "pc_phonecallview_invalid")
    assert "01, 02" in answer.message
    assert holds.asked == []


async def test_no_view_at_all(api: RunningApi) -> None:
    a_pbx(api, a_call())
    answer = await api.put(CALL, {"action": "OnHold"})
    assert answer.error == (400, "pc_phonecallview_invalid")
    assert "missing" in answer.message


async def test_a_view_of_a_conversation_between_others(api: RunningApi) -> None:
    others = (
        a_view(id="03", channel="3", peer="4", bridge="b2", extension="0003*024"),
        a_view(id="04", channel="4", peer="3", bridge="b2", extension=None),
    )
    holds = a_pbx(api, a_call(views=(a_view(), *others)))
    body = {"action": "OnHold", "phoneCallViewId": "03"}
    assert (await api.put(CALL, body)).error == (400, "pc_phonecallview_invalid")
    denied = await api.put(SELF, body)
    assert denied.error == (401, "access_denied")
    assert denied.headers["WWW-Authenticate"] == "Bearer"
    assert holds.asked == []


@pytest.mark.parametrize(
    "action",
    [
        "StartRecording",
        "StopRecording",
        "PickUp",
        "BargeIn",
        "Monitor",
        "Whisper",
        "Park",
        "UnPark",
        "Transfer",
        "TransferToVoicemail",
    ],
)
async def test_actions_of_the_uapi_that_are_not_there_yet(api: RunningApi, action: str) -> None:
    a_pbx(api, a_call())
    answer = await api.put(CALL, {"action": action, "phoneCallViewId": "01"})
    assert answer.error == (501, "request_not_implemented")
    assert action in answer.message


@pytest.mark.parametrize("path", [CALL, CALLS])
@pytest.mark.parametrize("body", [{}, {"action": "onhold"}, {"action": 1}, {"action": ["OnHold"]}])
async def test_an_action_that_is_none(api: RunningApi, path: str, body: dict[str, object]) -> None:
    holds = a_pbx(api, a_call())
    answer = await api.put(path, {"phoneCallViewId": "01", **body})
    assert answer.error == (400, "pc_action_invalid")
    assert "OnHold, OffHold" in answer.message
    assert holds.asked == []


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (NotHoldable("It is ringing."), (400, "pc_phonecallview_invalid")),
        (Failed("Not held: no music.", unavailable=False), (500, "internal_server_error")),
        (Failed("Not held: no line.", unavailable=True), (503, "pbx_unavailable")),
    ],
)
@pytest.mark.parametrize("path", [CALL, CALLS])
async def test_what_the_pbx_did_not_do(
    api: RunningApi, path: str, outcome: NotHoldable | Failed, error: tuple[int, str]
) -> None:
    a_pbx(api, a_call(), behave=lambda what, view: outcome)
    answer = await api.put(path, ON_HOLD)
    assert answer.error == error
    assert outcome.reason in answer.message
    assert answer.headers.get("Retry-After") == ("5" if error[0] == 503 else None)


@pytest.mark.parametrize(
    "raised", [asyncio.CancelledError(), PbxUnavailable("the line was lost")], ids=repr
)
async def test_a_hold_that_is_broken_off(api: RunningApi, raised: BaseException) -> None:
    def break_off(what: str, view: PhoneCallView) -> HoldOutcome:
        raise raised

    a_pbx(api, a_call(), behave=break_off)
    assert (await api.put(CALL, ON_HOLD)).error == (503, "pbx_unavailable")


async def test_the_work_goes_on_after_202(start_api: StartApi) -> None:
    async with start_api(api={"hold_timeout": 0.05}) as api:
        holds = a_pbx(api, a_call())
        holds.gate.clear()
        answer = await api.put(CALL, ON_HOLD)
        assert answer.status == 202
        assert answer.body == {
            "id": ID,
            "extension": "0003*210",
            "link": {"self": f"{PUBLIC_URL}{CALL}"},
        }
        assert "onHold" not in (await api.get(CALL)).text
        holds.gate.set()
        assert await holds.tasks[0] == Confirmed()
        assert "onHold" in (await api.get(CALL)).text


@pytest.mark.parametrize(("empty", "status", "text"), [("204", 204, ""), ("200", 200, "[]")])
async def test_a_call_that_ends_while_it_is_put_on_hold(
    start_api: StartApi, empty: str, status: int, text: str
) -> None:
    async with start_api(api={"empty": empty}) as api:

        def hang_up(what: str, view: PhoneCallView) -> HoldOutcome:
            api.service.calls = CallsInMemory(api.service.directory)
            return Confirmed()

        a_pbx(api, a_call(), behave=hang_up)
        answer = await api.put(CALL, ON_HOLD)
        assert (answer.status, answer.text) == (status, text)


async def test_all_calls_of_an_extension(api: RunningApi) -> None:
    ringing = another_call("ringing", status=ViewStatus.RINGING)
    holds = a_pbx(api, a_call(), another_call("second"), ringing)
    answer = await api.put(CALLS, {"action": "OnHold"})
    assert answer.status == 200
    assert [call["id"] for call in answer.body] == [ID, "second"]
    assert all("onHold" in call["phoneCallView"][0] for call in answer.body)
    assert holds.asked == [("hold", CALLER), ("hold", "second.1")]
    answer = await api.put(f"{CALLS}/", {"action": "OffHold"})
    assert [call["id"] for call in answer.body] == [ID, "second"]
    assert "onHold" not in answer.text


async def test_all_calls_of_a_user_hold_each_conversation_once(api: RunningApi) -> None:
    sibling = a_view(id="02", channel=CALLEE, peer=CALLER, extension="0003*211")
    holds = a_pbx(api, a_call(views=(a_view(), sibling)))
    path = "/uapi/phoneCalls/@me/@self"
    assert (await api.put(path, {"action": "OnHold"})).status == 200
    assert holds.asked == [("hold", CALLER)]
    assert (await api.put(path, {"action": "OffHold"})).status == 200
    assert holds.asked[1:] == [("resume", CALLER), ("resume", CALLEE)]


async def test_who_holds_already_is_who_is_asked_again(api: RunningApi) -> None:
    sibling = a_view(id="02", channel=CALLEE, peer=CALLER, extension="0003*211", on_hold=HELD)
    holds = a_pbx(api, a_call(views=(a_view(), sibling)))
    await api.put("/uapi/phoneCalls/@me/@self", {"action": "OnHold"})
    assert holds.asked == [("hold", CALLEE)]


@pytest.mark.parametrize(("empty", "status", "text"), [("204", 204, ""), ("200", 200, "[]")])
async def test_all_of_no_calls(start_api: StartApi, empty: str, status: int, text: str) -> None:
    async with start_api(api={"empty": empty}) as api:
        a_pbx(api, another_call("ringing", status=ViewStatus.RINGING))
        answer = await api.put(CALLS, {"action": "OnHold"})
        assert (answer.status, answer.text) == (status, text)


async def test_two_ends_that_local_channels_lie_between_hold_each_other_once(
    api: RunningApi,
) -> None:
    caller = a_view(bridge="b1")
    callee = a_view(id="02", channel=CALLEE, peer=CALLER, bridge="b2", extension="0003*211")
    holds = a_pbx(api, a_call(views=(caller, callee)))
    await api.put("/uapi/phoneCalls/@me/@self", {"action": "OnHold"})
    assert holds.asked == [("hold", CALLER)]


NO_CONVERSATION = NotHoldable("It is a conference.")
NO_MUSIC = Failed("Not held: no music.", unavailable=False)
NO_LINE = Failed("Not held: no line.", unavailable=True)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (NO_CONVERSATION, "pc_phonecallview_invalid"),
        (NO_MUSIC, "internal_server_error"),
        (NO_LINE, "pbx_unavailable"),
    ],
)
async def test_of_all_calls_one_that_fails_does_not_hide_the_others(
    api: RunningApi, outcome: NotHoldable | Failed, code: str
) -> None:
    def behave(what: str, view: PhoneCallView) -> HoldOutcome:
        return outcome if view.channel == "second.1" else Confirmed()

    a_pbx(api, a_call(), another_call("second"), another_call("third"), behave=behave)
    answer = await api.put(CALLS, {"action": "OnHold"})
    assert answer.status == 200
    assert [call["id"] for call in answer.body] == [ID, "second", "third"]
    _, failed, _ = answer.body
    assert set(failed) == {"id", "extension", "link", "error"}
    assert failed["error"]["code"] == code
    assert outcome.reason in failed["error"]["message"]


async def test_of_all_calls_all_failed_is_an_error_that_tells_each_reason(api: RunningApi) -> None:
    outcomes: dict[str, NotHoldable | Failed] = {
        CALLER: NO_CONVERSATION,
        "second.1": NO_LINE,
        "third.1": NO_MUSIC,
    }
    calls = a_call(), another_call("second"), another_call("third")
    a_pbx(api, *calls, behave=lambda what, view: outcomes[view.channel])
    answer = await api.put(CALLS, {"action": "OnHold"})
    assert answer.error == (503, "pbx_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert all(outcome.reason in answer.message for outcome in outcomes.values())


async def test_of_all_calls_some_not_confirmed_in_time(start_api: StartApi) -> None:
    async with start_api(api={"hold_timeout": 0.05}) as api:
        holds = a_pbx(api, a_call())
        holds.gate.clear()
        answer = await api.put(CALLS, {"action": "OnHold"})
        assert answer.status == 202
        assert answer.body == [
            {"id": ID, "extension": "0003*210", "link": {"self": f"{PUBLIC_URL}{CALL}"}}
        ]
        holds.gate.set()
        assert await holds.tasks[0] == Confirmed()
