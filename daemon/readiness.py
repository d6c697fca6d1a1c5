"""Whether the daemon can do its work now, for who asks and for systemd."""

from dataclasses import dataclass

from daemon.pbx.line import LineState, LineStatus


@dataclass(frozen=True, slots=True)
class Readiness:
    """``lines`` by name (AMI, ARI); ready is when all are up and it is known what is on the PBX."""

    lines: dict[str, LineStatus]
    truth_known: bool

    @property
    def ready(self) -> bool:
        return self.truth_known and not self._unusable

    @property
    def story(self) -> str:
        """How each line stands: ``AMI up, ARI refused: http://…: HTTP status 401 …``."""
        return ", ".join(self._unusable.get(name, f"{name} up") for name in self.lines)

    @property
    def obstacle(self) -> str:
        """What keeps the daemon from its work, "" if it is ready."""
        if self._unusable:
            return ", ".join(self._unusable.values())
        return "" if self.truth_known else "the PBX has not told its channels yet"

    @property
    def _unusable(self) -> dict[str, str]:
        return {
            name: f"{name} {status.state}: {status.reason}"
            for name, status in self.lines.items()
            if status.state is not LineState.UP
        }
