"""The settings as typed, frozen values.

A value comes from the first of these that has it: the environment (``UAPID_AMI__SECRET``), a
systemd credential (a file ``ami.secret`` in ``$CREDENTIALS_DIRECTORY``), the TOML file, the
default. ``uapid.toml`` beside this module lists every key with its default.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from config.patterns import compile_pattern

ENVIRONMENT_PREFIX = "UAPID_"
_TABLE_ARRAYS = ("organizations", "users", "extensions")
_NUMBER = re.compile(r"[0-9*]+")


class SettingsError(Exception):
    """The settings cannot be used; the text has one line for each fault."""


class _Section(BaseModel):
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
    return url


def _number(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise ValueError("digits and * are allowed")
    return number


def _number_or_pattern(text: str) -> str:
    if text.startswith("_"):
        compile_pattern(text)
        return text
    return _number(text)


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Port = Annotated[int, Field(ge=1, le=65535)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Number = Annotated[str, AfterValidator(_number)]
NumberOrPattern = Annotated[str, AfterValidator(_number_or_pattern)]
Name = Annotated[str, Field(min_length=1)]


class Node(_Section):
    """The PBX that this daemon stands beside; ``name`` is part of every PhoneCall id."""

    name: Name = "pbx"
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None

    @property
    def tzinfo(self) -> ZoneInfo | None:
        """The time zone of dates in answers; None stands for the machine's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


class Ami(_Section):
    host: Name = "127.0.0.1"
    port: Port = 5038
    username: Name = "uapid"
    secret: SecretStr = SecretStr("")


class Ari(_Section):
    url: HttpUrl = "http://127.0.0.1:8088/"
    username: Name = "uapid"
    password: SecretStr = SecretStr("")
    app: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "uapid"


class Http(_Section):
    host: Name = "127.0.0.1"
    port: Port = 8080
    public_url: HttpUrl | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

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


class Api(_Section):
    """``empty``: status of an answer with nothing in it. ``hold_timeout``: seconds until 202."""

    empty: Annotated[Literal["204", "200"], BeforeValidator(_text)] = "204"
    hold_timeout: Annotated[float, Field(gt=0, le=60)] = 2.0


class Store(_Section):
    path: Path = Path("uapid.sqlite")


class Organization(_Section):
    id: Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9]+$")]
    name: Name


class User(_Section):
    id: Annotated[int, Field(ge=0)]
    name: Name
    organization: Annotated[str, BeforeValidator(_text)] | None = None
    extensions: tuple[NumberOrPattern, ...] = ()


class Extension(_Section):
    """What a number is on the PBX: exactly one of the last four, as ``type`` tells."""

    number: Number
    type: Literal["terminal", "queue", "conference", "ivr"]
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/.+$")] | None = None
    queue: Name | None = None
    conference: Name | None = None
    context: Name | None = None

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


class Settings(_Section):
    """All settings; see ``uapid.toml`` for what each key means."""

    node: Node = Node()
    ami: Ami = Ami()
    ari: Ari = Ari()
    http: Http = Http()
    api: Api = Api()
    store: Store = Store()
    organizations: tuple[Organization, ...] = ()
    users: tuple[User, ...] = ()
    extensions: tuple[Extension, ...] = ()

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        for what, keys in (
            ("organizations", [o.id for o in self.organizations]),
            ("users", [str(u.id) for u in self.users]),
            ("extensions", [e.number for e in self.extensions]),
        ):
            twice = {key for key in keys if keys.count(key) > 1}
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
        return self


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings; without a file they are the defaults and the environment.

    Raises SettingsError, whose text names the source, the key, what came and what is allowed.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    sources: dict[tuple[str, ...], str] = {}
    if path is not None:
        values = _read_file(path)
    for location, text, source in [*_credentials(environment), *_variables(environment)]:
        _put(values, location, text, source)
        sources[location] = source
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        default = str(path) if path else "settings"
        raise SettingsError(_explain(error, default, sources)) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error


def _credentials(environment: Mapping[str, str]) -> list[tuple[tuple[str, ...], str, str]]:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return []
    # Other files are credentials of somebody else's: only names of keys are looked for.
    keys = [
        (section, key)
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section)
        for key in field.annotation.model_fields
    ]
    found = [(location, Path(folder, ".".join(location))) for location in keys]
    return [
        (location, _read_credential(file), f"credential {file.name}")
        for location, file in found
        if file.is_file()
    ]


def _read_credential(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is no UTF-8 text"
    raise SettingsError(f"credential {file.name}: {reason}")


def _variables(environment: Mapping[str, str]) -> list[tuple[tuple[str, ...], str, str]]:
    return [
        (tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")), text, name)
        for name, text in sorted(environment.items())
        if name.startswith(ENVIRONMENT_PREFIX)
    ]


def _put(values: dict[str, Any], location: tuple[str, ...], text: str, source: str) -> None:
    *sections, key = location
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{source}: {'.'.join(location)} is not a key of the settings")
    if sections or key not in _TABLE_ARRAYS:
        values[key] = text
        return
    try:
        values[key] = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{source}: got {text!r}, allowed: a JSON array") from error


def _source(location: Sequence[str], sources: Mapping[tuple[str, ...], str]) -> str | None:
    """What set the value at this location, or one in it or round it; None for the file."""
    return next(
        (
            source
            for given, source in sources.items()
            if all(one == other for one, other in zip(given, location, strict=False)) and location
        ),
        None,
    )


def _explain(error: ValidationError, default: str, sources: Mapping[tuple[str, ...], str]) -> str:
    lines = []
    for fault in error.errors():
        location = tuple(str(part) for part in fault["loc"])
        source = _source(location, sources) or default
        key = ".".join(location)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            lines.append(f"{source}: {key}: there is no such key; see config/uapid.toml")
        elif not location or isinstance(fault["input"], dict | BaseModel):
            lines.append(f"{source}: {key + ': ' if key else ''}{message}")
        else:
            secret = location[-1] in ("secret", "password")
            came = "a value that is not shown" if secret else repr(fault["input"])
            lines.append(f"{source}: {key}: got {came}: {message}")
    return "\n".join(lines)
