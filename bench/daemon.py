"""The real daemon, `uapid serve`, beside an AMI and an ARI that the bench plays."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.calls import PATTERN
from daemon.store import open_database
from tests.pbx.uapid import Uapid
from tests.unit.ami_server import SECRET, AmiServer
from tests.unit.ari_server import PASSWORD, AriServer
from tests.unit.ports import free_port

_SETTINGS = """\
[ami]
port = {ami}
secret = "{secret}"

[ari]
url = "http://127.0.0.1:{ari}/"
password = "{password}"

[http]
port = {http}

[delivery]
allow_networks = ["127.0.0.0/8"]

[[users]]
id = 12
name = "John Doe"
extensions = ["{pattern}"]
"""


@asynccontextmanager
async def running_daemon(
    folder: Path,
    before: Callable[[Path], None] = lambda store: None,
    endpoints: Iterable[str] = (),
) -> AsyncIterator[tuple[AmiServer, Uapid]]:
    """A daemon, connected, and the PBX that tells it of calls.

    ``before`` may put something into its store, which is given by its path. ``endpoints`` are the
    names of those that the PBX has.
    """
    store = folder / "uapid.sqlite"
    open_database(store).close()
    before(store)
    async with AmiServer() as pbx, AriServer() as ari:
        ari.answers["/endpoints"] = 200, [{"technology": "PJSIP", "resource": n} for n in endpoints]
        settings = _SETTINGS.format(
            ami=pbx.port,
            secret=SECRET,
            ari=ari.port,
            password=PASSWORD,
            http=free_port(),
            pattern=PATTERN,
        )
        async with Uapid(folder, settings) as uapid:
            await uapid.until_connected()
            yield pbx, uapid
