from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in a file of its own."""
    store = Store(tmp_path / "uapid.sqlite")
    store.open()
    yield store
    store.close()
