"""Many patterns by what they begin with, so that a text is held against few of them."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ByBeginning(Generic[T]):
    """Values by the literal text that their patterns begin with."""

    def __init__(self, values: Iterable[tuple[str, T]]) -> None:
        self._values: dict[str, list[T]] = {}
        for beginning, value in values:
            self._values.setdefault(beginning, []).append(value)
        self._lengths = sorted({len(beginning) for beginning in self._values})

    def candidates(self, text: str) -> Iterator[T]:
        """The values of all patterns that begin as this text does."""
        for length in self._lengths:
            if length > len(text):
                return
            yield from self._values.get(text[:length], ())
