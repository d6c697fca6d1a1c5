"""The calls of a user, an organization and everybody, as legs come and go."""

from config.people import Organization, User
from config.settings import Settings
from daemon.calls.live import LiveCalls
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from tests.unit.daemon.calls.pbx_script import Script, held_by_phone
from tests.unit.daemon.people import JOHN, MARY

SETTINGS = Settings(
    organizations=(Organization(id="3", name="Three", prefix="0003"),),
    users=(
        User(id=1, name="Root", role="administrator"),
        User(id=3, name="Office", organization="3", role="organization"),
        User(id=12, name="John", organization="3", extensions=(JOHN,)),
        User(id=13, name="Mary", organization="3", extensions=(MARY,)),
        User(id=14, name="Other", extensions=("0009*100",)),
    ),
)


class Pbx:
    """A PBX whose calls are asked for."""

    def __init__(self) -> None:
        self.directory = Directory(SETTINGS)
        self.script = Script(Tracker("pbx", self.directory))
        self.calls = LiveCalls(
            self.script.tracker.live, self.directory, held_by_phone, lambda: None
        )

    def calls_of(self, user_id: int) -> int:
        user = self.directory.user(user_id)
        assert user is not None
        return len(self.calls.usable_by(user))

    def of_all(self) -> list[int]:
        return [self.calls_of(user.id) for user in SETTINGS.users]


def test_a_call_is_there_for_whom_it_concerns_as_long_as_it_lives() -> None:
    pbx = Pbx()
    john, mary = pbx.script.talk(JOHN, "220", MARY)
    assert pbx.of_all() == [1, 1, 1, 1, 0], "one call, though both legs are of the organization"
    second = pbx.script.place(MARY, "0213334444")
    assert pbx.of_all() == [2, 2, 1, 2, 0]
    pbx.script.hang_up(mary, john)
    assert pbx.of_all() == [1, 1, 0, 1, 0]
    pbx.script.hang_up(second)
    assert pbx.of_all() == [0, 0, 0, 0, 0]


def test_a_call_between_trunks_is_of_nobody() -> None:
    pbx = Pbx()
    pbx.script.place("trunk", "0213334444", number="0040")
    assert pbx.of_all() == [0, 0, 0, 0, 0]


def test_new_owners_have_the_calls_that_are_live_already() -> None:
    pbx = Pbx()
    pbx.script.talk(JOHN, "220", MARY)
    users = tuple(
        user.model_copy(update={"extensions": {12: (), 14: (JOHN,)}.get(user.id, user.extensions)})
        for user in SETTINGS.users
    )
    pbx.directory.take_over(SETTINGS.model_copy(update={"users": users}))
    assert pbx.of_all() == [1, 1, 0, 1, 1]
