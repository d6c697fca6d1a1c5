"""``uapid app``: the apps that may use the UAPI, their keys, and the secrets that sign webhooks."""

import json
import time

import click

from api.dates import date_text
from cli.options import check_user, with_settings
from cli.store import opened_store, transaction
from config.settings import Settings
from daemon.apps import (
    App,
    create_app,
    list_apps,
    new_key_secret,
    revoke_app,
    rotate_secret,
    valid_secrets,
)

_NAME_LENGTH = 100
_HOUR = 3600.0
_LONGEST_OVERLAP = 30 * 24


@click.group()
def app() -> None:
    """Create, list and revoke apps, and rotate their secrets."""


@app.command()
@with_settings
@click.option("--user", type=int, required=True, help="Id of the user that the app acts for.")
@click.option("--name", required=True, help="What people know it by.")
def create(settings: Settings, user: int, name: str) -> None:
    """Print a new app as JSON: the key and secret with which it gets tokens, and the secret that
    signs its webhooks. `secret` is shown this once, the store keeps only its hash.
    """
    check_user(settings, user)
    if not name.strip() or not name.isprintable() or len(name) > _NAME_LENGTH:
        allowed = f"1 to {_NAME_LENGTH} characters that print"
        raise click.BadParameter(f"got {name!r}, allowed: {allowed}", param_hint="--name")
    with opened_store(settings) as db, transaction(db):
        made = create_app(db, user, name)
        secret = new_key_secret(db, made.id)
        (webhook_secret,) = valid_secrets(db, made.id, time.time())
    shown = {
        "key": made.id,
        "secret": secret,
        "name": made.name,
        "user": made.user,
        "webhookSecret": webhook_secret,
    }
    click.echo(json.dumps(shown, ensure_ascii=False))


@app.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """Print a line for each app: its key, its user, when it was made or revoked, its name."""
    with opened_store(settings) as db:
        apps = list_apps(db)
    users = {user.id for user in settings.users}
    for known in apps:
        user = "none" if known.user is None else str(known.user)
        if known.user is not None and known.user not in users:
            user += " (not in the settings)"
        click.echo(f"{known.id}  user {user}  {_since(known, settings)}  {known.name}")


def _since(known: App, settings: Settings) -> str:
    if known.revoked is None:
        return f"created {date_text(known.created, settings.node.tzinfo)}"
    return f"revoked {date_text(known.revoked, settings.node.tzinfo)}"


@app.command()
@with_settings
@click.argument("key")
def revoke(settings: Settings, key: str) -> None:
    """Take an app its key and its tokens, and disable its PhoneCallEvents."""
    with opened_store(settings) as db:
        if not revoke_app(db, key):
            raise _no_such_app()


@app.command()
@with_settings
@click.argument("key")
def rotate(settings: Settings, key: str) -> None:
    """Print a new secret for an app; the one before ends at once, tokens of the app stay valid."""
    with opened_store(settings) as db:
        new = new_key_secret(db, key)
    if new is None:
        raise _no_such_app()
    click.echo(new)


@app.command("webhook-secret")
@with_settings
@click.argument("key")
def webhook_secret(settings: Settings, key: str) -> None:
    """Print the secret that signs the app's webhooks; while one is replaced both, the new first."""
    with opened_store(settings) as db:
        secrets = valid_secrets(db, key, time.time())
    if not secrets:
        raise _no_such_app()
    for valid in secrets:
        click.echo(valid)


@app.command("rotate-webhook-secret")
@with_settings
@click.argument("key")
@click.option(
    "--overlap",
    type=click.FloatRange(0, _LONGEST_OVERLAP),
    default=24.0,
    show_default=True,
    help="How many hours the secret that was valid signs along.",
)
def rotate_webhook_secret(settings: Settings, key: str, overlap: float) -> None:
    """Print a new secret, which signs from now on; the one before signs along for a while."""
    with opened_store(settings) as db:
        new = rotate_secret(db, key, overlap * _HOUR, time.time())
    if new is None:
        raise _no_such_app()
    click.echo(new)


def _no_such_app() -> click.ClickException:
    return click.ClickException("there is no such app, or it was revoked; see `uapid app list`")
