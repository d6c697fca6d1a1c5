"""``uapid token``: bearer tokens of apps."""

from datetime import UTC, datetime

import click
from sqlite_utils import Database

from api.dates import date_text
from cli.options import check_user, with_settings
from cli.store import opened_store, transaction
from config.settings import Settings
from daemon.apps import default_app, list_apps
from daemon.tokens import create_token, list_tokens, revoke_token


@click.group()
def token() -> None:
    """Create, list and revoke the tokens that apps send."""


@token.command()
@with_settings
@click.option("--user", type=int, required=True, help="Id of the user that the app acts for.")
@click.option("--app", help="Id of the app that gets it; default: the user's app named default.")
def create(settings: Settings, user: int, app: str | None) -> None:
    """Print a new token, which is valid until it is revoked; it is shown this once, the store
    keeps only its hash.
    """
    check_user(settings, user)
    with opened_store(settings) as db, transaction(db):
        new = create_token(db, user, _app_of(db, user, app))
    click.echo(new)


def _app_of(db: Database, user: int, app: str | None) -> str:
    if app is None:
        return default_app(db, user).id
    known = [known.id for known in list_apps(db) if known.user == user and not known.revoked]
    if app not in known:
        allowed = ", ".join(known) or "none, as the user has no app"
        raise click.BadParameter(f"got {app}, allowed: {allowed}", param_hint="--app")
    return app


@token.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """Print a line for each token: its id, its user and app, when it was made and when it ends."""
    with opened_store(settings) as db:
        tokens = list_tokens(db)
    for known in tokens:
        created = date_text(known.created, settings.node.tzinfo)
        end = "never"
        if known.expires is not None:
            end = date_text(datetime.fromtimestamp(known.expires, UTC), settings.node.tzinfo)
        told = f"{known.id}  user {known.user}  app {known.app}  created {created}  expires {end}"
        click.echo(told)


@token.command()
@with_settings
@click.argument("token_or_id")
def revoke(settings: Settings, token_or_id: str) -> None:
    """Revoke a token, named by itself or by its id as `uapid token list` shows it."""
    with opened_store(settings) as db:
        revoked = revoke_token(db, token_or_id)
    if not revoked:
        raise click.ClickException("there is no such token; see `uapid token list`")
