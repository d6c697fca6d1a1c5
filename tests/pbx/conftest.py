from tests.pbx.daemon_fixtures import app, receiver, uapid
from tests.pbx.failure_report import pytest_runtest_makereport
from tests.pbx.fixtures import asterisk, plug_in

__all__ = ["app", "asterisk", "plug_in", "pytest_runtest_makereport", "receiver", "uapid"]
