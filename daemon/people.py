"""Users and organizations: whose a number is, and who may use it. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from config.patterns import beginning, compile_pattern
from config.people import Organization
from config.settings import Settings
from daemon.beginnings import ByBeginning


class Role(StrEnum):
    """What a user may use: its own extensions, all of its organization's, or all there are."""

    USER = "user"
    ORGANIZATION = "organization"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class User:
    """Who owns extensions: exact numbers, and patterns that a number may match in full.

    ``prefixes`` is what stands before the ``*`` in the numbers that it owns or its organization
    has, None if a pattern of its own leaves that open.
    """

    id: int
    name: str
    organization: Organization | None
    role: Role
    numbers: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    prefixes: frozenset[str] | None
    music: str | None = None

    def owns(self, number: str) -> bool:
        return number in self.numbers or any(p.fullmatch(number) for p in self.patterns)


# Who may use an extension: a user, an organization's users of that role, or administrators.
Group = tuple[Role, str]
EVERYTHING: Group = (Role.ADMINISTRATOR, "")


def group_of(user: User) -> Group:
    """The group whose extensions this user may use."""
    match user.role:
        case Role.ADMINISTRATOR:
            return EVERYTHING
        case Role.ORGANIZATION:
            return (Role.ORGANIZATION, user.organization.id if user.organization else "")
        case Role.USER:
            return (Role.USER, str(user.id))


# Of the same few numbers it is asked again and again.
_REMEMBERED = 4096


class People:
    """Who there is in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._organizations = {one.id: one for one in settings.organizations}
        self._by_prefix = {one.prefix: one for one in settings.organizations if one.prefix}
        users = [
            User(
                user.id,
                user.name,
                self._organizations.get(user.organization or ""),
                Role(user.role),
                frozenset(text for text in user.extensions if not text.startswith("_")),
                tuple(map(compile_pattern, _patterns(user.extensions))),
                _prefixes(user.extensions, self._organizations.get(user.organization or "")),
                user.music,
            )
            for user in settings.users
        ]
        self._groups_of = lru_cache(_REMEMBERED)(self._find_groups)
        self._users = {user.id: user for user in users}
        # Users by their place in the settings: the first that owns a number has it.
        self._by_number: dict[str, tuple[int, User]] = {}
        for place, user in enumerate(users):
            for number in user.numbers:
                self._by_number.setdefault(number, (place, user))
        self._by_pattern = ByBeginning(
            (beginning(text), (place, pattern, user))
            for place, (user, given) in enumerate(zip(users, settings.users, strict=True))
            for text, pattern in zip(_patterns(given.extensions), user.patterns, strict=True)
        )

    def user(self, user_id: int) -> User | None:
        return self._users.get(user_id)

    def owner(self, number: str) -> User | None:
        """The user that owns this number, the first in the settings if there are several."""
        place, owner = self._by_number.get(number, (len(self._users), None))
        for other, pattern, user in self._by_pattern.candidates(number):
            if other < place and pattern.fullmatch(number):
                place, owner = other, user
        return owner

    def organization_of(self, number: str) -> Organization | None:
        """The organization of the user that owns this number, else the one with its prefix."""
        owner = self.owner(number)
        if owner is not None and owner.organization is not None:
            return owner.organization
        return self._by_prefix.get(number.rpartition("*")[0])

    def groups_of(self, number: str) -> tuple[Group, ...]:
        """Of those who may use this number."""
        return self._groups_of(number)

    def _find_groups(self, number: str) -> tuple[Group, ...]:
        owner, organization = self.owner(number), self.organization_of(number)
        groups: list[Group] = [EVERYTHING]
        if owner is not None:
            groups.append((Role.USER, str(owner.id)))
        if organization is not None:
            groups.append((Role.ORGANIZATION, organization.id))
        return tuple(groups)

    def may_use(self, user: User, number: str) -> bool:
        """Whether a number is one of those that the user's role gives it."""
        return group_of(user) in self.groups_of(number)

    def may_act_for(self, caller: User, user: User) -> bool:
        """Whether the caller may use all that the user may use."""
        if caller.id == user.id or caller.role is Role.ADMINISTRATOR:
            return True
        return (
            caller.role is Role.ORGANIZATION
            and user.role is not Role.ADMINISTRATOR
            and _same(user.organization, caller.organization)
        )


def _same(one: Organization | None, other: Organization | None) -> bool:
    return one is not None and other is not None and one.id == other.id


def _patterns(extensions: tuple[str, ...]) -> list[str]:
    return [text for text in extensions if text.startswith("_")]


def _prefixes(
    extensions: tuple[str, ...], organization: Organization | None
) -> frozenset[str] | None:
    prefixes = {organization.prefix} if organization and organization.prefix else set()
    for text in extensions:
        known = beginning(text) if text.startswith("_") else text
        prefix, star, _ = known.rpartition("*")
        if star:
            prefixes.add(prefix)
        elif text != known:
            return None
    return frozenset(prefixes)
