"""The real daemon beside a PBX that can hold, on which John and Mary talk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pbx.addresses import address
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid
from tests.unit.ami_server import SECRET, listed
from tests.unit.ari_server import PASSWORD
from tests.unit.daemon.holds.pbx import HoldingPbx, holding_pbx
from tests.unit.daemon.people import JOHN, MARY
from tests.unit.ports import free_port

HOST = address(5)


@dataclass(frozen=True, slots=True)
class Running:
    """``call`` is the id of John's live call, ``token`` one of user 12, whose phone John's is, and
    ``token_of_another`` one of the user of Mary's."""

    base_url: str
    store: Path
    token: str
    token_of_another: str
    call: str


@asynccontextmanager
async def running_daemon(folder: Path) -> AsyncIterator[Running]:
    async with holding_pbx() as pbx:
        _list_channels(pbx)
        port = free_port(HOST)
        async with Uapid(folder, _settings(pbx, port)) as uapid:
            await uapid.until_connected()
            base_url, token = f"http://{HOST}:{port}", await uapid.token()
            async with Client(base_url, token) as app:
                (call,) = await app.calls_until(lambda calls: len(calls) == 1, JOHN)
            yield Running(base_url, uapid.store, token, await uapid.token(13), call["id"])


def _list_channels(pbx: HoldingPbx) -> None:
    rows = [pbx.script.row(leg) for leg in (pbx.john, pbx.mary)]
    pbx.ami.answers["CoreShowChannels"] = listed("CoreShowChannel", *map(_without_event, rows))
    phones: list[Any] = [{"technology": "PJSIP", "resource": name} for name in (JOHN, MARY)]
    pbx.ari.answers["/endpoints"] = 200, phones


def _without_event(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name != "Event"}


def _settings(pbx: HoldingPbx, port: int) -> str:
    return f"""\
[ami]
port = {pbx.ami.port}
secret = "{SECRET}"

[ari]
url = "http://127.0.0.1:{pbx.ari.port}/"
password = "{PASSWORD}"

[http]
host = "{HOST}"
port = {port}

[[organizations]]
id = "3"
name = "Default Organization"

[[users]]
id = 12
name = "John Doe"
organization = "3"
extensions = ["{JOHN}"]

[[users]]
id = 13
name = "Jane Roe"
extensions = ["{MARY}"]
"""
