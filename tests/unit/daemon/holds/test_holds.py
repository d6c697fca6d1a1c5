"""Holds beside a PBX that fails at each step: nobody stays muted, and nothing untrue is told."""

import pytest

from daemon.holds.hold import Confirmed, Failed, NotHoldable
from tests.unit.ami_server import Message
from tests.unit.daemon.holds.pbx import Failure, HoldingPbx, holding_pbx, running_holds
from tests.unit.waiting import until

# Two gains, two formats; the Snoop; its lease (2); its music and its CDR; both voices.
STEPS_OF_HOLD = 11
LEASE_STEP = 5
CDR = "Setvar CDR_PROP(disable)"
# Both voices, the Snoop's handler, its end.
STEPS_OF_RESUME = 4


async def test_the_steps_are_as_many_as_the_tests_below_let_fail() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        assert await daemon.holds.hold(daemon.view(pbx.john)) == Confirmed()
        assert len(pbx.steps) == STEPS_OF_HOLD
        assert pbx.steps[LEASE_STEP] == "Setvar CHANNEL(hangup_handler_wipe)"
        pbx.steps.clear()
        assert await daemon.holds.resume(daemon.view(pbx.john)) == Confirmed()
        assert len(pbx.steps) == STEPS_OF_RESUME


async def test_music_comes_before_silence_and_voices_before_the_end_of_the_music() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        *before, one, other = pbx.steps
        assert one == other == "Setvar VOLUME(RX)"
        assert before[4] == "POST snoop"
        assert before[6] == "Setvar TIMEOUT(absolute)", "nobody would end the music"
        assert "POST moh" in before[7:]
        assert "Setvar VOLUME(RX)" not in before
        pbx.steps.clear()
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.steps[:2] == ["Setvar VOLUME(RX)"] * 2
        assert pbx.steps[-1] == "Hangup"


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("step", range(STEPS_OF_HOLD))
async def test_a_hold_of_which_a_step_fails_is_undone_and_told_to_have_failed(
    step: int, failure: Failure
) -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.gains[pbx.john.uniqueid] = "-2"
        pbx.fails_at, pbx.failure = step, failure
        outcome = await daemon.holds.hold(daemon.view(pbx.john))
        if pbx.steps[step] == CDR and failure is Failure.REFUSED:  # a PBX may have no CDRs
            assert outcome == Confirmed()
            return
        assert isinstance(outcome, Failed)
        assert not daemon.is_holding(pbx.john)
        await until(lambda: pbx.is_clean)
        assert pbx.gains[pbx.john.uniqueid] == "-2"


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("step", range(STEPS_OF_RESUME))
async def test_a_resume_of_which_a_step_fails_goes_on_until_it_is_done(
    step: int, failure: Failure
) -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.gains[pbx.john.uniqueid] = "-2"
        await daemon.holds.hold(daemon.view(pbx.john))
        pbx.steps.clear()
        pbx.fails_at, pbx.failure = step, failure
        outcome = await daemon.holds.resume(daemon.view(pbx.john))
        if isinstance(outcome, Failed):
            assert daemon.is_holding(pbx.john) or pbx.is_clean
        else:
            assert pbx.is_clean, "it was told to be resumed"
        await until(lambda: pbx.is_clean and not daemon.is_holding(pbx.john))
        assert pbx.gains[pbx.john.uniqueid] == "-2"


async def test_two_that_hold_each_other_talk_again_with_the_last_resume() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        both = {pbx.john.uniqueid, pbx.mary.uniqueid}
        for leg in (pbx.john, pbx.mary):
            await daemon.holds.hold(daemon.view(leg))
        await daemon.holds.resume(daemon.view(pbx.john))
        assert not daemon.is_holding(pbx.john)
        assert daemon.is_holding(pbx.mary)
        assert pbx.silenced == both
        await daemon.holds.resume(daemon.view(pbx.mary))
        assert pbx.is_clean


async def test_a_hold_that_fails_while_the_other_holds_leaves_that_one_as_it_is() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        pbx.steps.clear()
        pbx.fails_at = LEASE_STEP
        assert isinstance(await daemon.holds.hold(daemon.view(pbx.mary)), Failed)
        assert daemon.is_holding(pbx.john)
        assert pbx.silenced == {pbx.john.uniqueid, pbx.mary.uniqueid}
        assert len(pbx.snoops) == 1


async def test_a_resume_while_the_hold_is_still_at_work_ends_it() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        view = daemon.view(pbx.john)
        hold, resume = daemon.holds.hold(view), daemon.holds.resume(view)
        assert (await hold, await resume) == (Confirmed(), Confirmed())
        assert not daemon.is_holding(pbx.john)
        assert pbx.is_clean


