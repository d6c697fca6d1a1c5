"""``uapid serve``: the daemon with its HTTP server."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from api.app import create_app
from api.server import HttpServer
from cli.files import most_connections
from cli.options import config_option, settings_of
from cli.reloading import reloading
from cli.tls import Certificate, TlsError, exposure, tls_context
from config.loading import load_settings
from config.settings import Http, Settings
from daemon.service import Service
from daemon.store import StoreError
from daemon.systemd import notify

log = logging.getLogger(__name__)

# What is made between two looks for garbage. Some requests at work have more than Python's 700,
# which would be looked through again and again while they live.
_YOUNG_OBJECTS = 10_000


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP has it read the settings again."""
    settings = settings_of(config)
    _log_to_stderr()
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        asyncio.run(_serve(settings, partial(load_settings, config)))
    except (StoreError, TlsError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    # What the format does not show need not be found out for each line ("Optimization" in the
    # Logging HOWTO of Python).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


async def _serve(settings: Settings, read_again: Callable[[], Settings]) -> None:
    stop, hangup = asyncio.Event(), asyncio.Event()
    for number, told in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, hangup)):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    tls = tls_context(settings.http)
    certificate = Certificate(tls) if tls else None
    async with Service(settings) as service:
        door = _open_door(settings.http)
        server = HttpServer(
            create_app(service),
            door,
            lambda: service.settings.http,
            tls=tls,
            most=most_connections(settings),
        )
        serving = asyncio.create_task(server.serve(), name="HTTP server")
        try:
            await _first_of(serving, server.listening)
            if server.listening.is_set():
                log.info("HTTP: the UAPI is served at %s/uapi/", settings.http.base_url)
                if warning := exposure(settings.http, door.getsockname()[0]):
                    log.warning("HTTP: %s", warning)
                notify("READY=1")
                async with reloading(hangup, read_again, service, certificate):
                    await _first_of(serving, stop, service.broken)
        finally:
            notify("STOPPING=1")
            log.info("stopping")
            server.should_exit = True
            await serving
            door.close()
    log.info("stopped")
    if service.broken.is_set():
        raise click.ClickException("a part of the daemon failed; the log has the reason")


def _open_door(http: Http) -> socket.socket:
    """The listening socket. Raises OSError with the address in its text."""
    try:
        address, *_ = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)
        door = socket.create_server((http.host, http.port), family=address[0])
    except OSError as error:
        raise OSError(f"[http] {http.host}:{http.port}: {error.strerror}") from error
    return door


async def _first_of(serving: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Wait until one of the events is set, or the HTTP server has ended."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait({serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
