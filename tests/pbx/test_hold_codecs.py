"""Hold where the two phones do not both speak u-law. All rows go on at the same time."""

from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.pairs import Pair, all_of, holders


async def test_who_speaks_another_codec_is_held_if_the_pbx_can_decode_it(
    app: Client, plug_in: PlugIn
) -> None:
    await all_of(
        {
            "G.729 that the PBX passes through": refused(app, plug_in),
            "u-law holds A-law": each_speaks_its_own(app, plug_in, "0003*110", "0003*152"),
            "A-law holds u-law": each_speaks_its_own(app, plug_in, "0003*153", "0003*111"),
        }
    )


async def refused(app: Client, plug_in: PlugIn) -> None:
    """It is not said to be held, as both would go on hearing each other."""
    pair = await Pair.talking(app, plug_in, "0003*150", "0003*151")
    for by in (pair.one, pair.two):
        answer = await pair.hold(by)
        assert answer.status == 400, answer
        assert answer.body["error"]["code"] == "pc_phonecallview_invalid"
        assert "g729" in answer.body["error"]["message"].lower()
    assert await pair.gains() == ("", "")
    assert await pair.snoops() == []
    await pair.shows(None, None)
    # The phones take no other payload than that of G.729.
    await pair.hear_each_other()
    await pair.goes_on()


async def each_speaks_its_own(app: Client, plug_in: PlugIn, caller: str, called: str) -> None:
    pair = await Pair.talking(app, plug_in, caller, called)
    answer = await pair.hold()
    assert answer.status == 200, answer
    assert holders(answer.body) == ("uapid", None)
    await pair.hear(".", "M")
    assert (await pair.resume()).status == 200
    await pair.nothing_is_left()
    await pair.hear_each_other()
    await pair.goes_on()
