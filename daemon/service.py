"""Builds the parts, starts and stops them in order.

The way of an event: AMI line -> tracker -> recorder -> store -> deliverer -> app.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from panoramisk.message import Message
from pydantic import TypeAdapter, ValidationError

from config.reloading import reloaded
from config.settings import Settings
from daemon.calls.live import LiveCalls
from daemon.calls.model import Call, CallChange
from daemon.calls.snapshot import Listing
from daemon.calls.story import story
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.events.delivery import Deliverer
from daemon.events.guard import Guard
from daemon.events.housekeeping import Housekeeper
from daemon.events.outbox import Outbox
from daemon.events.outbox_sql import live_call_documents
from daemon.events.phone_call_events import PhoneCallEvents
from daemon.events.recorder import Recorder
from daemon.events.stored_deliveries import StoredDeliveries
from daemon.holds.holds import Holds
from daemon.inventory import Inventory
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxError, PbxRefused, PbxUnavailable
from daemon.pbx_names import Kind, PbxNames
from daemon.readiness import Readiness
from daemon.store import Store, StoreUnavailable
from daemon.systemd import notify_status

log = logging.getLogger(__name__)

STOP_DEADLINE = 20.0
COMPARE_RETRY = 1.0
_call_json = TypeAdapter(Call)


class Service:
    """The daemon without its HTTP server: ``async with Service(settings) as service``.

    ``broken`` is set when one of its tasks fails for a reason that is a bug: the process is to end
    then and be started again, as what must survive is in the store.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.store.path)
        self.directory = Directory(settings)
        self._tracker = Tracker(settings.node.name, self.directory)
        self.ami = AmiLine(
            settings.ami,
            event_classes=_event_classes(settings),
            events=self._tracker.event_names | Holds.event_names,
            on_event=self._on_ami_event,
            take_snapshot=self._take_snapshot,
            on_lost=self._on_ami_lost,
        )
        self.ari = AriLine(
            settings.ari, on_event=self._on_ari_event, on_connect=self._on_ari_connect
        )
        self._inventory = Inventory(self.directory, self.ami, self.ari, self.store)
        live = self._tracker.live
        self.holds = Holds(
            live, self.ami, self.ari, settings.hold, self.directory.music_class, _now
        )
        self.calls = LiveCalls(live, self.directory, self.holds.on_hold, self._why_unavailable)
        self.guard = Guard(settings.delivery)
        self._outbox = Outbox(self.store, settings.delivery.schedule[0], self._wake_deliverer)
        self._deliverer = Deliverer(self._outbox, settings.delivery, self.guard)
        self._recorder = Recorder(self._outbox, self._document_of, self._wake_deliverer)
        self._housekeeper = Housekeeper(self.store, settings.delivery)
        self.phone_call_events = PhoneCallEvents(self.store, self._recorder.drained)
        self.deliveries = StoredDeliveries(self.store, self._wake_deliverer)
        self._truth_known = False
        self._settings_failure: str | None = None
        self._holds_to_compare = asyncio.Event()
        self.broken = asyncio.Event()
        for line in (self.ami, self.ari):
            line.watch(self._tell_systemd)
        self.store.watch(self._tell_systemd)

    async def __aenter__(self) -> Self:
        """Open the store and start everything. Raises StoreError."""
        self.store.open()
        await self._inventory.recall()
        documents = await self.store.read(live_call_documents)
        self._tracker.remember(_readable_calls(documents))
        self._recording = self._start(self._recorder.run(), "recorder")
        self._delivering = self._start(self._deliverer.run(), "deliverer")
        self._keeping = [
            self._start(self._outbox.recover(), "recovery of the store"),
            self._start(self._housekeeper.run(), "housekeeping"),
        ]
        self._intake = [
            self._start(self.ami.run(), "AMI line"),
            self._start(self.ari.run(), "ARI line"),
            self._start(self._inventory.run(), "inventory"),
            self._start(self._compare_holds(), "holds"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the intake, finish what is in flight, close the store. Holds stay in force."""
        await self.holds.finish(STOP_DEADLINE / 2)
        await _cancel(*self._intake)
        try:
            async with asyncio.timeout(STOP_DEADLINE):
                if not self.broken.is_set():
                    await self._recorder.drained()
                self._deliverer.stop()
                await asyncio.wait({self._delivering})
        except TimeoutError:
            log.warning("stop: what was not delivered in %g s is kept", STOP_DEADLINE)
        await _cancel(self._recording, self._delivering, *self._keeping)
        if self._outbox.held:
            await self._keep_what_is_held()
        self._outbox.close()
        self.store.close()

    async def _keep_what_is_held(self) -> None:
        try:
            await self._outbox.move()
        except StoreUnavailable as error:
            lost = self._outbox.held
            log.critical("store: %s; %d events and outcomes could not be kept", error, lost)

    def _wake_deliverer(self, origins: Iterable[str]) -> None:
        self._deliverer.wake(origins)

    @property
    def readiness(self) -> Readiness:
        lines = {line.name: line.status for line in (self.ami, self.ari)}
        return Readiness(lines, self._truth_known, self.store.trouble, self._outbox.held)

    def _tell_systemd(self) -> None:
        story = self.readiness.story
        if self._settings_failure is not None:
            story += f"; settings not reloaded: {self._settings_failure}"
        notify_status(story)

    # --- settings ---

    async def reload(self, read: Settings) -> None:
        """Go on with settings that were read again; what only a start can change stays."""
        settings, changed, waiting = reloaded(self.settings, read)
        self.directory.take_over(settings)
        self.settings = settings
        self.holds.take_over(self.settings.hold)
        delivery = self.settings.delivery
        self._outbox.take_over(delivery.schedule[0])
        self._deliverer.take_over(delivery)
        self._housekeeper.take_over(delivery)
        await self.ami.listen_to(_event_classes(self.settings))
        self._inventory.look()
        log.info("settings: read again; changed: %s", ", ".join(changed) or "nothing")
        if waiting:
            log.warning("settings: until a restart these stay as they were: %s", ", ".join(waiting))
        self._settings_failure = None
        self._tell_systemd()

    def refuse_settings(self, reason: str) -> None:
        """Tell that those which were read again cannot be used, and all stays as it was."""
        log.error("settings: they stay as they were, as the new ones cannot be used: %s", reason)
        self._settings_failure = reason
        self._tell_systemd()

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._look_after)
        return task

    def _look_after(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s failed, which is a bug", task.get_name(), exc_info=error)
            self.broken.set()

    # --- the PBX speaks ---

    def _on_ami_event(self, event: Mapping[str, str]) -> None:
        if self._recorder.full:
            self.ami.drop("the store does not take call changes")
            return
        self._take(self._tracker.fold(event, _now()))
        self.holds.on_ami_event(event)

    async def _take_snapshot(self) -> None:
        if self._recorder.full:
            raise PbxUnavailable("the store does not take call changes")
        self._tracker.begin_snapshot()
        bridges = await self.ami.list_action("BridgeList")
        channels = await self.ami.list_action("CoreShowChannels")
        listing = Listing(channels, bridges, await self._list_devices())
        self._take(self._tracker.end_snapshot(listing, _now()))
        self.holds.on_snapshot()
        log.info("PBX: %d channels are live", len(channels))
        self._truth_known = True
        self._holds_to_compare.set()
        self._inventory.look()

    async def _list_devices(self) -> list[Message]:
        try:
            return await self.ami.list_action("DeviceStateList")
        except PbxRefused as error:  # res_manager_devicestate may not be loaded
            log.warning("PBX: which phones hold a call is not known: %s", error)
            return []

    def _on_ami_lost(self) -> None:
        self._truth_known = False

    def _on_ari_event(self, event: Mapping[str, Any]) -> None:
        self.holds.on_ari_event(event)

    async def _on_ari_connect(self) -> None:
        await self._inventory.read_endpoints()
        self._holds_to_compare.set()

    async def _compare_holds(self) -> None:
        while True:
            await self._holds_to_compare.wait()
            self._holds_to_compare.clear()
            if not self._truth_known or not self.ari.connected:
                continue  # the line that is missing asks again when it comes
            try:
                await self.holds.compare()
            except PbxError as error:
                log.warning("holds not compared with the PBX yet: %s", error)
                await asyncio.sleep(COMPARE_RETRY)
                self._holds_to_compare.set()

    def _take(self, changes: list[CallChange]) -> None:
        touched = self._tracker.take_touched()
        if not touched:
            return
        for change in changes:
            log.info("call %s: %s", change.call_id, story(change))
        self._recorder.put(changes, touched)

    def _document_of(self, call_id: str) -> str | None:
        call = self._tracker.live.call(call_id)
        return _call_json.dump_json(call).decode() if call else None

    def _why_unavailable(self) -> str | None:
        return None if self._truth_known else "uapid is not connected to it"


def _event_classes(settings: Settings) -> str:
    """What is asked for at login, as events that nobody needs would cost the PBX and us alike."""
    needed = {Kind.IVR: "dialplan", Kind.QUEUE: "agent"}
    kinds = PbxNames(settings).kinds
    return ",".join(["call", *(name for kind, name in needed.items() if kind in kinds)])


def _now() -> datetime:
    return datetime.now(UTC)


def _readable_calls(documents: list[str]) -> list[Call]:
    calls = []
    for document in documents:
        try:
            calls.append(_call_json.validate_json(document))
        except ValidationError as error:
            # The snapshot will show the call if it is still there, as one never seen before.
            log.error("store: a live call cannot be read and is forgotten: %s", error)
    return calls


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
