"""The types of single values in the settings, and what each allows."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from config.names import compile_name
from config.patterns import compile_pattern

_NUMBER = re.compile(r"[0-9*]+")


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


def text(value: object) -> object:
    """A number as the text that it was meant as."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


TimeZone = Annotated[str, AfterValidator(_timezone)]
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
