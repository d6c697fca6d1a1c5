"""CallStatus of a leg that hung up."""

from collections.abc import Iterable

from daemon.calls.model import CallStatus, Channel

# DialStatus of AMI's DialEnd, beside the six that are CallStatus values themselves.
_DIAL_STATUS = {
    "ABORT": CallStatus.CANCEL,
    "CONTINUE": CallStatus.ANSWER,
    "GOTO": CallStatus.ANSWER,
}

_USER_BUSY = 17

# Hangup causes of Q.850 as in Asterisk's causes.h; the rest is told apart by who gave up.
_CAUSE = {
    1: CallStatus.CHANUNAVAIL,  # unallocated number
    3: CallStatus.CHANUNAVAIL,  # no route to destination
    _USER_BUSY: CallStatus.BUSY,
    18: CallStatus.NOANSWER,  # no user responding
    19: CallStatus.NOANSWER,
    20: CallStatus.CHANUNAVAIL,  # subscriber absent
    21: CallStatus.CONGESTION,  # call rejected
    34: CallStatus.CONGESTION,
    38: CallStatus.CONGESTION,
    42: CallStatus.CONGESTION,
}

# What a Dial() of several phones comes to: the first of these that one of them came to.
_BEST_FIRST = (
    CallStatus.ANSWER,
    CallStatus.CANCEL,
    CallStatus.NOANSWER,
    CallStatus.BUSY,
    CallStatus.CONGESTION,
    CallStatus.CHANUNAVAIL,
)


def hangup_status(channel: Channel, cause: int | None) -> CallStatus:
    """How the leg ended; ``cause`` is the Cause of its Hangup event, None if it was not seen.

    An answered leg is ANSWER whoever hung up. Else a dialled leg has its own DialStatus, one that
    dialled has what its Dial() came to, and where neither is known the cause decides. Of a leg
    whose end was not seen only that is known: that no answer was seen.
    """
    if channel.answered is not None:
        return CallStatus.ANSWER
    # To Queue() an agent that is busy is one that did not answer.
    if channel.dial_status == "NOANSWER" and cause == _USER_BUSY:
        return CallStatus.BUSY
    statuses = channel.outcomes if channel.originator else {channel.dial_status}
    known = _known(statuses)
    if known:
        return min(known, key=_BEST_FIRST.index)
    if cause is None:
        return CallStatus.NOANSWER
    return _CAUSE.get(cause, CallStatus.CANCEL)


def _known(statuses: Iterable[str]) -> list[CallStatus]:
    values = set(_BEST_FIRST)
    translated = [_DIAL_STATUS.get(status, status) for status in statuses]
    return [CallStatus(status) for status in translated if status in values]
