"""OAuth in the document: the token endpoint, and what is to come."""

from api.openapi.answers import CROWDED, RETRY, open_operation
from api.openapi.pieces import TEXT, Json, answer, closed, described, json_content, schema

_NEVER_KEEP: Json = {
    "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
    "Pragma": {"required": True, "schema": {"const": "no-cache"}},
}
_BASIC: Json = {"WWW-Authenticate": {"required": True, "schema": {"const": 'Basic realm="uapid"'}}}


def paths() -> Json:
    token = {"/oauth/token": _token(""), "/oauth/token.php": _token("Php")}
    consent = {
        f"/oauth/{name}{end}": _to_come(f"{name}{end.title().replace('.', '')}")
        for name in ("authorize", "register")
        for end in ("", ".php")
    }
    return {**token, **consent}


def schemas() -> Json:
    token = {
        "access_token": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{10,}$"},
        "expires_in": {"type": "integer", "minimum": 301, "description": "In seconds."},
        "token_type": {"const": "Bearer"},
    }
    return {
        "Token": closed(token, token),
        "TokenRequest": {
            "type": "object",
            "description": "Other fields are ignored. The key and the secret of the app may come "
            "as HTTP Basic too.",
            "required": ["grant_type"],
            "properties": {
                "grant_type": {"enum": ["client_credentials", "authorization_code"]},
                "client_id": described(TEXT, "The key of the app."),
                "client_secret": described(TEXT, "Its secret."),
            },
        },
    }


def _token(end: str) -> Json:
    """Its errors are OAuth's, but for a flow that is to come."""
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
    post = open_operation(
        f"token{end}",
        "A token for an app",
        {
            "200": json_content(schema("Token"), "The token.", _NEVER_KEEP),
            "400": _error("The request cannot be read.", "invalid_request unsupported_grant_type"),
            "401": _error("The key and the secret are of no app.", "invalid_client", _BASIC),
            "408": answer("TooSlow"),
            "413": _error("The body is too large.", "invalid_request"),
            "429": _error("Too many attempts have failed.", "temporarily_unavailable", RETRY),
            "501": answer("ToCome"),
            "503": json_content(
                {"anyOf": [_error_schema("temporarily_unavailable"), CROWDED]},
                "The store cannot be used now, or there are too many connections.",
                RETRY,
            ),
        },
    )
    content = {kind: {"schema": schema("TokenRequest")} for kind in kinds}
    body = {"required": True, "content": content}
    return {"post": {**post, "requestBody": body, "security": [{}, {"app": []}]}}


def _error(text: str, codes: str, headers: Json | None = None) -> Json:
    return json_content(_error_schema(codes), text, {**_NEVER_KEEP, **(headers or {})})


def _error_schema(codes: str) -> Json:
    fields = {"error": {"enum": codes.split()}, "error_description": TEXT}
    return closed(fields, fields)


def _to_come(name: str) -> Json:
    good = {"501": answer("ToCome")}
    return {
        "get": open_operation(f"{name}Get", "The consent of a user", good),
        "post": open_operation(f"{name}Post", "The consent of a user", good),
    }
