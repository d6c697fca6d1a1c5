"""PhoneCalls as JSON: how the resource reads."""

from zoneinfo import ZoneInfo

from api.answers import Resource
from api.dates import date_text
from api.filters import FieldKind
from api.list_request import ResourceFields
from config.people import Organization
from daemon.calls.model import PhoneCall, PhoneCallView
from daemon.directory import Directory

FIELDS = ResourceFields(
    names=(
        "id",
        "extension",
        "ownerId",
        "ownerName",
        "published",
        "answered",
        "nonce",
        "phoneCallView",
        "links",
        "link",
    ),
    filterable={"id": FieldKind.TEXT, "published": FieldKind.DATE},
)


def phone_call_json(
    call: PhoneCall, url: str, directory: Directory, zone: ZoneInfo | None
) -> Resource:
    """The resource; ``url`` is its own address. Fields without a value are left out."""
    owner = _owner(call, directory)
    return _with_values(
        id=call.id,
        extension=call.extension,
        ownerId=owner and owner.id,
        ownerName=owner and owner.name,
        published=date_text(call.published, zone),
        answered=call.answered and date_text(call.answered, zone),
        phoneCallView=[_view_json(view, zone) for view in call.views],
        links={"self": url},
        link={"self": url},
    )


def accepted_json(call: PhoneCall, url: str) -> Resource:
    """What is told of a call while the PBX is still at work on it."""
    return _with_values(id=call.id, extension=call.extension, link={"self": url})


def _view_json(view: PhoneCallView, zone: ZoneInfo | None) -> Resource:
    return _with_values(
        id=view.id,
        extension=view.extension,
        source=list(view.source),
        destination=list(view.destination),
        callerId=view.caller_id,
        flow=None if view.flow is None else str(view.flow.value),
        status=str(view.status.value),
        ringing=view.ringing and date_text(view.ringing, zone),
        answered=view.answered and date_text(view.answered, zone),
        onHold=view.on_hold and date_text(view.on_hold.since, zone),
        holder=1 if view.on_hold else None,
        onHoldBy=view.on_hold and str(view.on_hold.by),
        onHoldNote=view.on_hold and view.on_hold.note,
        parked=view.parked and date_text(view.parked.since, zone),
        parkedPos=view.parked and view.parked.space,
        parkedBy=view.parked and view.parked.by,
    )


def _owner(call: PhoneCall, directory: Directory) -> Organization | None:
    """The organization of who pays: that of the call's extension or of the first leg's."""
    for extension in (call.extension, *(view.extension for view in call.views)):
        owner = directory.owner(extension) if extension else None
        organization = directory.organization_of(extension) if extension else None
        if owner is not None or organization is not None:
            return organization
    return None


def _with_values(**fields: object) -> Resource:
    return {name: value for name, value in fields.items() if value not in (None, "", [])}
