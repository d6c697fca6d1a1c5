"""What numbers are called on the PBX, and what number has a name there. Pure.

``[[extensions]]`` come first, then the patterns of the organizations, each with its prefix.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.settings import Settings
from daemon.beginnings import ByBeginning


class Kind(StrEnum):
    """What the PBX has: what an extension can be there, and parking lots, which are none."""

    TERMINAL = "terminal"
    QUEUE = "queue"
    CONFERENCE = "conference"
    IVR = "ivr"
    PARKING_LOT = "parking lot"


@dataclass(frozen=True, slots=True)
class PbxName:
    """``name`` is an endpoint with its technology, a queue, a conference or a context."""

    kind: Kind
    name: str


ENDPOINTS = "PJSIP/"

# The keys of an organization, in the order in which a number that could be several is taken.
_KEYS = {
    Kind.TERMINAL: "endpoints",
    Kind.QUEUE: "queues",
    Kind.CONFERENCE: "conferences",
    Kind.IVR: "ivrs",
}


class KindOfNames:
    """The names of one kind of thing, and the numbers that they stand for."""

    def __init__(self, kind: Kind, settings: Settings, listed: Mapping[str, PbxName]) -> None:
        self._before = ENDPOINTS if kind is Kind.TERMINAL else ""
        self._every_listed = listed
        self.listed = {one.name: number for number, one in listed.items() if one.kind is kind}
        self.patterns = {
            organization.prefix: organization.names(_KEYS[kind])
            for organization in settings.organizations
            if organization.prefix is not None
        }
        self._by_beginning = ByBeginning(
            (self._before + pattern.beginning, (pattern, prefix))
            for prefix, patterns in self.patterns.items()
            for pattern in patterns
        )

    @property
    def has_patterns(self) -> bool:
        """Whether an organization has such things by a pattern."""
        return any(self.patterns.values())

    def number_of(self, name: str) -> str | None:
        """The number of what has this name, None if it is no extension."""
        number = self.listed.get(name)
        if number is not None:
            return number
        for pattern, prefix in self._by_beginning.candidates(name):
            short = pattern.short_of(name[len(self._before) :])
            if short is not None:
                number = f"{prefix}*{short}"
                return None if number in self._every_listed else number
        return None

    def names_of(self, number: str) -> Iterator[str]:
        """The names that a number has by the patterns."""
        prefix, _, short = number.rpartition("*")
        for pattern in self.patterns.get(prefix, ()):
            name = pattern.name_of(short)
            if name is not None and self._before + name not in self.listed:
                yield self._before + name


class PbxNames:
    """The settings' way between numbers and names."""

    def __init__(self, settings: Settings) -> None:
        self._listed = {
            one.number: PbxName(Kind(one.type), one.pbx_name) for one in settings.extensions
        }
        self.every_listed = frozenset(self._listed)
        self.of = {kind: KindOfNames(kind, settings, self._listed) for kind in _KEYS}

    def listed(self, number: str) -> PbxName | None:
        """What ``[[extensions]]`` says that a number is."""
        return self._listed.get(number)

    def names_of(self, number: str) -> Iterator[PbxName]:
        """What a number that is not listed may be, the likeliest first."""
        for kind, names in self.of.items():
            for name in names.names_of(number):
                yield PbxName(kind, name)

    @property
    def kinds(self) -> frozenset[Kind]:
        """What kinds of extensions these settings can have."""
        return frozenset(
            kind for kind, names in self.of.items() if names.listed or names.has_patterns
        )
