"""``uapid check``: is everything there that the daemon needs; a line for each, status 1 if not."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import click

from cli.options import with_settings
from cli.tls import TlsError, tls_context
from config.settings import Http, Settings
from daemon.directory import Directory
from daemon.holds.lease import WITHOUT_LEASE, Lease
from daemon.pbx import having
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import LineState, PbxError
from daemon.pbx.modules import loaded_modules
from daemon.pbx_names import ENDPOINTS
from daemon.store import StoreError, open_database

ACTIONS = ("CoreShowChannels", "Getvar", "Setvar", "Hangup", "ShowDialPlan")
LOGIN_DEADLINE = 10.0
EVENT_DEADLINE = 3.0
_PROBE = "Stasis:uapid-check"

Report = Callable[[str, str | None, str], None]


@click.command()
@with_settings
def check(settings: Settings) -> None:
    """Check the settings, the store, TLS, the AMI and ARI logins and their privileges."""
    logging.disable()  # the lines say here, once, what they would log at each attempt
    failures = 0

    def report(what: str, failure: str | None, good: str) -> None:
        nonlocal failures
        failures += failure is not None
        click.echo(f"{what}: ok: {good}" if failure is None else f"{what}: FAILED: {failure}")

    people = f"{len(settings.users)} users, {len(settings.extensions)} extensions listed"
    report("settings", None, people)
    report("store", _store_failure(settings), str(settings.store.path))
    if settings.http.tls_certificate:
        report("TLS", _tls_failure(settings.http), str(settings.http.tls_certificate))
    asyncio.run(_check_lines(settings, report))
    if failures:
        raise SystemExit(1)


def _tls_failure(http: Http) -> str | None:
    try:
        tls_context(http)
    except TlsError as error:
        return str(error)
    return None


def _store_failure(settings: Settings) -> str | None:
    path = settings.store.path
    if not path.exists():
        if os.access(path.absolute().parent, os.W_OK | os.X_OK):
            return None
        return f"{path}: cannot be made: the directory does not exist or is not writable"
    try:
        db = open_database(path)
        db.execute("BEGIN IMMEDIATE")
        db.rollback()
        db.close()
    except (StoreError, sqlite3.Error) as error:
        return str(error)
    return None


async def _check_lines(settings: Settings, report: Report) -> None:
    events: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
    ami = AmiLine(
        settings.ami,
        event_classes="call",
        events=("DeviceStateChange",),
        on_event=events.put_nowait,
        take_snapshot=_nothing,
        on_lost=_ignore,
    )
    # Under the daemon's own name this would take the application from a daemon that runs.
    own_app = settings.ari.model_copy(update={"app": f"{settings.ari.app}-check"})
    ari = AriLine(own_app, on_event=_ignore, on_connect=_nothing)
    async with _running(ami), _running(ari):
        ami_up = ami.status.state is LineState.UP
        ari_up = ari.status.state is LineState.UP
        report("AMI login", None if ami_up else ami.status.reason, ami.status.reason)
        report("ARI login", None if ari_up else ari.status.reason, ari.status.reason)
        if ami_up:
            actions = _actions(settings)
            report("AMI actions", await _action_failure(ami, actions), ", ".join(actions))
        if ami_up and ari_up:
            report("AMI events", await _event_failure(ari, events), "class call is read")
            await _report_found(settings, ami, ari, report)
            click.echo(f"hold lease: {await _lease_story(settings, ami, ari)}")


def _actions(settings: Settings) -> list[str]:
    """The actions that the daemon needs with these settings."""
    by_setting = {
        "PJSIPNotify": settings.hold.phone_notify,
        "MixMonitorMute": settings.hold.mute_recordings,
    }
    return [*ACTIONS, *(action for action, needed in by_setting.items() if needed)]


async def _report_found(settings: Settings, ami: AmiLine, ari: AriLine, report: Report) -> None:
    """What the PBX has, and how much of it is an extension by these settings."""
    directory = Directory(settings)
    failure, counts = None, []
    try:
        for what, names, number_of in (
            ("endpoints", await having.endpoints(ari), _of_endpoint(directory)),
            ("queues", await having.queues(ami), directory.of_queue),
            ("contexts", await having.contexts(ami), directory.of_context),
        ):
            extensions = sum(number_of(name) is not None for name in names)
            counts.append(f"{extensions} of {len(names)} {what}")
    except PbxError as error:
        failure = str(error)
    report("extensions", failure, f"{', '.join(counts)} that the PBX has")


def _of_endpoint(directory: Directory) -> Callable[[str], str | None]:
    return lambda name: directory.of_channel(f"{ENDPOINTS}{name}")


async def _lease_story(settings: Settings, ami: AmiLine, ari: AriLine) -> str:
    """Holds work without a lease as well, so that what lacks is no failure."""
    try:
        lacking = await Lease(ami, settings.hold.lease).find_handler(await loaded_modules(ari))
    except PbxError as error:
        lacking = str(error)
    if lacking is None:
        return f"ok: Asterisk ends a hold {settings.hold.lease:g} s after uapid is gone"
    return f"WARNING: {lacking}; {WITHOUT_LEASE}"


async def _action_failure(ami: AmiLine, actions: Collection[str]) -> str | None:
    try:
        # Asterisk lists to each user just the actions that it may use.
        allowed = {key.lower() for key in await ami.action("ListCommands")}
    except PbxError as error:
        return str(error)
    missing = [action for action in actions if action.lower() not in allowed]
    if missing:
        more = ",system" if "PJSIPNotify" in missing else ""
        return f"not allowed: {', '.join(missing)}; manager.conf: write=call,reporting{more}"
    return None


async def _event_failure(ari: AriLine, events: asyncio.Queue[Mapping[str, str]]) -> str | None:
    """Make a device state of our own change, which every reader of class call is told."""
    try:
        await ari.call("deviceStates", "update", deviceName=_PROBE, deviceState="INUSE")
        async with asyncio.timeout(EVENT_DEADLINE):
            while (await events.get()).get("Device") != _PROBE:
                pass
    except PbxError as error:
        return str(error)
    except TimeoutError:
        return "no event of class call comes; manager.conf: read=call"
    finally:
        with suppress(PbxError):
            await ari.call("deviceStates", "delete", deviceName=_PROBE)
    return None


@asynccontextmanager
async def _running(line: AmiLine | AriLine) -> AsyncIterator[None]:
    running = asyncio.create_task(line.run())
    with suppress(TimeoutError):
        async with asyncio.timeout(LOGIN_DEADLINE):
            await line.settled()
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _nothing() -> None:
    return


def _ignore(*_: Any) -> None:
    return
