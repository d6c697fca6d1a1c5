"""Dates of the UAPI: RFC 3339 with offset, whole seconds, ``2012-06-27T16:08:55+03:00``."""

import math
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


def date_text(moment: datetime, zone: ZoneInfo | None) -> str:
    """An aware moment as the UAPI writes it; without a zone in that of the machine."""
    return _second_text(math.floor(moment.timestamp()), zone)


@lru_cache(maxsize=4096)  # a call is shown again and again, and much is made within one second
def _second_text(second: int, zone: ZoneInfo | None) -> str:
    return datetime.fromtimestamp(second, UTC).astimezone(zone).isoformat(timespec="seconds")


def read_date(text: str, zone: ZoneInfo | None) -> datetime | None:
    """The aware moment that a client means, None if it is no date.

    A date without offset is of the zone. A ``+`` that nobody percent-encoded arrives in a query
    as a space; it is read as the ``+`` it was.
    """
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=zone) if zone else moment.astimezone()
    except (ValueError, OverflowError):
        return None
