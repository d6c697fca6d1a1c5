"""What Asterisk and the daemon logged, in the report of a test that failed."""

from collections.abc import Generator
from contextlib import suppress

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.container import DockerError
from tests.pbx.uapid import Uapid

_started = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds Asterisk's log since the test began, and the daemon's."""
    report = yield
    began = item.stash.setdefault(_started, call.start)
    if report.failed:
        used = getattr(item, "funcargs", {})
        asterisk, uapid = used.get("asterisk"), used.get("uapid")
        if isinstance(asterisk, Asterisk):
            # After the last test, what fails at its end has no PBX any more.
            with suppress(DockerError):
                report.sections.append(("Asterisk's log", asterisk.log(since=began)))
        if isinstance(uapid, Uapid):
            report.sections.append(("uapid's log", uapid.log()))
    return report
