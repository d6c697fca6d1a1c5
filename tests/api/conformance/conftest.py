"""One API for the tables of a module that only read; one for each test of those that write."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.api.conformance.stage import Stage, set_lists
from tests.api.running import RunningApi, running_api, settings_for


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lists(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningApi]:
    """The lists of ``set_lists``; nobody changes them."""
    async with running_api(settings_for(tmp_path_factory.mktemp("lists"))) as running:
        await set_lists(running)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """For tables whose rows leave nothing behind."""
    async with running_api(settings_for(tmp_path_factory.mktemp("stage"))) as running:
        yield Stage(running)


@pytest.fixture
def stage(api: RunningApi) -> Stage:
    return Stage(api)
