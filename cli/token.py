"""``uapid token``: bearer tokens of apps."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlite_utils import Database

from cli.options import with_settings
from config.settings import Settings
from daemon.store import StoreError, open_database
from daemon.tokens import create_token, list_tokens, revoke_token


@click.group()
def token() -> None:
    """Create, list and revoke the tokens that apps send."""


@token.command()
@with_settings
@click.option("--user", type=int, required=True, help="Id of the user that the app acts for.")
def create(settings: Settings, user: int) -> None:
    """Print a new token; it is shown this once, the store keeps only its hash."""
    known = sorted(known.id for known in settings.users)
    if user not in known:
        allowed = ", ".join(map(str, known)) or "none, as the settings have no [[users]]"
        raise click.BadParameter(f"got {user}, allowed: {allowed}", param_hint="--user")
    with _open(settings) as db:
        click.echo(create_token(db, user))


@token.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """Print a line for each token: its id, its user, when it was made."""
    with _open(settings) as db:
        tokens = list_tokens(db)
    for known in tokens:
        created = known.created.astimezone(settings.node.tzinfo).isoformat(timespec="seconds")
        click.echo(f"{known.id}  user {known.user}  created {created}")


@token.command()
@with_settings
@click.argument("token_or_id")
def revoke(settings: Settings, token_or_id: str) -> None:
    """Revoke a token, named by itself or by its id as `uapid token list` shows it."""
    with _open(settings) as db:
        revoked = revoke_token(db, token_or_id)
    if not revoked:
        raise click.ClickException("there is no such token; see `uapid token list`")


@contextmanager
def _open(settings: Settings) -> Iterator[Database]:
    try:
        db = open_database(settings.store.path)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield db
    finally:
        db.close()
