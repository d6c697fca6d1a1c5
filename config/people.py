"""Who there is in the settings: organizations, users, extensions."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from config.names import NamePattern, compile_name
from config.values import (
    LimitedNamePatterns,
    MusicClass,
    Name,
    NamePatterns,
    Number,
    NumberOrPattern,
    Section,
    text,
)

# The keys of an organization that say what its extensions are called on the PBX.
NAMED_KINDS = ("endpoints", "queues", "conferences", "ivrs")


class Organization(Section):
    """``prefix`` is what its extensions begin with; what they are on the PBX is told by patterns
    of names (see config.names). None stands for the names that are the numbers themselves.
    """

    id: Annotated[str, BeforeValidator(text), Field(pattern=r"^[0-9]+$")]
    name: Name
    prefix: Annotated[str, BeforeValidator(text), Field(pattern=r"^[0-9]+$")] | None = None
    endpoints: NamePatterns | None = None
    queues: NamePatterns | None = None
    conferences: LimitedNamePatterns = ()
    ivrs: NamePatterns = ()
    music: MusicClass | None = None

    @model_validator(mode="after")
    def _has_the_prefix_that_it_needs(self) -> Self:
        given = [kind for kind in NAMED_KINDS if getattr(self, kind)]
        if given and self.prefix is None:
            raise ValueError(f"{', '.join(given)} without prefix; allowed is a prefix of digits")
        return self

    def names(self, kind: str) -> tuple[NamePattern, ...]:
        """The patterns of the names that its extensions have; ``kind`` is one of NAMED_KINDS."""
        given: tuple[str, ...] | None = getattr(self, kind)
        if given is None:
            given = () if self.prefix is None else (f"{self.prefix}*{{X!}}",)
        return tuple(compile_name(text) for text in given)


class User(Section):
    """``role`` is what it may use: its own extensions, all of its organization's, or all."""

    id: Annotated[int, Field(ge=0)]
    name: Name
    organization: Annotated[str, BeforeValidator(text)] | None = None
    role: Literal["user", "organization", "administrator"] = "user"
    extensions: tuple[NumberOrPattern, ...] = ()
    music: MusicClass | None = None

    @model_validator(mode="after")
    def _has_the_organization_that_it_needs(self) -> Self:
        if self.role == "organization" and self.organization is None:
            raise ValueError("role organization is allowed with an organization")
        return self


class Extension(Section):
    """What a number is on the PBX: endpoint, queue, conference or context, as ``type`` tells.

    ``music`` is the class of its holds.
    """

    number: Number
    type: Literal["terminal", "queue", "conference", "ivr"]
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/.+$")] | None = None
    queue: Name | None = None
    conference: Name | None = None
    context: Name | None = None
    music: MusicClass | None = None

    @property
    def pbx_name(self) -> str:
        return self.endpoint or self.queue or self.conference or self.context or ""

    @model_validator(mode="after")
    def _names_what_it_is(self) -> Self:
        key = {"terminal": "endpoint", "ivr": "context"}.get(self.type, self.type)
        given = {
            name
            for name in ("endpoint", "queue", "conference", "context")
            if getattr(self, name) is not None
        }
        if given != {key}:
            raise ValueError(
                f"an extension of type {self.type} is allowed to have {key} "
                f"and has {', '.join(sorted(given)) or 'nothing'}"
            )
        return self
