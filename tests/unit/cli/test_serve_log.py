"""What the log of the running daemon tells of requests, and what it keeps to itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.unit.cli.commands import COMMAND, ROOT, settings_file, uapid
from tests.unit.ports import free_port


@contextmanager
def _serving(config: Path, log: list[str]) -> Iterator[None]:
    """The daemon; once it has ended all its lines are in ``log``."""
    command = [*COMMAND, "serve", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                log.append(line)
                if "is served at" in line:
                    break
            yield
        finally:
            process.terminate()
            log += process.stderr.readlines()
    assert process.returncode == 0


def _status(request: Request) -> int:
    try:
        with urlopen(request, timeout=10) as answer:
            status: int = answer.status
    except HTTPError as error:
        error.close()
        return error.code
    return status


def test_it_has_the_audit_and_no_token_of_a_url(tmp_path: Path) -> None:
    port, pbx = free_port(), free_port()
    config = settings_file(
        tmp_path,
        f"[http]\nport = {port}\n[ami]\nport = {pbx}\n[access]\ntoken_in_query = true\n"
        f'[ari]\nurl = "http://127.0.0.1:{pbx}/"\n',
    )
    token = uapid("token", "create", "--user", "12", "--config", config).stdout.strip()
    address = f"http://127.0.0.1:{port}/uapi/phoneCalls/@me/@self"
    log: list[str] = []
    with _serving(config, log):
        for method, path, status in (
            ("GET", "", 503),
            ("PUT", "", 400),
            ("GET", "/%00", 400),
            ("POST", "", 405),
        ):
            url = f"{address}{path}?accessRequestToken={quote(f'Bearer {token}')}"
            assert _status(Request(url, method=method)) == status
        assert _status(Request(f"{address}?accessRequestToken={token}x")) == 401
    told = "".join(log)
    assert "INFO api.audit: user 12, app " in told
    assert "WARNING api.audit: refused: from 127.0.0.1: " in told
    assert token not in told
