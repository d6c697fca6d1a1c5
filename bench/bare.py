"""A bare Starlette route under the daemon's own HTTP server: ``python -m bench.bare PORT``.

``/{status}/{size}`` answers any method with that status and a constant body of that size.
"""

import asyncio
import socket
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.server import HttpServer
from config.settings import Http


async def answer(request: Request) -> Response:
    status, size = request.path_params["status"], request.path_params["size"]
    return Response(b"x" * size, status, media_type="application/json")


async def serve(port: int) -> None:
    app = Starlette(routes=[Route("/{status:int}/{size:int}", answer, methods=["GET", "POST"])])
    with socket.create_server(("127.0.0.1", port)) as door:
        await HttpServer(app, door, Http).serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
