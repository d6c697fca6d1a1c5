"""What holds for all tests: the order in which they begin, what they tell at the end, and the
servers that play a PBX."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from tests.unit.ami_server import AmiServer
from tests.unit.ari_server import AriServer

ON_THE_PBX = Path(__file__).parent / "pbx"
TOLD = "told"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those on the PBX begin early: they are long and mostly wait. Short ones fill the gaps."""
    items.sort(key=lambda item: ON_THE_PBX not in item.path.parents)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has a line printed at the end of the run, whether the test passes or not."""
    return partial(record_property, TOLD)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was told, in whichever process that was."""
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if type(report) is pytest.TestReport and report.when == "call":  # not of a subtest
            for name, line in report.user_properties:
                if name == TOLD:
                    terminalreporter.write_line(str(line))


@pytest.fixture
async def ami() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        yield server


@pytest.fixture
async def ari() -> AsyncIterator[AriServer]:
    async with AriServer() as server:
        yield server
