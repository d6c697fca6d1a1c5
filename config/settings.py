"""The settings as typed, frozen values.

``uapid.toml`` beside this module lists every key with its default and what it means.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from config.names import claimed_twice
from config.people import NAMED_KINDS, Extension, Organization, User
from config.values import (
    HttpUrl,
    Login,
    MusicClass,
    Name,
    Network,
    Port,
    Seconds,
    Secret,
    Section,
    TimeZone,
    Wait,
    text,
)


class Node(Section):
    """The PBX that this daemon stands beside; ``name`` is part of every PhoneCall id."""

    name: Name = "pbx"
    timezone: TimeZone | None = None

    @property
    def tzinfo(self) -> ZoneInfo | None:
        """The time zone of dates in answers; None stands for the machine's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


class Ami(Section):
    """``timeout`` and ``ping_interval`` in seconds; a dead line is found within their sum."""

    host: Name = "127.0.0.1"
    port: Port = 5038
    username: Login = "uapid"
    secret: Secret = SecretStr("")
    timeout: Seconds = 5.0
    ping_interval: Seconds = 4.0


class Ari(Section):
    """``timeout`` and ``ping_interval`` in seconds; a dead line is found within 1.5 intervals."""

    url: HttpUrl = "http://127.0.0.1:8088/"
    username: Login = "uapid"
    password: Secret = SecretStr("")
    app: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "uapid"
    timeout: Seconds = 5.0
    ping_interval: Seconds = 5.0


class Http(Section):
    """``timeout`` and ``idle_timeout`` in seconds, ``header_size`` in bytes."""

    host: Name = "127.0.0.1"
    port: Port = 8080
    public_url: HttpUrl | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    timeout: Seconds = 10.0
    idle_timeout: Annotated[float, Field(ge=0.1, le=3600)] = 30.0
    header_size: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 16 * 1024
    connections: Annotated[int, Field(ge=10, le=1_000_000)] = 5000

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are only allowed together")
        return self

    @property
    def base_url(self) -> str:
        """The URL that links start with, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme = "https" if self.tls_certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


class Api(Section):
    """``empty``: status of an answer with nothing in it. ``hold_timeout``: seconds until 202.
    ``concurrency``: requests of one token at a time."""

    empty: Annotated[Literal["204", "200"], BeforeValidator(text)] = "204"
    hold_timeout: Annotated[float, Field(gt=0, le=60)] = 2.0
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 100


class Access(Section):
    """``token_lifetime`` in seconds. ``token_in_query`` lets a token come in the URL."""

    token_lifetime: Annotated[float, Field(ge=301, le=365 * 86400)] = 3600.0
    token_in_query: bool = False


class Store(Section):
    path: Path = Path("uapid.sqlite")


class Delivery(Section):
    """How and where apps are called. Times in seconds, ``retention_days`` in days.

    ``schedule`` is the wait before each attempt: the first before the first one, and so on.
    """

    schedule: Annotated[tuple[Wait, ...], Field(min_length=1, max_length=100)] = (
        *(0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0),
    )
    connect_timeout: Seconds = 5.0
    timeout: Seconds = 15.0
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 100
    allow_private: bool = True
    allow_networks: tuple[Network, ...] = ()
    proxy: HttpUrl | None = None
    retention_days: Annotated[float, Field(gt=0, le=3650)] = 7.0


class HoldSettings(Section):
    """``lease`` in seconds; ``music`` is a class of Asterisk, "" for its default."""

    lease: Annotated[float, Field(ge=2, le=86400)] = 120.0
    music: MusicClass = ""
    phone_notify: bool = False
    mute_recordings: bool = False


class Settings(Section):
    """All settings; see ``uapid.toml`` for what each key means."""

    node: Node = Node()
    ami: Ami = Ami()
    ari: Ari = Ari()
    http: Http = Http()
    api: Api = Api()
    access: Access = Access()
    store: Store = Store()
    hold: HoldSettings = HoldSettings()
    delivery: Delivery = Delivery()
    organizations: tuple[Organization, ...] = ()
    users: tuple[User, ...] = ()
    extensions: tuple[Extension, ...] = ()

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        for what, keys in (
            ("organizations", [o.id for o in self.organizations]),
            ("prefixes of organizations", [o.prefix for o in self.organizations if o.prefix]),
            ("users", [str(u.id) for u in self.users]),
            ("extensions", [e.number for e in self.extensions]),
            ("names of extensions", [f"{e.type} {e.pbx_name}" for e in self.extensions]),
        ):
            twice = {key for key, count in Counter(keys).items() if count > 1}
            if twice:
                raise ValueError(f"{what}: {', '.join(sorted(twice))} is there more than once")
        known = {organization.id for organization in self.organizations}
        for user in self.users:
            if user.organization is not None and user.organization not in known:
                allowed = ", ".join(sorted(known)) or "none, as there is no [[organizations]]"
                raise ValueError(
                    f"users: user {user.id} has organization {user.organization}, "
                    f"allowed: {allowed}"
                )
        for kind in NAMED_KINDS:
            claims = [(o.id, name) for o in self.organizations for name in o.names(kind)]
            fault = claimed_twice(claims)
            if fault is not None:
                raise ValueError(f"organizations: {kind}: {fault}")
        return self
