"""PhoneCallEvents from and to JSON: which bodies are allowed, and how a resource reads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from api.answers import Resource
from api.dates import date_text
from api.errors import MISSING, UapiError, invalid
from api.filters import FieldKind
from api.list_request import ResourceFields
from daemon.events.phone_call_events import EventChange, EventType, Method, PhoneCallEvent, Status

FIELDS = ResourceFields(
    names=("type", "id", "method", "note", "url", "status", "modified", "links"),
    filterable={
        "id": FieldKind.TEXT,
        "method": FieldKind.NUMBER,
        "modified": FieldKind.DATE,
        "note": FieldKind.TEXT,
        "status": FieldKind.NUMBER,
        "type": FieldKind.NUMBER,
        "url": FieldKind.TEXT,
    },
)

NOTE_LENGTH = 1024
URL_LENGTH = 2048
# Letters of any script, for host names that are not yet in their ASCII form; or an IPv6 address.
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")

TYPES = {
    EventType.DIAL_IN: "DialIn",
    EventType.DIAL_OUT: "DialOut",
    EventType.HANGUP: "Hangup",
    EventType.ANSWER_IN: "Answer of an incoming call",
    EventType.ANSWER_OUT: "Answer of an outgoing call",
}
METHODS = {Method.GET: "GET", Method.POST: "POST"}
STATUSES = {Status.DISABLED: "disabled", Status.ENABLED: "enabled"}

_Choice = TypeVar("_Choice", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a create asks for."""

    type: EventType
    method: Method
    note: str
    url: str
    status: Status


def parse_type(segment: str) -> EventType:
    """The type in a URI. Raises UapiError pce_type_invalid."""
    return _choice("pce_type_invalid", "The type in the URI", segment, TYPES)


def parse_new_event(body: Mapping[str, object], uri_type: EventType | None) -> NewEvent:
    """A create, whose type may stand in the URI; then one in the body must be the same.

    Raises UapiError with the pce_*_invalid of the first field that is missing or wrong.
    """
    return NewEvent(
        type=_body_type(body, uri_type),
        method=_method(body.get("method", MISSING)),
        note=_note(body.get("note", MISSING)),
        url=_url(body.get("url", MISSING)),
        status=_status(body.get("status", MISSING)),
    )


def parse_event_change(body: Mapping[str, object], uri_type: EventType) -> EventChange:
    """An update: what the body leaves out stays. Raises UapiError as for a create."""
    _body_type(body, uri_type)
    return EventChange(
        method=_method(body["method"]) if "method" in body else None,
        note=_note(body["note"]) if "note" in body else None,
        url=_url(body["url"]) if "url" in body else None,
        status=_status(body["status"]) if "status" in body else None,
    )


def event_json(event: PhoneCallEvent, list_url: str, zone: ZoneInfo | None) -> Resource:
    """The resource; ``list_url`` is the address of all PhoneCallEvents of its extension."""
    return {
        "type": str(int(event.type)),
        "id": event.id,
        "method": str(int(event.method)),
        "note": event.note,
        "url": event.url,
        "status": str(int(event.status)),
        "modified": date_text(event.modified, zone),
        "links": {"self": f"{list_url}/{event.type:d}/{event.id}"},
    }


def _body_type(body: Mapping[str, object], uri_type: EventType | None) -> EventType:
    if uri_type is None:
        return _choice("pce_type_invalid", "type", body.get("type", MISSING), TYPES)
    if "type" in body:
        # The message names the one value that the URI leaves.
        same = {uri_type: f"{TYPES[uri_type]}, as in the URI"}
        return _choice("pce_type_invalid", "type", body["type"], same)
    return uri_type


def _method(came: object) -> Method:
    return _choice("pce_method_invalid", "method", came, METHODS)


def _status(came: object) -> Status:
    return _choice("pce_status_invalid", "status", came, STATUSES)


def _choice(code: str, field: str, came: object, choices: Mapping[_Choice, str]) -> _Choice:
    # A number may come as 1 or "1"; true and 1.0, which Python holds equal to 1, read otherwise.
    text = str(came) if isinstance(came, str | int) else None
    for choice in choices:
        if text == str(int(choice)):
            return choice
    allowed = ", ".join(f"{choice:d} for {name}" for choice, name in choices.items())
    raise invalid(code, field, came, allowed)


def _note(came: object) -> str:
    if not isinstance(came, str) or len(came) > NOTE_LENGTH or not _is_unicode(came):
        allowed = f"a string of at most {NOTE_LENGTH} characters"
        raise invalid("pce_note_invalid", "note", came, allowed)
    return came


def _is_unicode(text: str) -> bool:
    # JSON can carry half of a surrogate pair, which neither the store nor an answer can.
    return _HALF_A_PAIR.search(text) is None


def _url(came: object) -> str:
    if not isinstance(came, str):
        raise _url_invalid(came, "a string with an absolute http or https URL")
    if len(came) > URL_LENGTH:
        raise _url_invalid(came, f"a URL of at most {URL_LENGTH} characters")
    if not came.isprintable() or " " in came:
        raise _url_invalid(came, "a URL without spaces and control characters")
    try:
        parts = urlsplit(came)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _url_invalid(came, "a valid http or https URL") from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise _url_invalid(came, "an absolute http or https URL with a host")
    if "@" in parts.netloc:
        # Not shown: a secret would come back in the message, and from there go into logs.
        message = "url has credentials in it; allowed is a URL without a user and a password."
        raise UapiError(400, "pce_url_invalid", message)
    return came


def _url_invalid(came: object, allowed: str) -> UapiError:
    return invalid("pce_url_invalid", "url", came, allowed)
