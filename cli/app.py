"""``uapid app``: the apps that hold tokens, and the secrets that sign what they are sent."""

import json
import time

import click

from api.dates import date_text
from cli.options import check_user, with_settings
from cli.store import opened_store
from config.settings import Settings
from daemon.apps import create_app, list_apps, rotate_secret, valid_secrets

_NAME_LENGTH = 100
_HOUR = 3600.0
_LONGEST_OVERLAP = 30 * 24


@click.group()
def app() -> None:
    """Create and list apps, show and rotate their signing secrets."""


@app.command()
@with_settings
@click.option("--user", type=int, required=True, help="Id of the user that the app acts for.")
@click.option("--name", required=True, help="What people know it by.")
def create(settings: Settings, user: int, name: str) -> None:
    """Print a new app as JSON, with the secret that signs its webhooks."""
    check_user(settings, user)
    if not name.strip() or not name.isprintable() or len(name) > _NAME_LENGTH:
        allowed = f"1 to {_NAME_LENGTH} characters that print"
        raise click.BadParameter(f"got {name!r}, allowed: {allowed}", param_hint="--name")
    with opened_store(settings) as db:
        made = create_app(db, user, name)
        (secret,) = valid_secrets(db, made.id, time.time())
    shown = {"id": made.id, "name": made.name, "user": made.user, "webhookSecret": secret}
    click.echo(json.dumps(shown, ensure_ascii=False))


@app.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """Print a line for each app: its id, its user, when it was made, its name."""
    with opened_store(settings) as db:
        apps = list_apps(db)
    for known in apps:
        user = "none" if known.user is None else known.user
        created = date_text(known.created, settings.node.tzinfo)
        click.echo(f"{known.id}  user {user}  created {created}  {known.name}")


@app.command()
@with_settings
@click.argument("id")
def secret(settings: Settings, id: str) -> None:
    """Print the secret that signs the app's webhooks; while one is replaced both, the new first."""
    with opened_store(settings) as db:
        secrets = valid_secrets(db, id, time.time())
    if not secrets:
        raise _no_such_app()
    for valid in secrets:
        click.echo(valid)


@app.command("rotate-secret")
@with_settings
@click.argument("id")
@click.option(
    "--overlap",
    type=click.FloatRange(0, _LONGEST_OVERLAP),
    default=24.0,
    show_default=True,
    help="How many hours the secret that was valid signs along.",
)
def rotate(settings: Settings, id: str, overlap: float) -> None:
    """Print a new secret, which signs from now on; the one before signs along for a while."""
    with opened_store(settings) as db:
        new = rotate_secret(db, id, overlap * _HOUR, time.time())
    if new is None:
        raise _no_such_app()
    click.echo(new)


def _no_such_app() -> click.ClickException:
    return click.ClickException("there is no such app; see `uapid app list`")
