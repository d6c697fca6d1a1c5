"""The JSON object in the body of a request."""

import json
from typing import Any

from starlette.requests import Request

from api.body import read_body
from api.errors import UapiError, shown

_BYTE_ORDER_MARK = "\ufeff"


async def read_object(request: Request) -> dict[str, Any]:
    """Raises UapiError ``request_invalid``: 413 over the limit, 400 for all that is no object."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type and media_type.lower() != "application/json":
        raise _invalid(f"The content type is {shown(media_type)}; allowed is application/json.")
    try:
        body = json.loads((await read_body(request)).decode().removeprefix(_BYTE_ORDER_MARK))
    except UnicodeDecodeError as error:
        raise _invalid(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"The body is not JSON: {error.msg} at {where}.") from None
    except (ValueError, RecursionError):
        message = "The body has a number too long, or too many brackets in each other."
        raise _invalid(message) from None
    if not isinstance(body, dict):
        raise _invalid(f"The body is {shown(body)}; allowed is a JSON object.")
    return body


def _invalid(message: str) -> UapiError:
    return UapiError(400, "request_invalid", message)
