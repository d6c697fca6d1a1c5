from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.api.running import RunningApi, StartApi, running_api, settings_for


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[RunningApi]:
    """The UAPI over HTTP with the settings of ``settings_for``."""
    async with running_api(settings_for(tmp_path)) as running:
        yield running


@pytest.fixture
def start_api(tmp_path: Path) -> StartApi:
    """Starts the UAPI with other sections of settings: ``start_api(api={"empty": "200"})``."""

    def start(**sections: Any) -> AbstractAsyncContextManager[RunningApi]:
        return running_api(settings_for(tmp_path, **sections))

    return start
