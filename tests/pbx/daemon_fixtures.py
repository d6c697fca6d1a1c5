"""The daemon beside the PBX, an app and its receiver for pytest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.receiver import Receiver
from tests.pbx.uapid import BASE_URL, Uapid


@pytest.fixture
async def uapid(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Uapid]:
    """A daemon with an empty store, connected to the PBX."""
    async with Uapid(tmp_path) as uapid:
        await uapid.until_connected()
        yield uapid


@pytest.fixture
async def app(uapid: Uapid) -> AsyncIterator[Client]:
    """An app of user 12, who has all extensions of 0003."""
    async with Client(BASE_URL, await uapid.token()) as client:
        yield client


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Where the app's webhooks go."""
    async with Receiver() as receiver:
        yield receiver
