"""Whether the daemon can do its work now, for who asks and for systemd."""

from dataclasses import dataclass

from daemon.pbx.line import LineState, LineStatus


@dataclass(frozen=True, slots=True)
class Readiness:
    """``lines`` by name (AMI, ARI); ready is when all are up, it is known what is on the PBX, and
    the store can be written.

    ``store_trouble`` is why it cannot; meanwhile ``held`` events and outcomes are in memory.
    """

    lines: dict[str, LineStatus]
    truth_known: bool
    store_trouble: str | None
    held: int

    @property
    def ready(self) -> bool:
        return self.truth_known and not self._unusable and self.store_trouble is None

    @property
    def story(self) -> str:
        """How each line stands: ``AMI up, ARI refused: http://…: HTTP status 401 …``, and the
        store if it is in trouble."""
        lines = [self._unusable.get(name, f"{name} up") for name in self.lines]
        if self.store_trouble is None:
            return ", ".join(lines)
        return ", ".join([*lines, f"store failing: {self.store_trouble}"])

    @property
    def pbx_obstacle(self) -> str:
        """Why the PBX cannot be used, "" if it can."""
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
