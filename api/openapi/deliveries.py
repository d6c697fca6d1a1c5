"""Deliveries in the document."""

from api.deliveries import ANSWERED_IDS, DELIVERY_ID
from api.delivery_json import FIELDS
from api.openapi.answers import operation
from api.openapi.phone_call_events import EVENT_CODES, EVENT_PATH, event_parameters
from api.openapi.pieces import (
    DATE,
    LINK,
    LIST_CODES,
    NO_CONTENT,
    OBJECT_ID_TEXT,
    TEXT,
    Json,
    choice,
    closed,
    described,
    in_path,
    json_content,
    list_answers,
    list_parameters,
    name_of,
    schema,
)
from api.phone_call_event_json import TYPES
from daemon.calls.model import CallStatus, Direction, Seen
from daemon.events.deliveries import DeliveryState, OutcomeKind

DELIVERY_ID_TEXT: Json = {"type": "string", "pattern": f"^{DELIVERY_ID.pattern}$"}
_NUMBER: Json = {"type": "string", "pattern": "^[0-9]+$"}
_SECONDS: Json = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{3}$"}
_ALL = (
    *("id", "state", "phoneCallEventId", "created", "queued", "attempts", "seen"),
    *("parameters", "links"),
)
_PARAMETERS = (
    *("CallID", "CallerIDNum", "CallerIDName", "CalledDID", "CalledExtension", "CallStatus"),
    *("CallFlow", "CallerExtension", "CalledNumber", "CallAPIID"),
)


def call_event_parameters() -> Json:
    """What a call event tells, each parameter by its name."""
    return {
        **dict.fromkeys(_PARAMETERS, TEXT),
        "CallStatus": name_of(CallStatus),
        "CallFlow": name_of(Direction),
    }


def paths() -> Json:
    one = f"{EVENT_PATH}/deliveries/{{deliveryId}}"
    codes = (*EVENT_CODES, "delivery_id_invalid")
    ids = {"type": "array", "maxItems": ANSWERED_IDS, "items": schema("Id")}
    again = json_content(ids, "The ids of what was put back into the queue.")
    now = json_content(schema("Delivery"), "The delivery as it is now.")
    return {
        f"{EVENT_PATH}/deliveries": {
            "parameters": event_parameters(),
            "get": operation(
                "listDeliveries",
                "What an app was sent, and what waits",
                list_answers(schema("DeliveryFields")),
                invalid_codes=(*EVENT_CODES, *LIST_CODES),
                parameters=list_parameters(FIELDS),
            ),
            "post": operation(
                "retryDeliveries",
                "Send all again that failed or were given up",
                {"200": again, "204": NO_CONTENT},
                invalid_codes=EVENT_CODES,
            ),
        },
        one: {
            "parameters": [
                *event_parameters(),
                in_path(
                    "deliveryId", DELIVERY_ID_TEXT, "The id of the delivery: its `webhook-id`."
                ),
            ],
            "get": operation(
                "showDelivery",
                "One delivery with all its attempts, in a Collection",
                list_answers(schema("DeliveryFields")),
                invalid_codes=(*codes, *LIST_CODES),
                parameters=list_parameters(FIELDS),
            ),
            "post": operation("retryDelivery", "Send it again", {"200": now}, invalid_codes=codes),
        },
    }


def schemas() -> Json:
    attempt = {
        "at": DATE,
        "seconds": _SECONDS,
        "outcome": name_of(OutcomeKind),
        "reason": TEXT,
        "excerpt": described(TEXT, "The begin of what the app answered."),
    }
    return {
        "DeliveryFields": closed(
            {
                "id": DELIVERY_ID_TEXT,
                "state": name_of(DeliveryState),
                "extension": TEXT,
                "type": choice(TYPES),
                "phoneCallEventId": OBJECT_ID_TEXT,
                "created": DATE,
                "queued": described(DATE, "When it was last put into the queue."),
                "attempts": described(_NUMBER, "How many were made since it was queued."),
                "nextAttempt": DATE,
                "ended": DATE,
                "seen": name_of(Seen),
                "outcome": name_of(OutcomeKind),
                "reason": TEXT,
                "parameters": schema("CallEventParameters"),
                "attempt": {"type": "array", "items": closed(attempt, attempt)},
                "links": LINK,
            }
        ),
        "Delivery": {**schema("DeliveryFields"), "required": list(_ALL)},
        "CallEventParameters": closed(call_event_parameters(), _PARAMETERS),
    }