async def test_a_snoop_that_somebody_ends_ends_the_hold() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        for leg in (pbx.john, pbx.mary):
            await daemon.holds.hold(daemon.view(leg))
        pbx.end_snoop(next(iter(pbx.snoops)))
        await until(lambda: pbx.is_clean)
        await until(lambda: not daemon.is_holding(pbx.john) and not daemon.is_holding(pbx.mary))


async def test_a_codec_that_is_passed_through_is_refused_and_nothing_touched() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.formats = "g729"
        outcome = await daemon.holds.hold(daemon.view(pbx.john))
        assert isinstance(outcome, NotHoldable)
        assert "g729" in outcome.reason
        assert all(step.startswith("Getvar") for step in pbx.steps)


async def test_a_codec_that_was_loaded_since_is_no_reason_to_refuse() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.formats = "g729"
        loaded = [{"name": "codec_g729a.so", "status": "Running"}]
        pbx.ari.answers["/asterisk/modules"] = (200, loaded)
        assert await daemon.holds.hold(daemon.view(pbx.john)) == Confirmed()


async def test_a_pbx_that_plays_no_music_is_told_of() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.music = None
        assert await daemon.holds.hold(daemon.view(pbx.john)) == Confirmed()
        on_hold = daemon.view(pbx.john).on_hold
        assert on_hold is not None
        assert "without music" in on_hold.note


async def test_a_class_that_the_pbx_does_not_have_is_told_of() -> None:
    async with holding_pbx() as pbx, running_holds(pbx, music="x") as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        on_hold = daemon.view(pbx.john).on_hold
        assert on_hold is not None
        assert on_hold.note == "The PBX has no music class music of 0003*210, it plays default."


async def test_a_phone_that_never_sent_a_packet_is_told_of_at_once() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.received, pbx.send = 0, False
        await daemon.holds.hold(daemon.view(pbx.john))
        on_hold = daemon.view(pbx.john).on_hold
        assert on_hold is not None
        assert "sends no RTP" in on_hold.note
        pbx.send = True
        await until(lambda: not daemon.view(pbx.john).on_hold.note)  # type: ignore[union-attr]


async def test_recordings_are_silent_during_a_hold_if_the_settings_say_so() -> None:
    async with holding_pbx() as pbx, running_holds(pbx, mute_recordings=True) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        assert pbx.recordings_muted == {pbx.john.uniqueid, pbx.mary.uniqueid}
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.recordings_muted == set()


async def test_two_that_part_have_their_voices_back() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        bridge, pbx.mary.bridge = pbx.mary.bridge, ""
        pbx.script.fold("BridgeLeave", pbx.script.channel(pbx.mary) | {"BridgeUniqueid": bridge})
        daemon.holds.on_ami_event(
            {"Event": "BridgeLeave", "Uniqueid": pbx.mary.uniqueid, "BridgeUniqueid": bridge}
        )
        await until(lambda: pbx.is_clean and not daemon.is_holding(pbx.john))


async def test_two_that_part_while_the_hold_begins_have_their_voices_back() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        view = daemon.view(pbx.john)
        getvar = pbx.ami.answers["Getvar"]

        def part(action: Message) -> list[Message]:
            if pbx.mary.bridge:
                bridge = pbx.mary.bridge
                pbx.script.leave(pbx.mary)
                daemon.holds.on_ami_event(
                    {
                        "Event": "BridgeLeave",
                        "Uniqueid": pbx.mary.uniqueid,
                        "BridgeUniqueid": bridge,
                    }
                )
            return getvar(action)

        pbx.ami.answers["Getvar"] = part
        await daemon.holds.hold(view)
        await until(lambda: pbx.is_clean and not daemon.is_holding(pbx.john))


async def test_a_hold_outlives_its_daemon() -> None:
    async with holding_pbx() as pbx:
        pbx.gains[pbx.john.uniqueid] = "-2"
        async with running_holds(pbx) as daemon:
            await daemon.holds.hold(daemon.view(pbx.john))
        async with running_holds(pbx) as daemon:
            assert daemon.is_holding(pbx.john)
            assert await daemon.holds.resume(daemon.view(pbx.john)) == Confirmed()
            assert pbx.is_clean
            assert pbx.gains[pbx.john.uniqueid] == "-2"


@pytest.mark.parametrize("missing", range(2))
async def test_a_hold_that_was_cut_short_is_undone_by_the_next_run(missing: int) -> None:
    async with holding_pbx() as pbx:
        async with running_holds(pbx) as daemon:
            await daemon.holds.hold(daemon.view(pbx.john))
        pbx.gains[(pbx.john, pbx.mary)[missing].uniqueid] = ""
        async with running_holds(pbx) as daemon:
            assert not daemon.is_holding(pbx.john)
            await until(lambda: pbx.is_clean)


