"""The extensions that have live calls, by who may use them."""

from collections.abc import Callable, Collection, Hashable, Iterable

GroupsOf = Callable[[str], Iterable[Hashable]]


class LiveExtensions:
    """Kept as extensions come and go, so that nobody has to walk all calls for those of one."""

    def __init__(self) -> None:
        self._groups_of: GroupsOf = lambda number: ()
        self._groups: dict[Hashable, dict[str, None]] = {}
        self._in: dict[str, tuple[Hashable, ...]] = {}

    def group_by(self, groups_of: GroupsOf) -> None:
        """Have each extension in these groups from now on."""
        self._groups_of = groups_of
        numbers = list(self._in)
        self._groups.clear()
        for number in numbers:
            self.add(number)

    def of(self, group: Hashable) -> Collection[str]:
        return self._groups.get(group, {}).keys()

    def add(self, number: str) -> None:
        self._in[number] = tuple(self._groups_of(number))
        for group in self._in[number]:
            self._groups.setdefault(group, {})[number] = None

    def discard(self, number: str) -> None:
        for group in self._in.pop(number):
            del self._groups[group][number]
            if not self._groups[group]:
                del self._groups[group]
