"""Any number of two-party calls: a recorded one, told with other channels and extensions."""

from collections.abc import Sequence

from config.people import User
from config.settings import Settings
from tests.plays.retold import Retold

# Whose phones the calls are between; they are all of one user.
EXTENSIONS = [f"0003*{number:05d}" for number in range(40_000)]
PATTERN = "_0003*XXXXX"
SETTINGS = Settings(users=(User(id=12, name="John Doe", extensions=(PATTERN,)),))


class Calls:
    """The calls of a PBX, as AMI's class call tells them, by number from 0.

    Each is between two ``extensions`` of its own, until there are no more of them.
    """

    def __init__(self, extensions: Sequence[str] = EXTENSIONS) -> None:
        self._extensions = extensions
        self._play = Retold("answered-and-ended-by-the-caller")
        self._answered = self._play.steps.index("talking") + 1

    def begin(self, number: int) -> bytes:
        """Until it is answered and both are in their bridge."""
        return self._told(slice(self._answered), number)

    def end(self, number: int) -> bytes:
        """It is hung up."""
        return self._told(slice(self._answered, None), number)

    def called_channel(self, number: int) -> str:
        """Uniqueid of the channel of who is called."""
        return self._play.uniqueid(1, 2 * number)

    def _told(self, steps: slice, number: int) -> bytes:
        legs = enumerate(self._play.legs, 2 * number)
        phones = {leg: self._extensions[place % len(self._extensions)] for place, leg in legs}
        return self._play.events(steps, 2 * number, phones)
