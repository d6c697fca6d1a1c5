"""The body of a request, which has a limit."""

from starlette.requests import Request

from api.errors import UapiError

LIMIT = 64 * 1024
"""Bytes that a body may have."""


async def read_body(request: Request) -> bytes:
    """Raises UapiError ``request_invalid``, 413, as soon as more than the limit came."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            message = f"The body is over the limit of {LIMIT} bytes."
            raise UapiError(413, "request_invalid", message)
    return bytes(body)
