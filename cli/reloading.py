"""SIGHUP: the settings are read again while the daemon goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from config.loading import SettingsError
from config.settings import Settings
from daemon.service import Service
from daemon.systemd import notify, notify_reloading

log = logging.getLogger(__name__)


@asynccontextmanager
async def reloading(
    hangup: asyncio.Event, read: Callable[[], Settings], service: Service
) -> AsyncIterator[None]:
    """Meanwhile the service goes on with what ``read`` gives whenever ``hangup`` is set."""
    task = asyncio.create_task(_reload_at_each(hangup, read, service), name="settings")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reload_at_each(
    hangup: asyncio.Event, read: Callable[[], Settings], service: Service
) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        notify_reloading()
        try:
            # A file with very many extensions takes its time, and calls go on meanwhile.
            settings = await asyncio.to_thread(read)
            await service.reload(settings)
        except SettingsError as error:
            service.refuse_settings(str(error))
        except Exception as error:
            log.exception("settings: not read again because of a bug")
            service.refuse_settings(f"there was a bug: {error!r}")
        notify("READY=1")
