"""Some 20,000 requests made of the served document, such as it allows and such as it does not: all
are answered as the document says, and none with 500 or 503."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from schemathesis import GenerationMode

from tests.api.generated.daemon import Running, running_daemon
from tests.api.generated.requests import Requests
from tests.unit.daemon.people import JOHN

pytestmark = pytest.mark.xdist_group("busy")

# Of each operation, drawn at random: of what the document allows, and of what it does not.
ALLOWED, NOT_ALLOWED = 50, 40
# Nothing drawn is the key and the secret of an app.
TOKENS = {"POST /oauth/token", "POST /oauth/token.php"}
JOHNS = {"user": "@me", "extension": JOHN}
HIS_OWN = {"user": "@me", "extension": "@self"}


async def test_every_answer_is_as_the_document_says(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with running_daemon(tmp_path) as running:
        # The PBX is played in this loop.
        requests = await asyncio.to_thread(Requests, running)
        began, spent = time.monotonic(), time.process_time()
        await asyncio.to_thread(_send, requests, running)
    count = requests.statuses.total()
    tell(
        f"generated requests: {count} in {time.monotonic() - began:.0f} s "
        f"({time.process_time() - spent:.0f} s of CPU), answered with "
        + ", ".join(f"{status}: {n}" for status, n in sorted(requests.statuses.items()))
    )
    assert requests.can_succeed - requests.succeeded == TOKENS


def _send(requests: Requests, running: Running) -> None:
    for path in (dict, lambda: JOHNS, lambda: HIS_OWN, requests.there):
        requests.cover(path, running.token)
    requests.cover(requests.there, running.token_of_another)
    requests.cover(requests.there, "unknown")
    requests.draw(GenerationMode.POSITIVE, ALLOWED, dict)
    requests.draw(GenerationMode.POSITIVE, ALLOWED, requests.there)
    requests.draw(GenerationMode.NEGATIVE, NOT_ALLOWED, dict)
