"""Asterisk's dialplan patterns as regular expressions.

``_`` starts a pattern; X is 0-9, Z 1-9, N 2-9, ``[13-5]`` a set, ``.`` one or more of anything,
``!`` none or more. Every other character stands for itself, ``*`` too: it is a digit here.
Source: "Pattern Matching" in Asterisk's documentation of the dialplan.
"""

import re

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}
_TOKEN = re.compile(r"\[([0-9*#-]+)\]|([XxZzNn.!0-9*#])")
_ITSELF = re.compile(r"[0-9*#]*")


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The expression that a number matches in full. Raises ValueError for no pattern."""
    return re.compile("".join(expressions(pattern)))


def expressions(pattern: str) -> list[str]:
    """The expressions of a pattern's parts, in order. Raises ValueError for no pattern."""
    found = []
    position = 1
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            break
        members, single = token.groups()
        found.append(f"[{members}]" if members else _CLASSES.get(single.upper(), re.escape(single)))
        position = token.end()
    if not pattern.startswith("_") or position != len(pattern) or not found:
        raise ValueError(
            f"{pattern!r} is no Asterisk pattern: allowed are _ and then digits, *, #, X, Z, N, "
            "[sets], . and !"
        )
    try:
        re.compile("".join(found))
    except re.error as error:
        raise ValueError(f"{pattern!r} is no Asterisk pattern: {error}") from error
    return found


def beginning(pattern: str) -> str:
    """What every number begins with that matches the pattern, as far as it stands for itself."""
    found = _ITSELF.match(pattern, 1)
    return found[0] if found else ""
