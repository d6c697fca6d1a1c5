"""PhoneCalls in the document."""

from api.openapi.answers import operation
from api.openapi.pieces import (
    DATE,
    LINK,
    LIST_CODES,
    NO_CONTENT,
    OBJECT_ID_TEXT,
    TEXT,
    URI_CODES,
    Json,
    choice,
    closed,
    described,
    error_schema,
    in_path,
    json_content,
    list_answers,
    list_parameters,
    name_of,
    parameter,
    schema,
)
from api.phone_call_actions import ACTIONS_TO_COME, Action
from api.phone_call_json import FIELDS
from daemon.calls.model import Flow, HeldBy, ViewStatus

_LIST_PATH = "/uapi/phoneCalls/{user}/{extension}"
_UNAVAILABLE = ("pbx_unavailable", "store_unavailable")
_CALL_CODES = (*URI_CODES, "pc_phonecall_invalid")
_ACTION_CODES = ("request_invalid", "pc_action_invalid", "pc_phonecallview_invalid")
_FLOWS = {Flow.LOCAL: "local", Flow.OUTGOING: "outgoing", Flow.INCOMING: "incoming"}
_STATUSES = {
    ViewStatus.UNKNOWN: "unknown",
    ViewStatus.OFF_HOOK: "off hook",
    ViewStatus.TRYING: "trying",
    ViewStatus.RINGING: "ringing",
    ViewStatus.OTHER_SIDE_RINGING: "the other side is ringing",
    ViewStatus.ON_CALL: "on call",
}


def paths() -> Json:
    whose = [parameter("user"), parameter("extension")]
    one = in_path("phoneCallId", OBJECT_ID_TEXT, "The id of a live call.")
    return {
        _LIST_PATH: {
            "parameters": whose,
            "get": _list("listCalls", "Live calls of an extension or a user", URI_CODES),
            "put": _act(
                "actOnCalls", "Hold all calls, or end all holds", _array_answers(), URI_CODES, []
            ),
            "delete": _hang_up("hangUpCalls", "Hang up all calls"),
        },
        f"{_LIST_PATH}/{{phoneCallId}}": {
            "parameters": [*whose, one],
            "get": _list("showCall", "One live call, in a Collection", _CALL_CODES),
            "put": _act(
                "actOnCall",
                "Hold a call, or end a hold",
                _answers(),
                _CALL_CODES,
                ["phoneCallViewId"],
            ),
            "delete": _hang_up("hangUpCall", "Hang up a call"),
        },
    }


def schemas() -> Json:
    return {
        "PhoneCallFields": closed(
            {
                "id": OBJECT_ID_TEXT,
                "extension": described(TEXT, "The extension that the call is charged to."),
                "ownerId": described(TEXT, "The organization of that extension."),
                "ownerName": TEXT,
                "published": DATE,
                "answered": DATE,
                "nonce": TEXT,
                "phoneCallView": {"type": "array", "items": schema("PhoneCallView")},
                "links": LINK,
                "link": LINK,
            }
        ),
        "PhoneCall": {
            **schema("PhoneCallFields"),
            "required": ["id", "published", "phoneCallView", "links", "link"],
        },
        "PhoneCallView": _view(),
        "Accepted": closed({"id": OBJECT_ID_TEXT, "extension": TEXT, "link": LINK}, ["id", "link"]),
        "Failed": closed(
            {
                "id": OBJECT_ID_TEXT,
                "extension": TEXT,
                "link": LINK,
                **error_schema()["properties"],
            },
            ["id", "link", "error"],
        ),
    }


def _view() -> Json:
    numbers = {"type": "array", "items": TEXT}
    return closed(
        {
            "id": {"type": "string", "pattern": "^[0-9]{2,}$"},
            "extension": TEXT,
            "source": numbers,
            "destination": numbers,
            "callerId": TEXT,
            "flow": choice(_FLOWS),
            "status": choice(_STATUSES),
            "ringing": DATE,
            "answered": DATE,
            "onHold": described(DATE, "Since when this leg holds the other one."),
            "holder": {"const": 1},
            "onHoldBy": name_of(HeldBy),
            "onHoldNote": described(TEXT, "What there is to know about what the held one hears."),
            "parked": DATE,
            "parkedPos": TEXT,
            "parkedBy": TEXT,
        },
        ["id", "status"],
    )


def _list(id: str, summary: str, codes: tuple[str, ...]) -> Json:
    return operation(
        id,
        summary,
        list_answers(schema("PhoneCallFields")),
        invalid_codes=(*codes, *LIST_CODES),
        parameters=list_parameters(FIELDS),
        unavailable=_UNAVAILABLE,
    )


def _act(id: str, summary: str, good: Json, codes: tuple[str, ...], required: list[str]) -> Json:
    return operation(
        id,
        summary,
        good,
        invalid_codes=(*codes, *_ACTION_CODES),
        body={
            "type": "object",
            "required": ["action", *required],
            "properties": {
                "action": {"enum": [*(each.value for each in Action), *ACTIONS_TO_COME]},
                "phoneCallViewId": described(
                    {**TEXT, "examples": ["01"]},
                    "The view of the leg that holds or of the one that it talks to.",
                ),
            },
        },
        to_come=True,
        unavailable=_UNAVAILABLE,
    )


def _answers() -> Json:
    gone = {"type": "array", "maxItems": 0}
    return {
        "200": json_content(
            {"oneOf": [schema("PhoneCall"), gone]},
            "The PBX has done it: the call as it is now. An empty array if it has ended since and "
            "`[api] empty` is 200.",
        ),
        "202": json_content(schema("Accepted"), "The PBX is still at work; GET tells the truth."),
        "204": NO_CONTENT,
    }


def _array_answers() -> Json:
    each = {"oneOf": [schema("PhoneCall"), schema("Accepted"), schema("Failed")]}
    calls = {"type": "array", "items": each}
    return {
        "200": json_content(calls, "The calls as they are now, or why not."),
        "202": json_content(calls, "The PBX is still at work on some of them."),
        "204": NO_CONTENT,
    }


def _hang_up(id: str, summary: str) -> Json:
    return operation(id, summary, {}, to_come=True)
