from collections.abc import AsyncIterator, Iterator

import pytest

from daemon.events.outbox import Outbox
from daemon.store import Store
from tests.unit.daemon.events.outbox_in_use import Told
from tests.unit.webhook_receiver import Receiver


@pytest.fixture
def told() -> Told:
    """The servers that the outbox told its deliverer of."""
    return Told()


@pytest.fixture
def outbox(store: Store, told: Told) -> Iterator[Outbox]:
    """An outbox over the store, whose first attempts are due at once."""
    outbox = Outbox(store, 0.0, told)
    yield outbox
    outbox.close()


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    """Where an app is called."""
    async with Receiver() as receiver:
        yield receiver
