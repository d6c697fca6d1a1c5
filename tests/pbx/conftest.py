import pytest

from tests.pbx.daemon_fixtures import app, receiver, uapid
from tests.pbx.failure_report import pytest_runtest_makereport
from tests.pbx.fixtures import asterisk, plug_in

# What these assert is told in full, as what tests assert.
pytest.register_assert_rewrite("tests.pbx.holding", "tests.pbx.scene")

__all__ = ["app", "asterisk", "plug_in", "pytest_runtest_makereport", "receiver", "uapid"]
