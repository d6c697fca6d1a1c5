"""Options that choose deliveries: by state, extension, PhoneCallEvent and time."""

import re
import time
from collections.abc import Callable, Collection
from datetime import datetime
from functools import wraps
from typing import Any

import click

from daemon.events.deliveries import DeliveryState
from daemon.events.selection import Selection

_AGO = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Moment(click.ParamType[float]):
    """A date, or how long ago; to a Unix time."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if ago := _AGO.fullmatch(value):
            return time.time() - int(ago[1]) * _SECONDS[ago[2]]
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(
                f"got {value!r}, allowed: a date with time and offset like "
                "2026-11-22T10:00:00+02:00, or how long ago like 90s, 15m, 2h, 3d",
                param,
                ctx,
            )
        return moment.timestamp()


def with_selection(
    default: frozenset[DeliveryState], allowed: Collection[DeliveryState]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the command these options, and the Selection that they make as ``selection``.

    It has the ``default`` states if no other is named. It is None without any of the options.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--state",
            type=click.Choice([state.value for state in DeliveryState if state in allowed]),
            multiple=True,
            help="Only those in this state; can be given more than once.",
        )
        @click.option("--extension", help="Only those of this extension, such as 0003*210.")
        @click.option("--event", help="Only those of the PhoneCallEvent with this id.")
        @click.option(
            "--since",
            type=Moment(),
            help="Only those that came then or later: 2026-11-22T10:00:00+02:00, or 2h for two "
            "hours ago (s, m, h, d).",
        )
        @click.option("--until", type=Moment(), help="Only those that came before then.")
        @wraps(command)
        def wrapper(
            *args: Any,
            state: tuple[str, ...],
            extension: str | None,
            event: str | None,
            since: float | None,
            until: float | None,
            **options: Any,
        ) -> None:
            selection = None
            if any(given is not None for given in (*state, extension, event, since, until)):
                states = frozenset(map(DeliveryState, state)) or default
                selection = Selection(states, extension, event, since, until)
            command(*args, selection=selection, **options)

        return wrapper

    return decorate
