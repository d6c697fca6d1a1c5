"""Users, organizations and extensions, and what an extension is on the PBX.

A number is an extension if the settings list it, or if a user owns it (by number or pattern) and
the PBX has a PJSIP endpoint of that name. While the PBX's endpoints have never been read, an owned
number is taken for a terminal, so that work on PhoneCallEvents goes on without the PBX.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from config.patterns import compile_pattern
from config.settings import Organization, Settings
from daemon.calls.ami_fields import device_of

# Each takes some 200 bytes for as long as the daemon runs.
_OWNERS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class User:
    """Who owns extensions: exact numbers, and patterns that a number may match in full."""

    id: int
    name: str
    organization: Organization | None
    numbers: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    music: str | None = None

    def owns(self, number: str) -> bool:
        return number in self.numbers or any(p.fullmatch(number) for p in self.patterns)


class Directory:
    """Answers who owns a number and which extension a channel belongs to."""

    def __init__(self, settings: Settings, endpoints: frozenset[str] | None = None) -> None:
        self._endpoints = endpoints
        self.take_over(settings)

    def take_over(self, settings: Settings) -> None:
        """Go on with the users, organizations and extensions of these settings."""
        organizations = {organization.id: organization for organization in settings.organizations}
        self._users = {
            user.id: User(
                user.id,
                user.name,
                organizations.get(user.organization) if user.organization else None,
                frozenset(text for text in user.extensions if not text.startswith("_")),
                tuple(compile_pattern(text) for text in user.extensions if text.startswith("_")),
                user.music,
            )
            for user in settings.users
        }
        self._listed = {extension.number: extension.type for extension in settings.extensions}
        self._by_endpoint = {
            extension.endpoint: extension.number
            for extension in settings.extensions
            if extension.endpoint
        }
        self._queues = {e.queue: e.number for e in settings.extensions if e.queue}
        self._conferences = {e.conference: e.number for e in settings.extensions if e.conference}
        self._contexts = {e.context: e.number for e in settings.extensions if e.context}
        self._music = settings.hold.music
        self._music_of = {extension.number: extension.music for extension in settings.extensions}
        self._owner = lru_cache(maxsize=_OWNERS_KEPT)(self._find_owner)

    def learn_endpoints(self, names: Iterable[str]) -> None:
        """Take over the names of the PJSIP endpoints that the PBX has now."""
        self._endpoints = frozenset(names)

    def user(self, user_id: int) -> User | None:
        return self._users.get(user_id)

    def owner(self, number: str) -> User | None:
        """The user that owns this number, the first in the settings if there are several."""
        return self._owner(number)

    def exists(self, number: str) -> bool:
        if number in self._listed:
            return True
        if self.owner(number) is None:
            return False
        return self._endpoints is None or number in self._endpoints

    def find(self, number: str, user: User | None) -> str | None:
        """The extension that a user means by a full number or by its short form.

        The short form of ``0003*210`` is ``210``; it is understood when just one extension of
        the user's ends so.
        """
        if self.exists(number):
            return number
        if user is None or "*" in number:
            return None
        candidates = {
            known
            for known in (*user.numbers, *self._listed, *(self._endpoints or ()))
            if known.endswith(f"*{number}") and user.owns(known) and self.exists(known)
        }
        return candidates.pop() if len(candidates) == 1 else None

    def music_class(self, number: str | None) -> str:
        """The music class of holds by this extension, the nearest that the settings have for it.

        "" stands for Asterisk's default, which a hold by a trunk has if the settings have none.
        """
        owner = self.owner(number) if number else None
        organization = owner.organization if owner else None
        nearest_first = (
            self._music_of.get(number or ""),
            owner.music if owner else None,
            organization.music if organization else None,
        )
        return next((music for music in nearest_first if music is not None), self._music)

    def of_channel(self, channel: str) -> str | None:
        """The extension whose phone this channel is: ``PJSIP/0003*210-00000001`` is 0003*210."""
        endpoint = device_of(channel)
        listed = self._by_endpoint.get(endpoint)
        if listed is not None:
            return listed
        technology, _, name = endpoint.partition("/")
        is_extension = technology == "PJSIP" and name not in self._listed and self.owner(name)
        return name if is_extension else None

    def of_queue(self, name: str) -> str | None:
        """The extension of a queue by its name on the PBX."""
        return self._queues.get(name)

    def of_conference(self, name: str) -> str | None:
        """The extension of a conference by its name on the PBX."""
        return self._conferences.get(name)

    def of_context(self, context: str) -> str | None:
        """The extension of the IVR that a context of the dialplan is."""
        return self._contexts.get(context)

    def of_number(self, number: str, caller: str | None) -> str | None:
        """The extension that a dialled number is, full or short, seen from the caller's."""
        if self.exists(number):
            return number
        prefix, star, _ = (caller or "").rpartition("*")
        full = f"{prefix}*{number}"
        return full if star and self.exists(full) else None

    def _find_owner(self, number: str) -> User | None:
        return next((user for user in self._users.values() if user.owns(number)), None)
