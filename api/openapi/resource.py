"""``GET /openapi.json``: what this daemon serves, for tools that read OpenAPI. Needs no token."""

from starlette.requests import Request
from starlette.responses import Response

from api.of_service import OfService


class OpenApiResource(OfService):
    async def show(self, request: Request) -> Response:
        # Most daemons are never asked, and should not have all of it in memory.
        from api.openapi.document import document_text

        text = document_text(self._settings.http.base_url)
        return Response(text, media_type="application/json")
