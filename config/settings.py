"""The settings as typed, frozen values.

``uapid.toml`` beside this module lists every key with its default and what it means.
"""

import re
from collections import Counter
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from config.names import NamePattern, claimed_twice, compile_name
from config.patterns import compile_pattern

_NUMBER = re.compile(r"[0-9*]+")
# The keys of an organization that say what its extensions are called on the PBX.
NAMED_KINDS = ("endpoints", "queues", "conferences", "ivrs")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("a time zone name such as Europe/Bucharest is allowed") from error
    return name


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("an http or https URL with a host is allowed")
    if "@" in parts.netloc or parts.query or parts.fragment:
        # A URL is shown in logs and answers; nothing that is secret belongs there.
        raise ValueError("a URL without user, password, query and fragment is allowed")
    return url


def _network(came: object) -> IPv4Network | IPv6Network:
    # The pydantic type alone would take a number, and say nothing of what is allowed.
    try:
        return came if isinstance(came, IPv4Network | IPv6Network) else ip_network(str(came))
    except ValueError as error:
        raise ValueError(f"a network such as 10.1.0.0/16 is allowed ({error})") from error


def _number(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise ValueError("digits and * are allowed")
    return number


def _number_or_pattern(text: str) -> str:
    if text.startswith("_"):
        compile_pattern(text)
        return text
    return _number(text)


def _name_pattern(text: str) -> str:
    compile_name(_one_line(text))
    return text


def _limited_name_pattern(text: str) -> str:
    if compile_name(_one_line(text)).endless:
        # Each number that fits is one, and a number in the street must not be.
        raise ValueError("a pattern without . and ! is allowed")
    return text


def _one_line(text: str) -> str:
    if any(sign in text for sign in "\r\n\0"):
        raise ValueError("one line of text is allowed")
    return text


def _one_line_secret(secret: SecretStr) -> SecretStr:
    _one_line(secret.get_secret_value())
    return secret


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Port = Annotated[int, Field(ge=1, le=65535)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Number = Annotated[str, AfterValidator(_number)]
Seconds = Annotated[float, Field(ge=0.1, le=60)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Wait = Annotated[float, Field(ge=0, le=7 * 86400)]
NumberOrPattern = Annotated[str, AfterValidator(_number_or_pattern)]
Name = Annotated[str, Field(min_length=1)]
NamePatterns = tuple[Annotated[str, AfterValidator(_name_pattern)], ...]
LimitedNamePatterns = tuple[Annotated[str, AfterValidator(_limited_name_pattern)], ...]
MusicClass = Annotated[str, AfterValidator(_one_line)]
Login = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
Secret = Annotated[SecretStr, AfterValidator(_one_line_secret)]


class Node(Section):
    """The PBX that this daemon stands beside; ``name`` is part of every PhoneCall id."""

    name: Name = "pbx"
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None

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

    empty: Annotated[Literal["204", "200"], BeforeValidator(_text)] = "204"
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


class Organization(Section):
    """``prefix`` is what its extensions begin with; what they are on the PBX is told by patterns
    of names (see config.names). None stands for the names that are the numbers themselves.
    """

    id: Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9]+$")]
    name: Name
    prefix: Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9]+$")] | None = None
    endpoints: NamePatterns | None = None
    queues: NamePatterns | None = None
    conferences: LimitedNamePatterns = ()
    ivrs: NamePatterns = ()
    music: MusicClass | None = None

    @model_validator(mode="after")
    def _has_the_prefix_that_it_needs(self) -> Self:
        given = [kind for kind in NAMED_KINDS if getattr(self, kind)]
        if given and self.prefix is None:
            raise ValueError(f"{', '.join(given)} without prefix; allowed is a prefix of digits")
        return self

    def names(self, kind: str) -> tuple[NamePattern, ...]:
        """The patterns of the names that its extensions have; ``kind`` is one of NAMED_KINDS."""
        given: tuple[str, ...] | None = getattr(self, kind)
        if given is None:
            given = () if self.prefix is None else (f"{self.prefix}*{{X!}}",)
        return tuple(compile_name(text) for text in given)


class User(Section):
    """``role`` is what it may use: its own extensions, all of its organization's, or all."""

    id: Annotated[int, Field(ge=0)]
    name: Name
    organization: Annotated[str, BeforeValidator(_text)] | None = None
    role: Literal["user", "organization", "administrator"] = "user"
    extensions: tuple[NumberOrPattern, ...] = ()
    music: MusicClass | None = None

    @model_validator(mode="after")
    def _has_the_organization_that_it_needs(self) -> Self:
        if self.role == "organization" and self.organization is None:
            raise ValueError("role organization is allowed with an organization")
        return self


class Extension(Section):
    """What a number is on the PBX: endpoint, queue, conference or context, as ``type`` tells.

    ``music`` is the class of its holds.
    """

    number: Number
    type: Literal["terminal", "queue", "conference", "ivr"]
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/.+$")] | None = None
    queue: Name | None = None
    conference: Name | None = None
    context: Name | None = None
    music: MusicClass | None = None

    @property
    def pbx_name(self) -> str:
        return self.endpoint or self.queue or self.conference or self.context or ""

    @model_validator(mode="after")
    def _names_what_it_is(self) -> Self:
        key = {"terminal": "endpoint", "ivr": "context"}.get(self.type, self.type)
        given = {
            name
            for name in ("endpoint", "queue", "conference", "context")
            if getattr(self, name) is not None
        }
        if given != {key}:
            raise ValueError(
                f"an extension of type {self.type} is allowed to have {key} "
                f"and has {', '.join(sorted(given)) or 'nothing'}"
            )
        return self


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
