"""PhoneCallEvents in the document."""

from api.openapi.answers import operation
from api.openapi.pieces import (
    DATE,
    LINK,
    LIST_CODES,
    NO_CONTENT,
    OBJECT_ID_TEXT,
    TEXT,
    URI_CODES,
    URL,
    Json,
    choice,
    choice_in_body,
    closed,
    in_path,
    json_content,
    list_answers,
    list_parameters,
    parameter,
    schema,
)
from api.phone_call_event_json import FIELDS, METHODS, NOTE_LENGTH, STATUSES, TYPES, URL_LENGTH

EXTENSION_PATH = "/uapi/extensions/{user}/{extension}"
EVENT_PATH = f"{EXTENSION_PATH}/phoneCallEvents/{{type}}/{{id}}"
EVENT_CODES = (*URI_CODES, "pce_access_denied", "pce_type_invalid", "pce_id_invalid")

_LIST_PATH = f"{EXTENSION_PATH}/phoneCallEvents"
_OF_EXTENSION = (*URI_CODES, "pce_access_denied")
_OF_TYPE = (*_OF_EXTENSION, "pce_type_invalid")
_BODY_CODES = (
    "request_invalid",
    "pce_type_invalid",
    "pce_method_invalid",
    "pce_note_invalid",
    "pce_url_invalid",
    "pce_status_invalid",
)
_DELETED = {
    "200": json_content({"type": "array", "items": schema("Id")}, "The ids of what was deleted."),
    "204": NO_CONTENT,
}
_CREATED = {"201": json_content(schema("PhoneCallEvent"), "The new PhoneCallEvent.")}
_UPDATED = {"200": json_content(schema("PhoneCallEvent"), "The PhoneCallEvent as it is now.")}


def event_parameters() -> list[Json]:
    """The segments of the address of one PhoneCallEvent."""
    return [
        parameter("user"),
        parameter("extension"),
        parameter("type"),
        in_path("id", OBJECT_ID_TEXT, "The id of the PhoneCallEvent."),
    ]


def paths() -> Json:
    whose = [parameter("user"), parameter("extension")]
    return {
        _LIST_PATH: {
            "parameters": whose,
            "get": _list("listEvents", "PhoneCallEvents of an extension", _OF_EXTENSION),
            "post": _create("createEvent", "New PhoneCallEvent", ["type"], _OF_EXTENSION),
            "delete": _delete("deleteEvents", "All of an extension", _OF_EXTENSION),
        },
        f"{_LIST_PATH}/{{type}}": {
            "parameters": [*whose, parameter("type")],
            "get": _list("listEventsOfType", "PhoneCallEvents of one type", _OF_TYPE),
            "post": _create("createEventOfType", "New PhoneCallEvent of a type", [], _OF_TYPE),
            "delete": _delete("deleteEventsOfType", "All of one type", _OF_TYPE),
        },
        EVENT_PATH: {
            "parameters": event_parameters(),
            "get": _list("showEvent", "One PhoneCallEvent, in a Collection", EVENT_CODES),
            "put": operation(
                "updateEvent",
                "Change a PhoneCallEvent; what the body leaves out stays",
                _UPDATED,
                invalid_codes=tuple(dict.fromkeys((*EVENT_CODES, *_BODY_CODES))),
                body=_body([]),
            ),
            "delete": _delete("deleteEvent", "Delete a PhoneCallEvent", EVENT_CODES),
        },
    }


def schemas() -> Json:
    return {
        "PhoneCallEventFields": closed(
            {
                "type": choice(TYPES),
                "id": OBJECT_ID_TEXT,
                "method": choice(METHODS),
                "note": {"type": "string", "maxLength": NOTE_LENGTH},
                "url": {"type": "string", "maxLength": URL_LENGTH},
                "status": choice(STATUSES),
                "modified": DATE,
                "links": LINK,
            }
        ),
        "PhoneCallEvent": {**schema("PhoneCallEventFields"), "required": list(FIELDS.names)},
        "Id": closed({"id": TEXT}, ["id"]),
        "Paging": closed({"next": URL, "prev": URL}),
    }


def shared_parameters() -> Json:
    return {"type": in_path("type", choice(TYPES), "The type of the PhoneCallEvent.")}


def _list(id: str, summary: str, codes: tuple[str, ...]) -> Json:
    return operation(
        id,
        summary,
        list_answers(schema("PhoneCallEventFields")),
        invalid_codes=(*codes, *LIST_CODES),
        parameters=list_parameters(FIELDS),
    )


def _create(id: str, summary: str, type: list[str], codes: tuple[str, ...]) -> Json:
    return operation(
        id,
        summary,
        _CREATED,
        invalid_codes=tuple(dict.fromkeys((*codes, *_BODY_CODES))),
        body=_body([*type, "method", "note", "url", "status"]),
    )


def _delete(id: str, summary: str, codes: tuple[str, ...]) -> Json:
    return operation(id, summary, _DELETED, invalid_codes=codes)


def _body(required: list[str]) -> Json:
    """Other fields are ignored. A type must be that of the URI, where the URI has one."""
    return {
        "type": "object",
        "required": required,
        "properties": {
            "type": choice_in_body(TYPES),
            "method": choice_in_body(METHODS),
            "note": {"type": "string", "maxLength": NOTE_LENGTH},
            "url": {
                "type": "string",
                "maxLength": URL_LENGTH,
                "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://",
                "description": "Absolute, http or https, with a host and without credentials.",
            },
            "status": choice_in_body(STATUSES),
        },
    }
