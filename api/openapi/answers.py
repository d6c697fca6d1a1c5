"""The answers that are the same for many operations, and which of them an operation has."""

from api.openapi.pieces import Json, answer, error_schema, invalid, json_content

RETRY = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
_CHALLENGE = {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}}
_ALLOW = {"Allow": {"required": True, "schema": {"type": "string"}}}


CROWDED: Json = error_schema(["too_many_connections"])


def operation(
    id: str,
    summary: str,
    good: Json,
    *,
    invalid_codes: tuple[str, ...] = (),
    parameters: list[Json] | None = None,
    body: Json | None = None,
    to_come: bool = False,
    unavailable: tuple[str, ...] = ("store_unavailable",),
) -> Json:
    """An operation that needs a token: its good answers, and the errors that it can have.

    ``to_come`` tells that it, or a part of it, is not implemented yet.
    """
    responses: Json = {**good}
    if invalid_codes:
        responses["400"] = invalid(*invalid_codes)
    responses |= {"401": answer("Denied"), "404": answer("Nothing"), "405": answer("Method")}
    if body is not None:
        responses |= {"408": answer("TooSlow"), "413": answer("TooLarge")}
    responses |= {"429": answer("TooMany"), "431": answer("LongHeader")}
    responses["500"] = answer("Crash")
    if to_come:
        responses["501"] = answer("ToCome")
    responses["503"] = json_content(
        error_schema([*unavailable, "too_many_connections"]),
        "What the answer needs cannot be reached now, or there are too many connections.",
        RETRY,
    )
    described: Json = {"operationId": id, "summary": summary, "responses": responses}
    if parameters:
        described["parameters"] = parameters
    if body is not None:
        content = {"application/json": {"schema": body}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def open_operation(id: str, summary: str, good: Json) -> Json:
    """An operation that needs no token; a 503 of its own has CROWDED as one of its bodies."""
    responses = {"503": answer("Crowded"), **good}
    responses |= {"431": answer("LongHeader"), "500": answer("Crash")}
    return {"operationId": id, "summary": summary, "responses": responses, "security": []}


def shared_answers() -> Json:
    """The answers that have a name in the document's components."""
    return {
        "Denied": json_content(
            error_schema(["access_denied"]),
            "The token is missing, unknown or no longer good; or, on phoneCalls, its user may not "
            "use that extension or act for that user.",
            _CHALLENGE,
        ),
        "Nothing": json_content(
            error_schema(["not_found"]),
            "Not this address: a segment is empty, or has a slash or a line break in it.",
        ),
        "Method": json_content(
            error_schema(["method_not_allowed"]),
            "Not this address: a segment has a slash in it.",
            _ALLOW,
        ),
        "TooLarge": json_content(error_schema(["request_invalid"]), "The body is too large."),
        "TooSlow": json_content(
            error_schema(["request_invalid"]), "The body was not there in time."
        ),
        "TooMany": json_content(
            error_schema(["too_many_requests"]),
            "The token has as many requests at work as it may have at a time.",
            RETRY,
        ),
        "LongHeader": json_content(error_schema(["request_invalid"]), "The header is too large."),
        "Crash": json_content(
            error_schema(["internal_server_error"]),
            "The daemon could not do it; the message or the daemon's log has the reason.",
        ),
        "ToCome": json_content(
            error_schema(["request_not_implemented"]), "The UAPI has it, this daemon not yet."
        ),
        "Crowded": json_content(CROWDED, "There are too many connections.", RETRY),
        "Methods": {"description": "The methods of this address.", "headers": _ALLOW},
    }
