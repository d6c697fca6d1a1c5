"""POST /oauth/token: an app gets a token for its key and secret."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from api.body import LIMIT
from daemon.apps import App, create_app, new_key_secret, revoke_app
from tests.api.running import Answer, RunningApi, StartApi

TOKEN = "/oauth/token.php"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "------------------------d74496d66958873e"


class KnownApp:
    """An app of user 12, or of another, with its key and secret."""

    def __init__(self, app: App, secret: str) -> None:
        self.key = app.id
        self.secret = secret
        self.form = (
            f"grant_type=client_credentials&client_id={self.key}&client_secret={self.secret}"
        )
        self.fields = {
            "grant_type": "client_credentials",
            "client_id": self.key,
            "client_secret": self.secret,
        }

    def wrong(self) -> str:
        """The form with a secret that is not right."""
        return self.form[:-1] + ("a" if self.form[-1] != "a" else "b")


async def an_app(api: RunningApi, user: int = 12) -> KnownApp:
    app = await api.service.store.write(lambda db: create_app(db, user, "CRM"))
    secret = await api.service.store.write(lambda db: new_key_secret(db, app.id))
    assert secret is not None
    return KnownApp(app, secret)


async def ask(
    api: RunningApi,
    body: str | bytes,
    content_type: str | None = FORM,
    path: str = TOKEN,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    given = {**({} if content_type is None else {"Content-Type": content_type}), **(headers or {})}
    data = body.encode() if isinstance(body, str) else body
    return await api.request("POST", path, data=data, headers=given)


def error_of(answer: Answer) -> tuple[int, str]:
    """Status and code of an error in the shape of OAuth."""
    assert set(answer.body) == {"error", "error_description"}
    # What RFC 6749, section 5.2 allows.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.body["error_description"])
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status, answer.body["error"]


def multipart(fields: Mapping[str, str]) -> bytes:
    """As curl sends a PHP array."""
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"{''.join(parts)}--{BOUNDARY}--\r\n".encode()


def basic(key: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{key}:{secret}'.encode()).decode()}"


async def test_the_answer_has_a_token_that_is_of_the_app_and_of_its_user(api: RunningApi) -> None:
    app = await an_app(api)
    answer = await ask(api, app.form)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    token = answer.body["access_token"]
    assert answer.body == {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
    assert re.fullmatch(r"[A-Za-z0-9_.-]{10,}", token)
    api.token = token
    await api.create_events({})
    owners = await api.service.store.read(
        lambda db: db.execute("SELECT app FROM phone_call_events").fetchall()
    )
    assert owners == [(app.key,)]
    ends = await api.service.store.read(
        lambda db: db.execute("SELECT max(expires) FROM tokens").fetchone()[0]
    )
    assert abs(ends - time.time() - 3600) < 60


async def test_the_lifetime_is_that_of_the_settings(start_api: StartApi) -> None:
    async with start_api(access={"token_lifetime": 7200.9}) as api:
        answer = await ask(api, (await an_app(api)).form)
        assert answer.text.count('"expires_in":7200,') == 1


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/", "/oauth/token.php/"])
async def test_every_spelling_of_the_address(api: RunningApi, path: str) -> None:
    assert (await ask(api, (await an_app(api)).form, path=path)).status == 200


@pytest.mark.parametrize(
    ("more", "content_type"),
    [
        ("&type=unifiedapi&redirect_uri=https%3A%2F%2Fx.x.x.x%2Fouath%2Ftoken.php", FORM),
        ("&redirect_uri=https://x.x.x.x/ouath/token.php?a=b;c%&state=0", FORM),
        ("&state=&&=&code", f"{FORM}; charset=UTF-8"),
        ("&scope=all", FORM.upper()),
        ("", None),
    ],
)
@pytest.mark.parametrize("before", ["", "&"])
async def test_a_form_as_clients_send_it(
    api: RunningApi, before: str, more: str, content_type: str | None
) -> None:
    app = await an_app(api)
    assert (await ask(api, f"{before}{app.form}{more}", content_type)).status == 200


async def test_a_multipart_form(api: RunningApi) -> None:
    app = await an_app(api)
    body = multipart({**app.fields, "redirect_uri": "/index.php", "state": "0"})
    answer = await ask(api, body, f"multipart/form-data; boundary={BOUNDARY}")
    assert answer.status == 200


async def test_json(api: RunningApi) -> None:
    app = await an_app(api)
    body = json.dumps({**app.fields, "state": 0, "more": [None]})
    assert (await ask(api, body, "application/json; charset=utf-8")).status == 200


async def test_the_absolute_form_of_the_request_target(api: RunningApi) -> None:
    body = "&" + (await an_app(api)).form
    answer = await api.send(
        f"POST https://uapi.voipnow.com{TOKEN} HTTP/1.1\r\nHost: uapi.voipnow.com\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}".encode()
    )
    assert answer.status == 200
    assert answer.body["token_type"] == "Bearer"


async def test_the_key_and_secret_by_http_basic(api: RunningApi) -> None:
    app = await an_app(api)
    headers = {"Authorization": basic(app.key, app.secret).replace("Basic", "basic")}
    for body in ("grant_type=client_credentials", f"client_id={app.key}&{app.form}"):
        assert (await ask(api, body, headers=headers)).status == 200
    other = app.form.replace(app.key, "0" * 12)
    assert error_of(await ask(api, other, headers=headers)) == (400, "invalid_request")
    wrong = {"Authorization": basic(app.key, "wrong")}
    answer = await ask(api, "grant_type=client_credentials", headers=wrong)
    assert error_of(answer) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="uapid"'


async def test_a_bearer_token_beside_the_key_says_nothing(api: RunningApi) -> None:
    app = await an_app(api)
    headers = {"Authorization": "Bearer an-old-one"}
    assert (await ask(api, app.form, headers=headers)).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "wrong"},
        {"client_id": "wrong"},
        {"client_id": "0123456789ab"},
        {"client_secret": ""},
        {"client_id": "\ud800"},
        {"client_secret": "\x00'; DROP TABLE apps; --"},
        {"client_id": 12},
        {"client_secret": None},
        {"client_secret": "x" * 10_000},
    ],
)
async def test_what_is_no_key_and_secret_of_an_app(api: RunningApi, change: dict[str, Any]) -> None:
    app = await an_app(api)
    answer = await ask(api, json.dumps({**app.fields, **change}), "application/json")
    assert error_of(answer) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="uapid"'


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !",
        f"Basic {base64.b64encode(bytes([255, 58, 254])).decode()}",
        f"Basic {base64.b64encode(b'no colon').decode()}",
    ],
)
async def test_http_basic_that_is_none(api: RunningApi, authorization: str) -> None:
    answer = await ask(
        api, "grant_type=client_credentials", headers={"Authorization": authorization}
    )
    assert error_of(answer) == (401, "invalid_client")


async def test_the_query_of_the_address_is_not_read_as_secrets_there_end_in_logs(
    api: RunningApi,
) -> None:
    app = await an_app(api)
    answer = await ask(api, "", path=f"{TOKEN}?{app.form}")
    assert error_of(answer) == (400, "invalid_request")
    grant, _, secrets = app.form.partition("&")
    answer = await ask(api, grant, path=f"{TOKEN}?{secrets}")
    assert error_of(answer) == (401, "invalid_client")


async def test_a_revoked_app_gets_none(api: RunningApi) -> None:
    app = await an_app(api)
    await api.service.store.write(lambda db: revoke_app(db, app.key))
    assert error_of(await ask(api, app.form)) == (401, "invalid_client")


async def test_an_app_whose_user_is_gone_from_the_settings_gets_none(api: RunningApi) -> None:
    answer = await ask(api, (await an_app(api, user=99)).form)
    assert error_of(answer) == (401, "invalid_client")
    assert "settings" in answer.body["error_description"]


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        ("", FORM, (400, "invalid_request")),
        ("grant_type=", FORM, (400, "invalid_request")),
        ("grant_type=password&username=a&password=b", FORM, (400, "unsupported_grant_type")),
        ("grant_type=Client_Credentials", FORM, (400, "unsupported_grant_type")),
        ("{", "application/json", (400, "invalid_request")),
        ("[" * 30_000, "application/json", (400, "invalid_request")),
        ("[]", "application/json", (400, "invalid_request")),
        (b'{"grant_type": "\xff"}', "application/json", (400, "invalid_request")),
        (b"grant_type=\xff", FORM, (400, "invalid_request")),
        ("a=b&" * 101, FORM, (400, "invalid_request")),
        ("a=b", "text/plain", (400, "invalid_request")),
        ("a=b", "multipart/form-data", (400, "invalid_request")),
        ("a=b", f"multipart/form-data; boundary={BOUNDARY}", (400, "invalid_request")),
        (
            multipart({"a": "x"}).replace(b'"a"', b'"a"; filename="a"'),
            f"multipart/form-data; boundary={BOUNDARY}",
            (400, "invalid_request"),
        ),
        (
            multipart({"grant_type": "x"}),
            f"multipart/form-data; charset=undefined; boundary={BOUNDARY}",
            (400, "invalid_request"),
        ),
        ("a=" + "x" * LIMIT, FORM, (413, "invalid_request")),
        ("x" * (LIMIT + 1), "application/json", (413, "invalid_request")),
        (multipart({"a": "x" * LIMIT}), "multipart/form-data", (413, "invalid_request")),
    ],
)
async def test_what_is_no_token_request(
    api: RunningApi, body: str | bytes, content_type: str, error: tuple[int, str]
) -> None:
    assert error_of(await ask(api, body, content_type)) == error


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_method_that_the_address_does_not_have(api: RunningApi, method: str) -> None:
    answer = await api.request(method, TOKEN, headers={})
    assert error_of(answer) == (405, "invalid_request")
    assert answer.headers["Allow"] == "OPTIONS, POST"
    told = await api.request("OPTIONS", TOKEN, headers={})
    assert (told.status, told.headers["Allow"], told.text) == (204, "OPTIONS, POST", "")


@pytest.mark.parametrize("path", ["/oauth", "/oauth/", "/oauth/nowhere", "/oauth/token/x"])
async def test_what_is_not_at_an_address_of_oauth_is_told_as_everywhere(
    api: RunningApi, path: str
) -> None:
    assert (await api.request("POST", path, headers={})).error == (404, "not_found")


async def test_the_authorization_code_flow_is_not_there_yet(api: RunningApi) -> None:
    answer = await ask(api, "grant_type=authorization_code&code=x")
    assert answer.error == (501, "request_not_implemented")


async def test_while_the_store_cannot_be_written(api: RunningApi) -> None:
    app = await an_app(api)
    await api.service.store.write(lambda db: db.execute("PRAGMA query_only = ON"))
    answer = await ask(api, app.form)
    assert error_of(answer) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "5"


async def test_too_many_failures_of_a_key_are_refused_and_its_right_secret_is_not(
    api: RunningApi,
) -> None:
    app, other = await an_app(api), await an_app(api)
    for _ in range(10):
        assert error_of(await ask(api, app.wrong())) == (401, "invalid_client")
    answer = await ask(api, app.wrong())
    assert error_of(answer) == (429, "temporarily_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert error_of(await ask(api, other.wrong())) == (401, "invalid_client")
    assert await status_elsewhere(api, app.wrong()) == 401
    assert (await ask(api, app.form)).status == 200
    assert error_of(await ask(api, app.wrong())) == (429, "temporarily_unavailable"), (
        "a success ends no wait"
    )


async def test_too_many_failures_of_an_address_are_refused_with_whatever_key(
    api: RunningApi,
) -> None:
    app = await an_app(api)
    forms = [app.form.replace(app.key, f"{number:012x}") for number in range(60)]
    answers = await asyncio.gather(*(ask(api, form) for form in forms))
    assert {answer.status for answer in answers} == {401}
    assert error_of(await ask(api, app.wrong())) == (429, "temporarily_unavailable")
    assert (await ask(api, app.form)).status == 200
    assert await status_elsewhere(api, app.wrong()) == 401


async def status_elsewhere(api: RunningApi, form: str) -> int:
    """What a token request from another address is answered."""
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    url, headers = f"http://127.0.0.1:{api.port}{TOKEN}", {"Content-Type": FORM}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(url, data=form, headers=headers) as answer,
    ):
        return answer.status


async def test_a_secret_that_is_sent_as_the_key_is_not_told(
    api: RunningApi, caplog: pytest.LogCaptureFixture
) -> None:
    app = await an_app(api)
    swapped = {**app.fields, "client_id": app.secret, "client_secret": app.key}
    answer = await ask(api, json.dumps(swapped), "application/json")
    assert error_of(answer) == (401, "invalid_client")
    assert (await ask(api, app.wrong())).status == 401
    assert f"token for app {app.key}: 401 invalid_client" in caplog.text, "a key is told"
    assert app.secret not in caplog.text + answer.text
