"""``/extensions/{user}/{extension}/phoneCallEvents[/{type}[/{id}]]``: what apps are told."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from api.answers import array_answer, collection_answer
from api.audit import tell_deed
from api.auth import caller, caller_app
from api.errors import UapiError, invalid
from api.json_answer import JsonAnswer
from api.json_body import read_object
from api.list_request import parse_list_request
from api.of_service import OfService
from api.phone_call_event_json import (
    FIELDS,
    event_json,
    parse_event_change,
    parse_new_event,
    parse_type,
)
from api.uri import SELF, extension_scope, is_object_id, own_url
from daemon.events.phone_call_events import EventType
from daemon.service import Service


@dataclass(frozen=True, slots=True)
class Subject:
    """What a URI names: an extension, one type of its PhoneCallEvents, or a single one."""

    extension: str
    list_url: str
    type: EventType | None
    id: str | None

    @property
    def story(self) -> str:
        """What it names, in words for the audit."""
        kind = "all types" if self.type is None else self.type.name
        return ", ".join([self.extension, kind, *([self.id] if self.id else [])])


class PhoneCallEventsResource(OfService):
    """Create, update, list and delete PhoneCallEvents."""

    async def create(self, request: Request) -> Response:
        subject = self._subject(request)
        new = parse_new_event(await read_object(request), subject.type)
        what = f"create PhoneCallEvent {new.type.name}, {subject.extension}"
        tell_deed(request, what)
        self._check_url(new.url)
        event = await self._service.phone_call_events.create(
            subject.extension,
            new.type,
            new.method,
            new.note,
            new.url,
            new.status,
            caller_app(request),
        )
        tell_deed(request, f"{what}, {event.id}")
        return JsonAnswer(event_json(event, subject.list_url, self._zone), 201)

    async def update(self, request: Request) -> Response:
        subject = self._subject(request)
        type, event_id = parse_type(request.path_params["type"]), request.path_params["id"]
        tell_deed(request, f"update PhoneCallEvent {type.name}, {subject.extension}, {event_id}")
        change = parse_event_change(await read_object(request), type)
        if change.url is not None:
            self._check_url(change.url)
        event = await self._service.phone_call_events.update(
            subject.extension, type, event_id, change
        )
        if event is None:
            raise no_such_event(event_id)
        return JsonAnswer(event_json(event, subject.list_url, self._zone))

    async def list_events(self, request: Request) -> Response:
        subject = self._subject(request)
        wanted = parse_list_request(request.query_params, FIELDS, self._zone)
        events = await self._service.phone_call_events.find(
            subject.extension, subject.type, subject.id
        )
        if subject.id is not None and not events:
            raise no_such_event(subject.id)
        return collection_answer(
            [event_json(event, subject.list_url, self._zone) for event in events],
            wanted,
            own_url(request, self._settings.http.base_url),
            request.query_params,
            self._settings.api.empty,
        )

    async def delete(self, request: Request) -> Response:
        subject = self._subject(request)
        tell_deed(request, f"delete PhoneCallEvents, {subject.story}")
        events = await self._service.phone_call_events.delete(
            subject.extension, subject.type, subject.id
        )
        if subject.id is not None and not events:
            raise no_such_event(subject.id)
        tell_deed(request, f"delete {len(events)} PhoneCallEvents, {subject.story}")
        return array_answer([{"id": event.id} for event in events], self._settings.api.empty)

    def _check_url(self, url: str) -> None:
        # Where a name leads is seen when it is called, and may be another place then.
        refusal = self._service.guard.refusal_of_url(url)
        if refusal is not None:
            raise UapiError(400, "pce_url_invalid", f"url is refused: {refusal}.")

    def _subject(self, request: Request) -> Subject:
        return named_subject(self._service, request)


def named_subject(service: Service, request: Request) -> Subject:
    """What the URI of this request names. Raises UapiError."""
    path = request.path_params
    scope = extension_scope(
        service.directory, caller(request), path["user"], path["extension"], _denied
    )
    if scope.extension is None:
        allowed = "the number of one extension, as events belong to one"
        raise invalid("extension_invalid", "The extension in the URI", SELF, allowed)
    event_type = parse_type(path["type"]) if "type" in path else None
    event_id = path.get("id")
    if event_id is not None and not is_object_id(event_id):
        allowed = "1 to 255 letters and digits"
        raise invalid("pce_id_invalid", "The id in the URI", event_id, allowed)
    base_url = service.settings.http.base_url
    list_url = f"{base_url}/uapi/extensions/{scope.path}/phoneCallEvents"
    return Subject(scope.extension, list_url, event_type, event_id)


def _denied(message: str) -> UapiError:
    return UapiError(400, "pce_access_denied", message)


def no_such_event(event_id: str) -> UapiError:
    allowed = "the id of an existing event of this extension and type"
    return invalid("pce_id_invalid", "The id in the URI", event_id, allowed)
