"""Every kind of call, played on the real PBX by robot phones, step by step.

A play is a function that takes a Stage, plugs in phones, and goes through one call (or some that
belong together) until all have been hung up the way people do it. It says `await
stage.step("talking")` wherever the call has come to rest. It asserts nothing: what a step means is
the stage's concern. The stage of tests.plays.record writes down what AMI says; a test's stage
compares what the API shows. Each play ends with `await stage.over()`, the step "over", when the
PBX has no channel left.

There is a module for each family of calls; PLAYS has all plays by name, which is also the name of
the recording: `blind-transfer-by-the-caller` is recorded in
tests/recordings/calls/blind-transfer-by-the-caller.ami.gz.

In the plays Ana is 0003*210, Bob 0003*211, Cleo 0003*024 and Dan 0003*025; the other numbers they
call are explained in tests/pbx/asterisk/extensions.conf.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from tests.plays import (
    forwarding,
    groups,
    originated,
    parking,
    plain,
    queues,
    rooms,
    several,
    transfers,
    transfers_by_the_pbx,
    trunk,
)
from tests.plays.stage import Stage

Play = Callable[[Stage], Awaitable[None]]

_FAMILIES = (
    plain,
    trunk,
    forwarding,
    groups,
    transfers,
    transfers_by_the_pbx,
    queues,
    rooms,
    parking,
    originated,
    several,
)

FAMILIES: Mapping[str, Sequence[Play]] = {
    family.__name__.rpartition(".")[2].replace("_", "-"): family.PLAYS for family in _FAMILIES
}


def name_of(play: Play) -> str:
    """The name of a play, which its recording and what apps are to see of it bear too."""
    return play.__name__.replace("_", "-")


PLAYS: Mapping[str, Play] = {name_of(play): play for plays in FAMILIES.values() for play in plays}
