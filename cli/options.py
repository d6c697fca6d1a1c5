"""What the commands have in common: the settings file that they read, and who is in it."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from config.loading import SettingsError, load_settings
from config.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file (TOML). Without one: the defaults and the environment.",
)


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """Give the command ``--config`` and the settings; faults in them end it with status 1."""

    @config_option
    @wraps(command)
    def wrapper(config: Path | None, *args: P.args, **kwargs: P.kwargs) -> R:
        return command(settings_of(config), *args, **kwargs)

    return wrapper


def settings_of(config: Path | None) -> Settings:
    """The settings of this file; faults in them end the command."""
    try:
        return load_settings(config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def check_user(settings: Settings, user: int) -> None:
    """End the command if the settings have no such user."""
    known = sorted(known.id for known in settings.users)
    if user not in known:
        allowed = ", ".join(map(str, known)) or "none, as the settings have no [[users]]"
        raise click.BadParameter(f"got {user}, allowed: {allowed}", param_hint="--user")
