"""What the PBX has, as it tells when asked. Each raises PbxError.

A module that is not loaded has nothing: that is no failure.
"""

from panoramisk.message import Message

from daemon.pbx.ami import AmiLine, is_about_rights
from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxRefused


async def endpoints(ari: AriLine) -> frozenset[str]:
    """The names of the PJSIP endpoints."""
    found = await ari.call("endpoints", "list")
    return frozenset(one["resource"] for one in found if one["technology"] == "PJSIP")


async def queues(ami: AmiLine) -> frozenset[str]:
    return frozenset(one["Queue"] for one in await _list(ami, "QueueSummary"))


async def parking_lots(ami: AmiLine) -> frozenset[str]:
    return frozenset(one["Name"] for one in await _list(ami, "Parkinglots"))


async def contexts(ami: AmiLine) -> frozenset[str]:
    """The contexts of the dialplan that have an extension ``s``, as those of IVRs do.

    Of all others the PBX is not asked: a dialplan may be long.
    """
    found = await _list(ami, "ShowDialPlan", Extension="s")
    return frozenset(one["Context"] for one in found if one.event == "ListDialplan")


async def _list(ami: AmiLine, action: str, **headers: str) -> list[Message]:
    try:
        return await ami.list_action(action, **headers)
    except PbxRefused as error:
        if is_about_rights(error):
            raise
        return []  # the action is not known, or there is nothing to list
