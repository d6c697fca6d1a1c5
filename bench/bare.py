"""A bare Starlette route under uvicorn as the daemon runs it: ``python -m bench.bare PORT``.

``/{status}/{size}`` answers any method with that status and a constant body of that size.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def answer(request: Request) -> Response:
    status, size = request.path_params["status"], request.path_params["size"]
    return Response(b"x" * size, status, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/{status:int}/{size:int}", answer, methods=["GET", "POST"])]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
