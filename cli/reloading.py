"""SIGHUP: the settings and the certificate are read again while the daemon goes on."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cli.tls import Certificate, TlsError, tls_context
from config.loading import SettingsError
from config.settings import Settings
from daemon.service import Service
from daemon.systemd import notify, notify_reloading

log = logging.getLogger(__name__)


@asynccontextmanager
async def reloading(
    hangup: asyncio.Event,
    read: Callable[[], Settings],
    service: Service,
    certificate: Certificate | None,
) -> AsyncIterator[None]:
    """Meanwhile the service, and its certificate, go on with what ``read`` gives whenever
    ``hangup`` is set."""
    work = _reload_at_each(hangup, read, service, certificate)
    task = asyncio.create_task(work, name="settings")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reload_at_each(
    hangup: asyncio.Event,
    read: Callable[[], Settings],
    service: Service,
    certificate: Certificate | None,
) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        notify_reloading()
        try:
            # A file with very many extensions takes its time, and calls go on meanwhile.
            settings, tls = await asyncio.to_thread(_read_all, read)
            await service.reload(settings)
            if certificate is not None and tls is not None:
                certificate.take_over(tls)
                log.info("TLS: new connections get %s", settings.http.tls_certificate)
        except (SettingsError, TlsError) as error:
            service.refuse_settings(str(error))
        except Exception as error:
            log.exception("settings: not read again because of a bug")
            service.refuse_settings(f"there was a bug: {error!r}")
        notify("READY=1")


def _read_all(read: Callable[[], Settings]) -> tuple[Settings, ssl.SSLContext | None]:
    """The settings, and the TLS that they ask for. Raises SettingsError and TlsError."""
    settings = read()
    return settings, tls_context(settings.http)
