"""Names that things have on the PBX, as patterns: ``ivr-{X!}`` stands for ivr-1, ivr-27, …

What is in braces is an Asterisk pattern without its ``_``, and is the short form of the extension.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from config.patterns import beginning, compile_pattern, expressions

_PARTS = re.compile(r"([^{}]*)\{([^{}*#]+)\}([^{}]*)")
_DIGITS = "0123456789"
_ENDLESS = (".+", ".*")


@dataclass(frozen=True, slots=True)
class NamePattern:
    """``before`` and ``after`` stand for themselves; ``short`` is what the digits between match.

    ``beginning`` is what every name begins with, ``endless`` tells whether there is no limit to
    the length of the short form.
    """

    text: str
    before: str
    after: str
    short: re.Pattern[str]
    beginning: str
    endless: bool

    def short_of(self, name: str) -> str | None:
        """The short form of the extension that has this name on the PBX, None if it has not."""
        if not name.startswith(self.before) or not name.endswith(self.after):
            return None
        short = name[len(self.before) : len(name) - len(self.after)]
        return short if self._fits(short) else None

    def name_of(self, short: str) -> str | None:
        """The name that the extension of this short form has on the PBX, None if it is none."""
        return f"{self.before}{short}{self.after}" if self._fits(short) else None

    def _fits(self, short: str) -> bool:
        return short.isascii() and short.isdigit() and self.short.fullmatch(short) is not None


def compile_name(text: str) -> NamePattern:
    """Raises ValueError, which tells what is allowed."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(
            "a name with one pattern of digits in braces is allowed, such as {2XX} or ivr-{X!}"
        )
    before, pattern, after = parts.groups()
    return NamePattern(
        text,
        before,
        after,
        compile_pattern(f"_{pattern}"),
        before + beginning(f"_{pattern}"),
        any(part in _ENDLESS for part in expressions(f"_{pattern}")),
    )


def claimed_twice(claims: Iterable[tuple[str, NamePattern]]) -> str | None:
    """What two owners' patterns have in common, as a sentence; None if no two have anything."""
    ordered = sorted(claims, key=lambda claim: claim[1].before)
    for place, (owner, pattern) in enumerate(ordered, start=1):
        # Sorted so, all that may have names in common with this one follow at once.
        for other, others in ordered[place:]:
            if not others.before.startswith(pattern.before):
                break
            example = None if other == owner else example_of_both(pattern, others)
            if example is not None:
                return (
                    f"{owner} has {pattern.text} and {other} has {others.text}, "
                    f"which are both {example}; a name is allowed to be of one organization"
                )
    return None


def example_of_both(one: NamePattern, other: NamePattern) -> str | None:
    """A name that both patterns stand for, None if there is none."""
    mine, theirs = _steps(one), _steps(other)
    reached = {(0, 0): ""}
    todo = [(0, 0)]
    while todo:
        at = i, j = todo.pop()
        if at == (len(mine), len(theirs)):
            return reached[at]
        following = []
        if i < len(mine) and mine[i].repeats:
            following.append(((i + 1, j), ""))
        if j < len(theirs) and theirs[j].repeats:
            following.append(((i, j + 1), ""))
        if i < len(mine) and j < len(theirs):
            shared = sorted(mine[i].signs & theirs[j].signs)
            if shared:
                there = (i + (not mine[i].repeats), j + (not theirs[j].repeats))
                following.append((there, shared[0]))
        for there, sign in following:
            if there not in reached:
                reached[there] = reached[at] + sign
                todo.append(there)
    return None


@dataclass(frozen=True, slots=True)
class _Step:
    """One of these signs, or with ``repeats`` none or more of them."""

    signs: frozenset[str]
    repeats: bool = False


def _steps(pattern: NamePattern) -> list[_Step]:
    digits = frozenset(_DIGITS)
    inner = pattern.text[len(pattern.before) + 1 : len(pattern.text) - len(pattern.after) - 1]
    steps = [_Step(frozenset(sign)) for sign in pattern.before]
    for part in expressions(f"_{inner}"):
        if part == ".+":
            steps.append(_Step(digits))
        if part in _ENDLESS:
            steps.append(_Step(digits, repeats=True))
        else:
            steps.append(_Step(frozenset(sign for sign in digits if re.fullmatch(part, sign))))
    return steps + [_Step(frozenset(sign)) for sign in pattern.after]
