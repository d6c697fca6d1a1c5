"""Every kind of call on the real PBX: what apps see at each step, and what they are told."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.receiver import Receiver, as_it_happened
from tests.pbx.test_events import register_all
from tests.pbx.uapid import Uapid
from tests.plays import FAMILIES, Play, name_of
from tests.plays.replay import expected
from tests.plays.stage import Stage
from tests.plays.telling import Telling, Told

EXTENSIONS = (
    *("0003*210", "0003*211", "0003*024", "0003*025"),
    *("0003*610", "0003*611", "0003*612", "0003*613", "0003*614"),
    *("0003*700", "0003*701", "0003*702", "0003*800"),
)
PATIENCE = 5.0


class AppStage(Stage):
    """A stage whose steps are what an app sees."""

    def __init__(self, pbx: Asterisk, app: Client, expected: str) -> None:
        super().__init__(pbx)
        self.telling = Telling()
        self._app = app
        self._expected = expected

    async def step(self, name: str) -> None:
        """Waits until the app sees what it is to see; what it sees else shows at the end."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            seen = self.telling.with_step(name, await self._app.calls())
            if self._is_expected(seen.steps()):
                break
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)
        self.telling = seen

    def _is_expected(self, steps: str) -> bool:
        """Whether that is all that is to be seen so far: no call and no view is missing."""
        rest = self._expected.removeprefix(steps)
        return self._expected.startswith(steps) and not rest.startswith(" ")


@pytest.mark.parametrize("plays", FAMILIES.values(), ids=FAMILIES)
async def test_apps_see_what_was_approved(
    asterisk: Asterisk,
    uapid: Uapid,
    app: Client,
    receiver: Receiver,
    plays: Sequence[Play],
    subtests: pytest.Subtests,
) -> None:
    for extension in EXTENSIONS:
        await register_all(app, extension)
    for play in plays:
        name = name_of(play)
        with subtests.test(play=name):
            receiver.received.clear()
            async with AppStage(asterisk, app, expected(name)) as stage:
                await play(stage)
                await uapid.until_all_is_over()
            assert stage.telling.text(told(receiver, uapid)) == expected(name)
        asterisk.hang_up_all()


def told(receiver: Receiver, uapid: Uapid) -> list[Told]:
    """What the app was told, in the order in which the daemon recorded it."""
    return [
        Told(extension, int(type), webhook.parameters)
        for webhook in as_it_happened(receiver.received, uapid.store)
        for extension, type in [webhook.path.removeprefix("/").split("/")]
    ]