async def test_a_channel_that_lost_its_voice_unseen_has_it_back_at_the_start() -> None:
    async with holding_pbx() as pbx:
        pbx.gains[pbx.mary.uniqueid] = "-32767"
        async with running_holds(pbx):
            assert pbx.is_clean


def _is_hold_of(pbx: HoldingPbx, snoop: str) -> bool:
    return pbx.snoops[snoop].startswith(f"hold,{pbx.john.uniqueid},{pbx.mary.uniqueid},")


async def test_the_snoop_names_the_two_for_whoever_asks_the_pbx() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        (snoop,) = pbx.snoops
        assert _is_hold_of(pbx, snoop)


async def test_a_hold_without_the_handler_has_no_lease() -> None:
    async with holding_pbx() as pbx:
        pbx.ami.answers["ShowDialPlan"] = lambda _: [
            {"Response": "Error", "Message": "Did not find context uapid"}
        ]
        async with running_holds(pbx) as daemon:
            assert await daemon.holds.hold(daemon.view(pbx.john)) == Confirmed()
            assert "Setvar TIMEOUT(absolute)" not in pbx.steps


async def test_a_silence_that_is_found_at_a_hold_is_not_taken_for_a_gain_to_restore() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.gains[pbx.john.uniqueid] = "-32767"  # somebody else's, or one that came late
        await daemon.holds.hold(daemon.view(pbx.john))
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.is_clean


async def test_a_hold_by_one_who_was_just_connected_to_another_ends_the_former_one_first() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        pbx.gains[pbx.john.uniqueid] = "-2"
        await daemon.holds.hold(daemon.view(pbx.john))
        reception = pbx.script.dial(pbx.john, "reception")
        pbx.script.leave(pbx.mary)
        pbx.script.leave(pbx.john)
        pbx.script.answer(pbx.john, reception, bridge="b2")
        assert await daemon.holds.hold(daemon.view(pbx.john)) == Confirmed()
        assert pbx.silenced == {pbx.john.uniqueid, reception.uniqueid}
        assert len(pbx.snoops) == 1
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.is_clean
        assert pbx.gains[pbx.john.uniqueid] == "-2"


async def test_at_the_stop_the_leases_begin_anew() -> None:
    async with holding_pbx() as pbx:
        async with running_holds(pbx) as daemon:
            await daemon.holds.hold(daemon.view(pbx.john))
            pbx.steps.clear()
        assert pbx.steps == ["Setvar TIMEOUT(absolute)"]


async def test_a_lease_is_renewed_as_long_as_the_hold_lasts() -> None:
    async with holding_pbx() as pbx, running_holds(pbx, lease=2) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        pbx.steps.clear()
        await until(lambda: pbx.steps.count("Setvar TIMEOUT(absolute)") == 2)
        await daemon.holds.resume(daemon.view(pbx.john))
        assert pbx.is_clean


async def test_a_snapshot_without_the_snoop_ends_the_hold() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        pbx.snoops.clear()  # its Hangup was not heard, nor was the end of the handler
        daemon.holds.on_snapshot()
        await until(lambda: pbx.is_clean and not daemon.is_holding(pbx.john))


async def test_a_snoop_that_comes_too_late_for_its_hold_is_taken_away() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        ((snoop, arguments),) = pbx.snoops.items()
        await daemon.holds.resume(daemon.view(pbx.john))
        pbx.snoops[snoop] = arguments
        started = {"type": "StasisStart", "channel": {"id": snoop}, "args": arguments.split(",")}
        daemon.holds.on_ari_event(started)
        await until(lambda: pbx.is_clean)


async def test_after_a_break_a_snoop_of_no_hold_is_taken_away_and_a_lost_one_ends_its_hold() -> (
    None
):
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        ((snoop, arguments),) = pbx.snoops.items()
        del pbx.snoops[snoop]
        pbx.snoops["uapid-hold-of-nobody"] = arguments
        await daemon.holds.compare()
        await until(lambda: pbx.is_clean and not daemon.is_holding(pbx.john))


async def test_recordings_that_a_former_run_silenced_go_on_whatever_the_settings_are_now() -> None:
    async with holding_pbx() as pbx:
        async with running_holds(pbx, mute_recordings=True) as daemon:
            await daemon.holds.hold(daemon.view(pbx.john))
        async with running_holds(pbx) as daemon:
            await daemon.holds.resume(daemon.view(pbx.john))
            assert pbx.recordings_muted == set()


async def test_music_that_ends_by_itself_is_told_of() -> None:
    async with holding_pbx() as pbx, running_holds(pbx) as daemon:
        await daemon.holds.hold(daemon.view(pbx.john))
        (snoop,) = pbx.snoops
        pbx.tell("MusicOnHoldStop", Uniqueid=snoop)
        await until(lambda: "without music" in daemon.view(pbx.john).on_hold.note)  # type: ignore[union-attr]
