"""Users, organizations and extensions, and what an extension is on the PBX.

A number is an extension if the settings list it, if the PBX has an endpoint, a queue or an IVR of
a name that the patterns of an organization make it, or if a user owns it and the PBX has a PJSIP
endpoint of that very name. Conferences are on the PBX only while somebody is in them: a number that
fits the pattern of one is one. As long as a kind was never read from the PBX, what fits counts as
being there, so that work on PhoneCallEvents goes on without the PBX.
"""

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from config.people import Organization
from config.settings import Settings
from daemon.calls.ami_fields import device_of
from daemon.pbx_names import ENDPOINTS, Kind, PbxName, PbxNames
from daemon.people import People, User

# Apps ask for the same few extensions again and again.
_REMEMBERED = 4096


class Directory:
    """Answers who owns and may use a number, and which extension a channel belongs to.

    Nothing here walks all extensions: to ask costs the same whatever the PBX has.
    """

    def __init__(self, settings: Settings, endpoints: Collection[str] | None = None) -> None:
        self._found: dict[Kind, frozenset[str]] = {}
        self._watchers: list[Callable[[], None]] = []
        self._on_pbx = lru_cache(_REMEMBERED)(self._look_on_pbx)
        self.take_over(settings)
        if endpoints is not None:
            self.learn(Kind.TERMINAL, endpoints)

    def take_over(self, settings: Settings) -> None:
        """Go by these settings from now on; what the PBX has told stays."""
        people, names = People(settings), PbxNames(settings)
        self._music = settings.hold.music
        self._music_of = {extension.number: extension.music for extension in settings.extensions}
        self.people, self.names = people, names
        # Held here as they are asked with each event of the PBX.
        self._terminals, self._queues = names.of[Kind.TERMINAL], names.of[Kind.QUEUE]
        self._conferences, self._ivrs = names.of[Kind.CONFERENCE], names.of[Kind.IVR]
        self._prefixes: frozenset[str] | None = None
        self._on_pbx.cache_clear()
        for on_change in self._watchers:
            on_change()

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called after each ``take_over``."""
        self._watchers.append(on_change)

    def learn(self, kind: Kind, names: Collection[str]) -> None:
        """The PBX has things of this kind with just these names now."""
        self._found[kind] = frozenset(names)
        self._prefixes = None
        self._on_pbx.cache_clear()

    def found(self, kind: Kind) -> frozenset[str] | None:
        """The names of this kind that the PBX has, endpoints without ``PJSIP/``; None if it was
        never asked for them."""
        return self._found.get(kind)

    # --- people ---

    def user(self, user_id: int) -> User | None:
        return self.people.user(user_id)

    def owner(self, number: str) -> User | None:
        """The user that owns this number, the first in the settings if there are several."""
        return self.people.owner(number)

    def music_class(self, number: str | None) -> str:
        """The music class of holds by this extension, the nearest that the settings have for it.

        "" stands for Asterisk's default, which a hold by a trunk has if the settings have none.
        """
        owner = self.owner(number) if number else None
        organization = self.people.organization_of(number) if number else None
        nearest_first = (
            self._music_of.get(number or ""),
            owner.music if owner else None,
            organization.music if organization else None,
        )
        return next((music for music in nearest_first if music is not None), self._music)

    def organization_of(self, number: str) -> Organization | None:
        """The organization that a number belongs to, by its owner or by its prefix."""
        return self.people.organization_of(number)

    # --- numbers ---

    def on_pbx(self, number: str) -> PbxName | None:
        """What an extension is on the PBX, None if there is no such extension."""
        return self._on_pbx(number)

    def _look_on_pbx(self, number: str) -> PbxName | None:
        for one in self._candidates(number):
            if self._has(one) is not False:
                return one
        return None

    def exists(self, number: str) -> bool:
        return self.on_pbx(number) is not None

    def find(self, number: str, user: User | None) -> str | None:
        """The extension that a user means by a full number or by its short form.

        The short form of ``0003*210`` is ``210``; it is understood when just one extension of
        the user's own ends so, else when just one of its organization's does.
        """
        if self.exists(number):
            return number
        if user is None or "*" in number:
            return None
        prefixes = self._every_prefix() if user.prefixes is None else user.prefixes
        meant = [
            full
            for full in (f"{prefix}*{number}" for prefix in prefixes)
            if self.people.may_use(user, full) and self.exists(full)
        ]
        own = [full for full in meant if user.owns(full)]
        return next(iter(own or meant), None) if len(own or meant) == 1 else None

    def of_number(self, number: str, caller: str | None) -> str | None:
        """The extension that a dialled number is, full or short, seen from the caller's."""
        if self._is_found(number):
            return number
        prefix, star, _ = (caller or "").rpartition("*")
        full = f"{prefix}*{number}"
        return full if star and self._is_found(full) else None

    # --- what the PBX speaks of ---

    def of_channel(self, channel: str) -> str | None:
        """The extension whose phone this channel is: ``PJSIP/0003*210-00000001`` is 0003*210."""
        endpoint = device_of(channel)
        number = self._terminals.number_of(endpoint)
        if number is not None:
            return number
        technology, _, name = endpoint.partition("/")
        is_extension = (
            technology == "PJSIP" and self.names.listed(name) is None and self.owner(name)
        )
        return name if is_extension else None

    def of_queue(self, name: str) -> str | None:
        """The extension of a queue by its name on the PBX."""
        return self._unless_another(Kind.QUEUE, name, self._queues.number_of(name))

    def of_conference(self, name: str) -> str | None:
        """The extension of a conference by its name on the PBX."""
        return self._unless_another(Kind.CONFERENCE, name, self._conferences.number_of(name))

    def of_context(self, context: str) -> str | None:
        """The extension of the IVR that a context of the dialplan is."""
        return self._unless_another(Kind.IVR, context, self._ivrs.number_of(context))

    def _unless_another(self, kind: Kind, name: str, number: str | None) -> str | None:
        """The number, unless the PBX has something else that takes it first."""
        if number is None:
            return None
        this = PbxName(kind, name)
        first = (one for one in self._candidates(number) if one == this or self._has(one))
        return number if next(first, this) == this else None

    def _candidates(self, number: str) -> Iterator[PbxName]:
        """What a number may be on the PBX by the settings, the likeliest first."""
        listed = self.names.listed(number)
        if listed is not None:
            yield listed
            return
        yield from self.names.names_of(number)
        # An endpoint that is called as its number, and is no other number by a pattern.
        itself = PbxName(Kind.TERMINAL, ENDPOINTS + number)
        if self.owner(number) is not None and self._terminals.number_of(itself.name) is None:
            yield itself

    def _is_found(self, number: str) -> bool:
        return any(self._has(one) for one in self._candidates(number))

    def _has(self, one: PbxName) -> bool | None:
        """Whether the PBX has this, None if it was never asked for what it has of that kind.

        What is listed is taken to be there, and a conference is there when somebody comes.
        """
        if one.kind is Kind.CONFERENCE or one.name in self.names.of[one.kind].listed:
            return True
        known = self._found.get(one.kind)
        return None if known is None else one.name.removeprefix(ENDPOINTS) in known

    def _every_prefix(self) -> frozenset[str]:
        """What stands before the ``*`` in any number, for who may own any: walked once."""
        if self._prefixes is None:
            endpoints = self._found.get(Kind.TERMINAL, frozenset())
            numbers = (*endpoints, *self.names.every_listed)
            self._prefixes = frozenset(one.rpartition("*")[0] for one in numbers if "*" in one)
        return self._prefixes
