"""[hold] of settings that were read again: it is for the next hold."""

import pytest

from config.settings import HoldSettings
from daemon.holds.phone_way import PhoneWay
from tests.unit.daemon.holds.pbx import holding_pbx, running_holds


async def test_the_next_hold_silences_recordings_and_one_in_force_still_ends_as_it_began() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        daemon.holds.take_over(HoldSettings(mute_recordings=True))
        assert pbx.recordings_muted == set()
        await daemon.holds.resume(daemon.view(pbx.john))
        await daemon.holds.hold(daemon.view(pbx.john))
        assert pbx.recordings_muted == {pbx.john.uniqueid, pbx.mary.uniqueid}
        daemon.holds.take_over(HoldSettings())
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.recordings_muted == set()


async def test_phones_are_asked_as_soon_as_the_settings_allow_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    async def hold(_: PhoneWay, holder: object) -> bool:
        asked.append(holder)
        return True

    monkeypatch.setattr(PhoneWay, "hold", hold)
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        await daemon.holds.resume(daemon.view(pbx.john))
        assert not asked
        daemon.holds.take_over(HoldSettings(phone_notify=True))
        await daemon.holds.hold(daemon.view(pbx.john))
        assert len(asked) == 1
