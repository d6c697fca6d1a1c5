"""Reading the settings.

A value comes from the first of these that has it: the environment (``UAPID_AMI__SECRET``), a
systemd credential (a file ``ami.secret`` in ``$CREDENTIALS_DIRECTORY``), the TOML file, the
default.
"""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from config.settings import Settings
from config.values import Section

ENVIRONMENT_PREFIX = "UAPID_"


class SettingsError(Exception):
    """The settings cannot be used; the text has one line for each fault."""


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
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        for key in field.annotation.model_fields
    ]
    found = [(location, _read_credential(Path(folder, ".".join(location)))) for location in keys]
    return [
        (location, text, f"credential {'.'.join(location)}")
        for location, text in found
        if text is not None
    ]


def _read_credential(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
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
    if not _is_array(location):
        values[key] = text
        return
    try:
        values[key] = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{source}: got {text!r}, allowed: a JSON array") from error


def _is_array(location: Sequence[str]) -> bool:
    """Whether the key at this location has an array, which text can only give as JSON."""
    model: type[BaseModel] = Settings
    annotation: Any = Settings
    for key in location:
        field = model.model_fields.get(key)
        annotation = field.annotation if field else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return get_origin(annotation) is tuple


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


def _has_password(value: object) -> bool:
    """Whether this may be a URL with a password in it."""
    return isinstance(value, str) and "://" in value and any(sign in value for sign in "@?")


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
            secret = location[-1] in ("secret", "password") or _has_password(fault["input"])
            came = "a value that is not shown" if secret else repr(fault["input"])
            lines.append(f"{source}: {key}: got {came}: {message}")
    return "\n".join(lines)
