"""Keeps the directory up to date with what the PBX has, and the store for the next start.

No event tells of all that may change. Asterisk has one for the reload of a module, in a class whose
events come with each registration of each phone, and none for ``queue reload``, ``dialplan reload``
and what is in a database. So the PBX is asked, and less often for what takes long.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sqlite_utils import Database

from daemon.directory import Directory
from daemon.pbx import having
from daemon.pbx.ami import AmiLine
from daemon.pbx.ari import AriLine
from daemon.pbx.line import LineState, PbxError
from daemon.pbx_names import Kind
from daemon.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
# A list is not read again for so many times what it took.
_REST = 100

# The name in the store that tells that a kind was read, as it may be empty.
_WAS_READ = ""

_Names = frozenset[str]


class Inventory:
    """``recall`` at the start, then ``run`` for ever."""

    def __init__(self, directory: Directory, ami: AmiLine, ari: AriLine, store: Store) -> None:
        self._directory = directory
        self._ami = ami
        self._ari = ari
        self._store = store
        self._due: dict[Kind, float] = {}
        self._asked = asyncio.Event()
        self._kept: dict[Kind, _Names] = {}
        self._told: dict[Kind, str] = {}

    async def recall(self) -> None:
        """Learn what a former run of the daemon knew. Raises StoreUnavailable."""
        self._kept = await self._store.read(_known)
        for kind, names in self._kept.items():
            self._directory.learn(kind, names)

    def look(self) -> None:
        """Ask the PBX for everything now."""
        self._due.clear()
        self._asked.set()

    async def run(self) -> None:
        while True:
            self._asked.clear()
            for kind, read in self._readers().items():
                if asyncio.get_running_loop().time() >= self._due.get(kind, 0.0):
                    await self._refresh(kind, read)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_INTERVAL):
                    await self._asked.wait()

    async def read_endpoints(self) -> None:
        """Raises PbxError."""
        await self._learn(Kind.TERMINAL, await having.endpoints(self._ari))

    def _readers(self) -> dict[Kind, Callable[[], Awaitable[_Names]]]:
        """How to ask for what can be asked for now and is of use."""
        readers: dict[Kind, Callable[[], Awaitable[_Names]]] = {}
        if self._ari.status.state is LineState.UP:
            readers[Kind.TERMINAL] = lambda: having.endpoints(self._ari)
        if self._ami.status.state is LineState.UP:
            readers[Kind.QUEUE] = lambda: having.queues(self._ami)
            readers[Kind.PARKING_LOT] = lambda: having.parking_lots(self._ami)
            if self._directory.names.of[Kind.IVR].has_patterns:
                readers[Kind.IVR] = lambda: having.contexts(self._ami)
        return readers

    async def _refresh(self, kind: Kind, read: Callable[[], Awaitable[_Names]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            names = await read()
        except PbxError as error:
            self._tell(kind, f"not read: {error}", logging.WARNING)
        else:
            await self._learn(kind, names)
        self._due[kind] = loop.time() + _REST * (loop.time() - began)

    async def _learn(self, kind: Kind, names: _Names) -> None:
        self._tell(kind, str(len(names)), logging.INFO)
        if self._directory.found(kind) != names:
            self._directory.learn(kind, names)
        before = self._kept.get(kind)
        if names == before or self._store.trouble is not None:
            return
        gone, come = (before or frozenset()) - names, names - (before or frozenset())
        try:
            await self._store.write(lambda db: _keep(db, kind, gone, come))
        except StoreUnavailable as error:
            log.error("store: %s; what the PBX has is not kept for the next start", error)
        else:
            self._kept[kind] = names

    def _tell(self, kind: Kind, story: str, level: int) -> None:
        if self._told.get(kind) != story:
            self._told[kind] = story
            log.log(level, "PBX: %ss: %s", kind, story)


def _known(db: Database) -> dict[Kind, _Names]:
    found: dict[Kind, set[str]] = {}
    for kind, name in db.execute("SELECT kind, name FROM pbx_names"):
        found.setdefault(Kind(kind), set()).add(name)
    return {kind: frozenset(names - {_WAS_READ}) for kind, names in found.items()}


def _keep(db: Database, kind: Kind, gone: _Names, come: _Names) -> None:
    db.conn.executemany(
        "DELETE FROM pbx_names WHERE kind = ? AND name = ?", [(kind, name) for name in gone]
    )
    db.conn.executemany(
        "INSERT OR IGNORE INTO pbx_names VALUES (?, ?)",
        [(kind, name) for name in (_WAS_READ, *come)],
    )
