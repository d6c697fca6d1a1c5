"""``uapid deliveries``: what was sent to apps, what waits, and having it sent again."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence

import click
from sqlite_utils import Database

from api.delivery_json import counts_json, delivery_json
from cli.delivery_lines import counts_lines, list_lines, show_lines
from cli.options import with_settings
from cli.selecting import with_selection
from cli.store import opened_store, transaction
from config.settings import Settings
from daemon.events import replay, sight
from daemon.events.deliveries import DeliveryState
from daemon.events.replay import Replay
from daemon.events.selection import MISSED, ROWS_AT_ONCE, Selection, count, walk

MAX_LISTED = 10_000
# Between two transactions, so that a daemon that runs finds the store free most of the time.
_PAUSE = 0.02
_ALL = frozenset(DeliveryState)
_ENDED = frozenset({DeliveryState.DELIVERED, DeliveryState.DEAD})

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def deliveries() -> None:
    """See what was sent to apps and what waits, send it again, delete it."""


@deliveries.command("list")
@with_settings
@with_selection(_ALL, allowed=_ALL)
@click.option("--limit", type=click.IntRange(1, MAX_LISTED), default=20, show_default=True)
@click.option("--oldest", is_flag=True, help="The oldest first, not the newest.")
@_json
def list_(
    settings: Settings, selection: Selection | None, limit: int, oldest: bool, as_json: bool
) -> None:
    """Print a line for each delivery, the newest first: its id, its state, how it stands."""
    with opened_store(settings) as db:
        found = sight.find(db, selection or Selection(), newest_first=not oldest, limit=limit)
    zone = settings.node.tzinfo
    if as_json:
        _print_json([delivery_json(each, zone) for each in found])
    else:
        _print(list_lines(found, zone))


@deliveries.command()
@with_settings
@click.argument("id")
@_json
def show(settings: Settings, id: str, as_json: bool) -> None:
    """Print all about one delivery, named by its id (the webhook-id), and its attempts."""
    with opened_store(settings) as db:
        found = sight.show(db, id)
    if found is None:
        raise click.ClickException(_unknown(id))
    if as_json:
        _print_json(delivery_json(found[0], settings.node.tzinfo, attempts=found[1]))
    else:
        _print(show_lines(*found, settings.node.tzinfo))


@deliveries.command("count")
@with_settings
@_json
def count_(settings: Settings, as_json: bool) -> None:
    """Print how many there are in each state, and when the oldest that waits came."""
    with opened_store(settings) as db:
        counts = sight.counts(db)
    if as_json:
        _print_json(counts_json(counts, settings.node.tzinfo))
    else:
        _print(counts_lines(counts, settings.node.tzinfo))


@deliveries.command()
@with_settings
@click.argument("ids", nargs=-1, metavar="[ID]...")
@with_selection(MISSED, allowed=MISSED)
def retry(settings: Settings, ids: tuple[str, ...], selection: Selection | None) -> None:
    """Put deliveries back into the queue: those named by their ids, delivered ones too, or all
    failed and dead ones that the options choose.

    Each keeps its id and gets the whole schedule again. A daemon that runs sees them within 5 s.
    """
    if bool(ids) is (selection is not None):
        raise click.UsageError(
            "name deliveries by their ids, or choose them with --state, --extension, --event, "
            "--since or --until"
        )
    outcomes: Counter[Replay] = Counter()
    with opened_store(settings) as db:
        try:
            if selection is None:
                unknown = _retry_named(db, ids, outcomes)
            else:
                unknown = []
                _retry_chosen(db, selection, outcomes)
        finally:
            _tell(outcomes)
    if unknown:
        raise click.ClickException("\n".join(map(_unknown, unknown)))


def _retry_named(db: Database, ids: Sequence[str], outcomes: Counter[Replay]) -> list[str]:
    """Returns the ids that there are not."""
    unknown: list[str] = []
    for start in range(0, len(ids), ROWS_AT_ONCE):
        with transaction(db):
            replays = replay.retry(db, ids[start : start + ROWS_AT_ONCE], time.time())
        outcomes.update(replays.found.values())
        unknown += [id for id, what in replays.found.items() if what is Replay.UNKNOWN]
    return unknown


def _retry_chosen(db: Database, selection: Selection, outcomes: Counter[Replay]) -> None:
    now = time.time()
    for seqs in walk(db, selection):
        with transaction(db):
            replays = replay.retry_missed(db, seqs, now)
        outcomes.update(replays.found.values())
        time.sleep(_PAUSE)


def _tell(outcomes: Counter[Replay]) -> None:
    click.echo(f"{_many(outcomes[Replay.QUEUED] + outcomes[Replay.WAITS])} put back into the queue")
    for outcome, story in (
        (Replay.WAITS, "of them: sent when their event is enabled"),
        (Replay.PENDING, "left as they are: they wait for their first attempt"),
        (Replay.ORPHANED, "not put back: their event is deleted"),
    ):
        if outcomes[outcome]:
            click.echo(f"{outcomes[outcome]} {story}")


@deliveries.command()
@with_settings
@with_selection(_ENDED, allowed=_ALL)
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(settings: Settings, selection: Selection | None, yes: bool) -> None:
    """Delete deliveries and their attempts: the delivered and dead ones that the options choose,
    all of them without options. Those that still wait are deleted only if --state names them.
    """
    selection = selection or Selection(_ENDED)
    with opened_store(settings) as db:
        if not yes:
            click.confirm(f"Delete {_many(count(db, selection))}?", abort=True)
        deleted = 0
        try:
            for seqs in walk(db, selection):
                with transaction(db):
                    deleted += replay.purge(db, seqs, selection.states, time.time())
                time.sleep(_PAUSE)
        finally:
            click.echo(f"{_many(deleted)} deleted")


def _many(number: int) -> str:
    return "1 delivery" if number == 1 else f"{number} deliveries"


def _unknown(id: str) -> str:
    return f"there is no delivery {id!r}; see `uapid deliveries list`"


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2))
