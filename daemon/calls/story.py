"""What an operator reads of a call in the log. Pure."""

from daemon.calls.model import CallChange, ChangeKind, Direction, Seen

_SEEN = {
    Seen.LIVE: "",
    Seen.LATE: " (seen late, in a list that the PBX gave)",
    Seen.RECONSTRUCTED: " (concluded from a list that the PBX gave)",
}


def story(change: CallChange) -> str:
    """What has happened to which leg, in a sentence for the log."""
    return _what_happened(change) + _SEEN[change.seen]


def _what_happened(change: CallChange) -> str:
    leg = f"{change.extension or 'a leg outside'} (channel {change.channel})"
    parties = change.parties
    match change.kind, change.direction:
        case ChangeKind.DIAL, Direction.OUT:
            return f"{leg} calls {parties.called_number}"
        case ChangeKind.DIAL, Direction.IN:
            return f"{leg} is called by {parties.caller_number or 'a hidden number'}"
        case ChangeKind.ANSWER, _:
            return f"{leg} is answered"
    return f"{leg} has ended: {change.status}"
