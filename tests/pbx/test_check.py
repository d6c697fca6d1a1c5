"""`uapid check` and `uapid serve` as an operator meets them on a real PBX."""

import re
import ssl
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import trustme

from tests.pbx.asterisk import HOST, Asterisk
from tests.pbx.test_hold_failures import with_username
from tests.pbx.uapid import ADDRESS, PORT, SETTINGS, Uapid


async def test_a_line_for_each_thing_that_is_as_it_should_be(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    lines = (await Uapid(tmp_path).run("check")).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [what, "ok"]
        for what in ("settings", "store", "AMI login", "ARI login", "AMI actions", "AMI events")
    ] + [["extensions", "ok"], ["hold lease", "ok"]]
    # The trunk, two phones and most queues are nobody's.
    found = r"64 of 6\d endpoints, 5 of 13 queues, 3 of 5 contexts that the PBX has"
    assert re.fullmatch(f"extensions: ok: {found}", lines[-2])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param(
            SETTINGS.replace("uapid-secret", "guessed"),
            f"AMI login: FAILED: {HOST}:5038: AMI refused Login: Authentication failed",
            id="wrong-ami-secret",
        ),
        pytest.param(
            SETTINGS.replace("uapid-password", "guessed"),
            f"ARI login: FAILED: http://{HOST}:8088/: HTTP status 401 Unauthorized",
            id="wrong-ari-password",
        ),
        pytest.param(
            with_username("ami", "uapid-mute"),
            "AMI actions: FAILED: not allowed: Setvar, Hangup; manager.conf: write=call,reporting",
            id="ami-user-may-not-set-variables",
        ),
        pytest.param(
            f"{SETTINGS}\n[hold]\nphone_notify = true\n",
            "AMI actions: FAILED: not allowed: PJSIPNotify; "
            "manager.conf: write=call,reporting,system",
            id="ami-user-may-not-notify-phones",
        ),
        pytest.param(
            with_username("ami", "uapid-deaf"),
            "AMI events: FAILED: no event of class call comes; manager.conf: read=call",
            id="ami-user-reads-no-events",
        ),
        pytest.param(
            with_username("ari", "uapid-read"),
            "AMI events: FAILED: ARI refused deviceStates.update: 403",
            id="ari-user-may-not-write",
        ),
    ],
)
async def test_what_is_missing_is_named(
    asterisk: Asterisk, tmp_path: Path, settings: str, told: str
) -> None:
    with pytest.raises(RuntimeError) as failure:
        await Uapid(tmp_path, settings).run("check")
    assert told in str(failure.value)
    assert "guessed" not in str(failure.value)


async def test_a_daemon_that_runs_is_not_disturbed(uapid: Uapid, asterisk: Asterisk) -> None:
    assert "FAILED" not in await uapid.run("check")
    assert "Replacing" not in asterisk.log(since=uapid.started)
    assert "ERROR" not in uapid.log()


def with_tls(certificate: Path, key: Path) -> str:
    files = f'[http]\ntls_certificate = "{certificate}"\ntls_key = "{key}"'
    return SETTINGS.replace("[http]", files)


async def test_https_is_served_with_the_certificate_of_the_settings(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(ADDRESS)
    key, chain = tmp_path / "tls.key", tmp_path / "tls.crt"
    certificate.private_key_pem.write_to_path(key)
    chain.write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with (
        Uapid(tmp_path, with_tls(chain, key)) as uapid,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {await uapid.token()}"}) as app,
        app.get(
            f"https://{ADDRESS}:{PORT}/uapi/extensions/@me/0003*211/phoneCallEvents", ssl=context
        ) as answer,
    ):
        assert answer.status == 204
        assert "TLS: ok" in await uapid.run("check")


async def test_a_certificate_that_cannot_be_used_is_told_and_ends_the_start(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    for file, told in (
        (tmp_path / "missing", f"{tmp_path}/missing cannot be read: No such file"),
        (tmp_path / "empty", "are no certificate and its key"),
    ):
        uapid = Uapid(tmp_path, with_tls(file, file))
        for start in (uapid.start, partial(uapid.run, "check")):
            with pytest.raises(RuntimeError) as failure:
                await start()
            assert told in str(failure.value)


async def test_an_address_that_is_taken_is_named_and_ends_the_start(
    uapid: Uapid, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    with pytest.raises(
        RuntimeError, match=re.escape(f"[http] {ADDRESS}:{PORT}: Address already in use")
    ):
        await Uapid(tmp_path / "second").start()
