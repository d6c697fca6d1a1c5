"""What a running daemon takes over of settings that were read again. Pure."""

from typing import NamedTuple

from config.settings import Ami, Ari, Settings, Store
from config.values import Section

_AT_THE_START: dict[str, frozenset[str]] = {
    "node": frozenset({"name"}),
    "ami": frozenset(Ami.model_fields),
    "ari": frozenset(Ari.model_fields),
    "http": frozenset({"host", "port"}),
    "store": frozenset(Store.model_fields),
    "hold": frozenset({"lease"}),
    "delivery": frozenset(
        {
            *("connect_timeout", "timeout", "concurrency"),
            *("allow_private", "allow_networks", "proxy"),
        }
    ),
}
"""The keys that only a start can change, by section."""

_TLS = frozenset({"tls_certificate", "tls_key"})


class Reloaded(NamedTuple):
    """``settings`` are those from now on; ``changed`` names what is new in them, ``waiting`` what
    is new and waits for a restart, as ``section.key``."""

    settings: Settings
    changed: tuple[str, ...]
    waiting: tuple[str, ...]


def reloaded(running: Settings, read: Settings) -> Reloaded:
    """What a daemon that runs with the one goes on with, after it has read the other."""
    at_the_start = dict(_AT_THE_START)
    if (running.http.tls_key is None) != (read.http.tls_key is None):
        at_the_start["http"] |= _TLS  # a socket does not change between HTTP and HTTPS
    changed, waiting = [], []
    sections = {}
    for name in Settings.model_fields:
        old, new = getattr(running, name), getattr(read, name)
        if not isinstance(new, Section):
            changed += [name] if new != old else []
            continue
        fixed = at_the_start.get(name, frozenset())
        differing = [
            key for key in type(new).model_fields if getattr(old, key) != getattr(new, key)
        ]
        changed += [f"{name}.{key}" for key in differing if key not in fixed]
        waiting += [f"{name}.{key}" for key in differing if key in fixed]
        kept = {key: getattr(old, key) for key in differing if key in fixed}
        sections[name] = new.model_copy(update=kept)
    return Reloaded(read.model_copy(update=sections), tuple(changed), tuple(waiting))
