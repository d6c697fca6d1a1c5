"""What apps are sent, in the document: the addresses are theirs, the requests uapid's."""

from api.openapi.deliveries import DELIVERY_ID_TEXT, call_event_parameters
from api.openapi.pieces import TEXT, Json, in_header, in_query, name_of, schema
from daemon.calls.model import Seen

_TELLS = """\
Sent to the `url` of each PhoneCallEvent of the type and extension that is enabled at that moment:
at least once, in order for each PhoneCallEvent and call."""

_NOT_NOW: Json = {
    "description": "It is sent again, not before `Retry-After` (at most a day).",
    "headers": {"Retry-After": {"description": "Seconds, or a date.", "schema": TEXT}},
}


def webhooks() -> Json:
    query = [
        in_query(name, of, "Empty where it does not apply.", required=True)
        for name, of in call_event_parameters().items()
    ]
    form = {"application/x-www-form-urlencoded": {"schema": schema("CallEventParameters")}}
    return {
        "callEvent": {
            "get": _webhook(
                "callEventByGet",
                "A call event, of a PhoneCallEvent with method 0",
                f"{_TELLS} What is here is joined to the query that the `url` has.",
                {"parameters": [*_headers(), *query]},
            ),
            "post": _webhook(
                "callEventByPost",
                "A call event, of a PhoneCallEvent with method 1",
                _TELLS,
                {
                    "parameters": _headers(),
                    "requestBody": {"required": True, "content": form},
                },
            ),
        }
    }


def _webhook(id: str, summary: str, text: str, request: Json) -> Json:
    return {
        "operationId": id,
        "summary": summary,
        "description": text,
        "security": [],
        **request,
        "responses": {
            "2XX": {"description": "The app has it."},
            "410": {"description": "The app wants no more: the PhoneCallEvent is disabled."},
            "429": _NOT_NOW,
            "503": _NOT_NOW,
            "default": {
                "description": "It is sent again at growing distances, for three days by default; "
                "redirects are not followed."
            },
        },
    }


def _headers() -> list[Json]:
    signature = (
        "As in Standard Webhooks 1.0; two, with a space between, while a secret is replaced."
    )
    return [
        in_header("webhook-id", DELIVERY_ID_TEXT, "The same each time that this event is sent."),
        in_header(
            "webhook-timestamp",
            {"type": "integer", "minimum": 0},
            "When it was sent, in seconds since 1970.",
        ),
        in_header(
            "webhook-signature",
            {"type": "string", "pattern": r"^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)?$"},
            signature,
        ),
        in_header("uapid-seen", name_of(Seen), "Whether the PBX told of it as it happened."),
    ]
