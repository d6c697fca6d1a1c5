"""All receivers from hell at once, in a process of their own: who measures is not held up."""

import asyncio
import json
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import trustme

from tests.delivery.hell import HELL
from tests.delivery.stream_server import StreamServer, answer, read_request
from tests.pbx.addresses import address

HOST = address(6)
CERTIFICATES = "ca.pem"


async def _has_no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(answer("400 Bad Request"))


async def _takes_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        writer.write(answer("200 OK"))


def _tls(ca: trustme.CA, *names: str, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, not_after=until).configure_cert(context)
    return context


def _self_signed() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca = trustme.CA()
    with ca.cert_pem.tempfile() as certificate, ca.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


_TRUSTED = trustme.CA()
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TLS = {
    "has a good certificate": (_tls(_TRUSTED, HOST), "delivered", "HTTP status 200"),
    "signed its certificate itself": (_self_signed(), "failed", "TLS: .*self.signed.*"),
    "has a certificate of nobody that is known": (
        _tls(trustme.CA(), HOST),
        "failed",
        "TLS: .*unable to get local issuer.*",
    ),
    "has another host's certificate": (
        _tls(_TRUSTED, "elsewhere.example"),
        "failed",
        "TLS: .*certificate is not valid for.*",
    ),
    "has an old certificate": (_tls(_TRUSTED, HOST, until=_LONG_AGO), "failed", "TLS: .*expired.*"),
}
_NO_SERVER = {
    "has no TLS": ("failed", "TLS: .+"),
    "never shakes hands": ("failed", "no connection in 1 s"),
    "is not there": ("failed", "no connection: Connection refused"),
    "takes no connection": ("failed", "no connection in 1 s"),
}

# Outcome and reason, as a regular expression, of each attempt.
EXPECTED = {
    **{name: (hell.outcome, hell.reason) for name, hell in HELL.items()},
    **{name: (outcome, reason) for name, (_, outcome, reason) in _TLS.items()},
    **_NO_SERVER,
}


@asynccontextmanager
async def receivers_from_hell(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Their URLs by name. The certificate of who is to be trusted is in the folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __spec__.name, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _serve(folder: Path) -> None:
    os.nice(19)  # they take what is left of the machine, and not from who measures
    _TRUSTED.cert_pem.write_to_path(str(folder / CERTIFICATES))
    servers = {name: StreamServer(hell.serve, HOST) for name, hell in HELL.items()}
    for name, (context, *_) in _TLS.items():
        servers[name] = StreamServer(_takes_all, HOST, context)
    servers["has no TLS"] = StreamServer(_has_no_tls, HOST)
    servers["never shakes hands"] = StreamServer(HELL["never answers"].serve, HOST)
    async with AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server)
        urls = {name: server.url for name, server in servers.items()}
        for name in ("has no TLS", "never shakes hands"):
            urls[name] = urls[name].replace("http:", "https:")
        closed, full = stack.enter_context(socket.socket()), stack.enter_context(socket.socket())
        for door in (closed, full):
            door.bind((HOST, 0))
        full.listen(0)
        for _ in range(3):  # what comes after these gets no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        urls["is not there"] = f"http://{HOST}:{closed.getsockname()[1]}"
        urls["takes no connection"] = f"http://{HOST}:{full.getsockname()[1]}"
        print(json.dumps(urls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
