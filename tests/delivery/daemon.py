"""The daemon beside a PBX that is played, and an app of all its extensions."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.delivery.played_pbx import PlayedPbx
from tests.pbx.addresses import address
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid
from tests.unit.ports import free_port

NODE = "played-pbx"
HOST = address(4)


@asynccontextmanager
async def daemon(
    folder: Path,
    pbx: PlayedPbx,
    *delivery: str,
    store: Path | None = None,
    wrapped_in: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Uapid, Client]]:
    """It runs with its store in the folder if no other one is given; ``delivery`` are lines of the
    section of that name.

    ``wrapped_in`` is a command that runs the one after it, and ``environment`` what there is beside
    the test's own.
    """
    port = free_port(HOST)
    lines = "\n".join(delivery)
    settings = f"""\
[node]
name = "{NODE}"

{pbx.settings}
[http]
host = "{HOST}"
port = {port}

[delivery]
{lines}

[[users]]
id = 12
name = "John Doe"
extensions = ["_0003*."]
"""
    uapid = Uapid(folder, settings, store=store, wrapped_in=wrapped_in, environment=environment)
    async with uapid:
        await uapid.until_connected()
        async with Client(f"http://{HOST}:{port}", await uapid.token()) as app:
            yield uapid, app
