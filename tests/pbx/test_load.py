"""The daemon beside a PBX with many calls: it falls behind, catches up and misses nothing."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.pbx.asterisk import AMI_PORT, HOST
from tests.pbx.client import Client
from tests.pbx.phonebook import PHONES
from tests.pbx.receiver import URL, Receiver
from tests.pbx.test_events import ANSWER_IN, DIAL_IN, HANGUP
from tests.pbx.traffic import in_proc, place_calls
from tests.pbx.uapid import Uapid

pytestmark = pytest.mark.xdist_group("busy")

CALLS, RATE, TALK = 250, 50, 0.3
HELD_UP_AFTER, HELD_UP_FOR = 1.5, 2.0


def unread() -> int:
    """Bytes of AMI that wait in the system on the way from the PBX to the daemon."""
    ami = in_proc(HOST, AMI_PORT)
    waiting = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        sent, received = (int(queue, 16) for queue in queues.split(":"))
        waiting += (sent if local == ami else 0) + (received if remote == ami else 0)
    return waiting


def deliveries(store: Path) -> Counter[tuple[str, int, str]]:
    """How often the store has each call, type and state."""
    question = """
        SELECT call, type, state FROM deliveries
        JOIN phone_call_events ON phone_call_events.id = deliveries.event
    """
    with closing(sqlite3.connect(store)) as db:
        return Counter(db.execute(question).fetchall())


async def test_a_daemon_held_up_for_2_s_at_50_calls_a_second_is_not_dropped_and_loses_nothing(
    uapid: Uapid, app: Client, receiver: Receiver
) -> None:
    types = (DIAL_IN, ANSWER_IN, HANGUP)
    for type in types:
        await app.register("0003*210", type, f"{URL}/{type}")
    (trunk, _), (ana, _) = PHONES["trunk"], PHONES["0003*210"]
    async with asyncio.TaskGroup() as tasks:
        calls = tasks.create_task(
            place_calls("40311234567", trunk, ana, count=CALLS, rate=RATE, talk=TALK)
        )
        await receiver.wait_for(1)
        await asyncio.sleep(HELD_UP_AFTER)
        with uapid.held_up():
            told_before = len(receiver.received)
            await asyncio.sleep(HELD_UP_FOR)
            backlog = unread()
        assert not calls.done()
    await uapid.until_all_is_over()

    stored = deliveries(uapid.folder / "uapid.sqlite")
    ids = {call for call, _, _ in stored}
    print(
        f"{CALLS} calls, {len(receiver.received)} webhooks ({told_before} before the hold-up), "
        f"{backlog} bytes unread at its end"
    )
    assert len(ids) == CALLS
    assert stored == Counter((call, type, "delivered") for call in ids for type in types)
    told = Counter((w.parameters["CallAPIID"], int(w.path[1:])) for w in receiver.received)
    assert told == Counter((call, type) for call in ids for type in types)
    assert uapid.log().count("AMI: connected to") == 1
    assert "trying again" not in uapid.log()
