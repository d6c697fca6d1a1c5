from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from api.dates import date_text

BUCHAREST = ZoneInfo("Europe/Bucharest")


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2012, 6, 27, 13, 8, 55, tzinfo=UTC), "2012-06-27T16:08:55+03:00"),
        (datetime(2012, 1, 27, 13, 8, 55, tzinfo=UTC), "2012-01-27T15:08:55+02:00"),
        (datetime(2012, 6, 27, 13, 8, 55, 999_999, UTC), "2012-06-27T16:08:55+03:00"),
        (datetime(2012, 10, 28, 0, 30, tzinfo=UTC), "2012-10-28T03:30:00+03:00"),
        (datetime(2012, 10, 28, 1, 30, tzinfo=UTC), "2012-10-28T03:30:00+02:00"),
        (datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC), "1970-01-01T01:59:58+02:00"),
    ],
)
def test_a_date_is_of_the_zone_in_whole_seconds_that_are_over(moment: datetime, shown: str) -> None:
    for offset in (0, 9, -11):
        seen_elsewhere = moment.astimezone(timezone(timedelta(hours=offset)))
        assert date_text(seen_elsewhere, BUCHAREST) == shown


def test_a_date_without_a_zone_is_of_the_machine() -> None:
    moment = datetime(2012, 6, 27, 13, 8, 55, tzinfo=UTC)
    shown = datetime.fromisoformat(date_text(moment, None))
    assert shown == moment
    assert shown.utcoffset() == moment.astimezone().utcoffset()
