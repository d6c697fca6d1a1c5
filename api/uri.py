"""What the segments of a UAPI URI name: a user, an extension, an object."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from api.errors import UapiError, invalid
from daemon.directory import Directory
from daemon.people import User

SELF = "@self"

OBJECT_ID = re.compile(r"[A-Za-z0-9]{1,255}")
_USER_ID = re.compile(r"0*([0-9]{1,18})")
_EXTENSION = re.compile(r"[0-9*]+")
# @owner is the user that owns the extension of the URI: what the caller may do with it is the same.
_CALLER = ("@me", "@viewer", "@owner")


@dataclass(frozen=True, slots=True)
class ExtensionScope:
    """A user, and one extension that it may use or, when ``extension`` is None, all of them.

    ``path`` is ``{user}/{extension}`` as it was asked for, to be repeated in links.
    """

    user: User
    extension: str | None
    path: str


def is_object_id(text: str) -> bool:
    return OBJECT_ID.fullmatch(text) is not None


def own_url(request: Request, base_url: str) -> str:
    """The address that was asked for, as links show it; its segments are known to be good."""
    return f"{base_url}{request.scope['path']}"


def extension_scope(
    directory: Directory,
    caller: User,
    user: str,
    extension: str,
    denied: Callable[[str], UapiError],
) -> ExtensionScope:
    """What ``{user}/{extension}`` of a URI names for this caller.

    Raises UapiError: user_invalid, extension_invalid, or what ``denied`` makes of a message when
    the user or the extension is somebody else's.
    """
    subject = caller if user in _CALLER else _named_user(directory, caller, user, denied)
    path = f"{user}/{extension}"
    if extension == SELF:
        return ExtensionScope(subject, None, path)
    number = directory.find(extension, subject) if _EXTENSION.fullmatch(extension) else None
    if number is None:
        allowed = f"the number of an existing extension (digits and *) or {SELF} where it applies"
        raise invalid("extension_invalid", "The extension in the URI", extension, allowed)
    if not directory.people.may_use(subject, number):
        whose = "the token's user" if subject.id == caller.id else f"the user {subject.id}"
        raise denied(f"The extension {number} is not one of {whose}.")
    return ExtensionScope(subject, number, path)


def _named_user(
    directory: Directory, caller: User, segment: str, denied: Callable[[str], UapiError]
) -> User:
    digits = _USER_ID.fullmatch(segment)
    user = directory.user(int(digits[1])) if digits else None
    if user is None:
        allowed = f"{', '.join(_CALLER)} or the number of an existing user"
        raise invalid("user_invalid", "The user in the URI", segment, allowed)
    if not directory.people.may_act_for(caller, user):
        raise denied(f"The user {user.id} is not one that the token's user may act for.")
    return user
