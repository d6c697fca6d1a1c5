import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.loading import load_settings
from config.settings import Settings


def _at(settings: BaseModel, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def test_without_a_file_the_daemon_runs_on_defaults() -> None:
    settings = load_settings(None, {})
    assert settings == Settings()
    assert (settings.ami.host, settings.ami.port) == ("127.0.0.1", 5038)
    assert settings.store.path == Path("uapid.sqlite")
    assert settings.http.base_url == "http://127.0.0.1:8080"
    assert settings.node.tzinfo is None


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("node.name", "pbx2", "pbx2"),
        ("node.timezone", "Europe/Bucharest", "Europe/Bucharest"),
        ("ami.host", "10.0.0.1", "10.0.0.1"),
        ("ami.port", "5039", 5039),
        ("ami.username", "x", "x"),
        ("ami.secret", "s3cret", "s3cret"),
        ("ari.url", "https://pbx:8089/a/", "https://pbx:8089/a/"),
        ("ari.username", "y", "y"),
        ("ari.password", "p4ss", "p4ss"),
        ("ari.app", "other", "other"),
        ("http.host", "::1", "::1"),
        ("http.port", "80", 80),
        ("http.public_url", "https://uapi.example.com/", "https://uapi.example.com/"),
        ("api.empty", "200", "200"),
        ("api.hold_timeout", "0.5", 0.5),
        ("store.path", "/var/lib/uapid/s.sqlite", Path("/var/lib/uapid/s.sqlite")),
    ],
)
def test_every_key_comes_from_the_environment_too(key: str, text: str, value: object) -> None:
    name = "UAPID_" + key.upper().replace(".", "__")
    assert _at(load_settings(None, {name: text}), key) == value


def test_the_two_tls_keys_come_from_the_environment_together() -> None:
    http = load_settings(
        None, {"UAPID_HTTP__TLS_CERTIFICATE": "a.crt", "UAPID_HTTP__TLS_KEY": "a.key"}
    ).http
    assert (http.tls_certificate, http.tls_key) == (Path("a.crt"), Path("a.key"))
    assert http.base_url == "https://127.0.0.1:8080"


def test_arrays_in_sections_come_from_the_environment_as_json() -> None:
    delivery = load_settings(
        None,
        {
            "UAPID_DELIVERY__SCHEDULE": "[0, 2.5]",
            "UAPID_DELIVERY__ALLOW_NETWORKS": '["10.1.0.0/16", "::1/128"]',
        },
    ).delivery
    assert delivery.schedule == (0.0, 2.5)
    assert [str(network) for network in delivery.allow_networks] == ["10.1.0.0/16", "::1/128"]


def test_the_lists_come_from_the_environment_as_json() -> None:
    settings = load_settings(
        None,
        {
            "UAPID_ORGANIZATIONS": json.dumps([{"id": 3, "name": "Default"}]),
            "UAPID_USERS": json.dumps(
                [{"id": 12, "name": "J", "organization": 3, "extensions": ["0003*210", "_1X"]}]
            ),
            "UAPID_EXTENSIONS": json.dumps(
                [{"number": "0003*024", "type": "terminal", "endpoint": "PJSIP/reception"}]
            ),
        },
    )
    assert settings.organizations[0].id == settings.users[0].organization == "3"
    assert settings.users[0].extensions == ("0003*210", "_1X")
    assert settings.extensions[0].endpoint == "PJSIP/reception"


def test_a_credential_is_a_file_named_after_its_key(tmp_path: Path) -> None:
    (tmp_path / "ami.secret").write_text("s3cret\n")
    for name in ("unrelated", "tls.key", "ami.key", "uapid.toml"):
        (tmp_path / name).write_bytes(b"\xffsomebody else's")
    settings = load_settings(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settings.ami.secret.get_secret_value() == "s3cret"


def test_the_environment_wins_over_credentials_and_they_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "uapid.toml"
    file.write_text(
        '[ami]\nsecret = "file"\nusername = "file"\nhost = "file"\n[ari]\npassword = "file"\n'
    )
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ami.secret").write_text("credential")
    (credentials / "ami.username").write_text("credential")
    settings = load_settings(
        file, {"CREDENTIALS_DIRECTORY": str(credentials), "UAPID_AMI__SECRET": "environment"}
    )
    assert settings.ami.secret.get_secret_value() == "environment"
    assert settings.ami.username == "credential"
    assert settings.ami.host == "file"
    assert settings.ari.password.get_secret_value() == "file"
    assert settings.ami.port == 5038


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"UAPID_HTTP__PUBLIC_URL": "https://x.example.com/"}, "https://x.example.com"),
        ({"UAPID_HTTP__HOST": "::1"}, "http://[::1]:8080"),
    ],
)
def test_links_start_with_the_public_url_or_else_host_and_port(
    environment: dict[str, str], url: str
) -> None:
    assert load_settings(None, environment).http.base_url == url


def test_settings_do_not_change_and_do_not_show_their_secrets() -> None:
    settings = load_settings(
        None, {"UAPID_AMI__SECRET": "hunter2", "UAPID_ARI__PASSWORD": "hunter2"}
    )
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()
    with pytest.raises(ValueError, match="frozen"):
        settings.ami.host = "elsewhere"
