from typing import Any

import pytest

from config.reloading import reloaded
from config.settings import Settings
from config.values import Section

RUNNING: dict[str, Any] = {
    "node": {"name": "pbx", "timezone": "Europe/Bucharest"},
    "ami": {"secret": "old"},
    "http": {"port": 8080},
    "users": [{"id": 12, "name": "John"}],
}


def changed_by(section: str, value: Any) -> dict[str, Any]:
    """The settings with keys of a section changed, or a list replaced."""
    old = RUNNING.get(section, {})
    return {**RUNNING, section: {**old, **value} if isinstance(value, dict) else value}


@pytest.mark.parametrize(
    ("section", "value", "key"),
    [
        ("node", {"timezone": "UTC"}, "node.timezone"),
        ("http", {"public_url": "https://pbx.example.com"}, "http.public_url"),
        ("api", {"empty": "200"}, "api.empty"),
        ("hold", {"music": "jazz"}, "hold.music"),
        ("hold", {"phone_notify": True}, "hold.phone_notify"),
        ("delivery", {"schedule": [0, 1]}, "delivery.schedule"),
        ("delivery", {"retention_days": 1}, "delivery.retention_days"),
        ("organizations", [{"id": "3", "name": "Us"}], "organizations"),
        ("users", [], "users"),
        (
            "extensions",
            [{"number": "0003*610", "type": "queue", "queue": "sales"}],
            "extensions",
        ),
    ],
)
def test_what_can_change_while_it_runs_is_taken_over(section: str, value: Any, key: str) -> None:
    read = Settings.model_validate(changed_by(section, value))
    assert reloaded(Settings.model_validate(RUNNING), read) == (read, (key,), ())


@pytest.mark.parametrize(
    ("section", "value", "keys"),
    [
        ("node", {"name": "other"}, {"node.name"}),
        ("ami", {"host": "10.0.0.1", "secret": "new"}, {"ami.host", "ami.secret"}),
        ("ari", {"url": "http://10.0.0.1:8088/", "app": "b"}, {"ari.url", "ari.app"}),
        ("http", {"host": "10.0.0.2", "port": 80}, {"http.host", "http.port"}),
        (
            "http",
            {"tls_certificate": "a.crt", "tls_key": "a.key"},
            {"http.tls_certificate", "http.tls_key"},
        ),
        ("store", {"path": "other.sqlite"}, {"store.path"}),
        ("hold", {"lease": 60}, {"hold.lease"}),
        (
            "delivery",
            {"allow_private": False, "concurrency": 7},
            {"delivery.allow_private", "delivery.concurrency"},
        ),
    ],
)
def test_what_only_a_start_can_change_stays_and_is_named(
    section: str, value: Any, keys: set[str]
) -> None:
    running = Settings.model_validate(RUNNING)
    settings, changed, waiting = reloaded(
        running, Settings.model_validate(changed_by(section, value))
    )
    assert settings == running
    assert changed == ()
    assert set(waiting) == keys


def test_another_certificate_is_taken_over_where_there_was_one() -> None:
    old = {"tls_certificate": "a.crt", "tls_key": "a.key"}
    new = {"tls_certificate": "b.crt", "tls_key": "b.key"}
    running, read = (Settings.model_validate({"http": tls}) for tls in (old, new))
    settings, changed, waiting = reloaded(running, read)
    assert settings == read
    assert changed == ("http.tls_certificate", "http.tls_key")
    assert waiting == ()


def test_with_nothing_new_nothing_changes() -> None:
    settings = Settings.model_validate(RUNNING)
    assert reloaded(settings, Settings.model_validate(RUNNING)) == (settings, (), ())


def test_what_waits_for_a_restart_is_a_key_of_the_settings() -> None:
    """A key that was renamed would be taken over while nothing heeds it."""
    from config.reloading import _AT_THE_START

    for name, keys in _AT_THE_START.items():
        section = Settings.model_fields[name].annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        assert keys <= set(section.model_fields), name
