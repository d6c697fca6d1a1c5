"""filterBy, filterOp and filterValue: which entries of a list a client wants to see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum, auto
from zoneinfo import ZoneInfo

from api.dates import read_date

_NUMBER = re.compile(r"-?[0-9]{1,20}")
_Comparable = Decimal | datetime | str


class FieldKind(Enum):
    """How two values of a field compare: as text, as numbers or as instants."""

    TEXT = auto()
    NUMBER = auto()
    DATE = auto()


class FilterOp(StrEnum):
    CONTAINS = "contains"
    EQUALS = "equals"
    STARTS_WITH = "startsWith"
    PRESENT = "present"
    GREATER_THAN = "greaterThan"
    LESS_THAN = "lessThan"
    IN_ARRAY = "inArray"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one field; ``value`` as it came, inArray's parts between commas.

    Text is compared letter by letter, upper and lower case apart. ``zone`` is that of dates
    without an offset.
    """

    field: str
    kind: FieldKind
    op: FilterOp
    value: str
    zone: ZoneInfo | None

    def can_compare(self) -> bool:
        """Whether the value fits the operation: a number is needed to be greater than one."""
        ordered = self.op in (FilterOp.GREATER_THAN, FilterOp.LESS_THAN)
        return not ordered or self._comparable(self.value) is not None

    def matches(self, entry: Mapping[str, object]) -> bool:
        """Whether a resource, as it is answered, fulfils the condition."""
        text = entry.get(self.field)
        if not isinstance(text, str):
            return False
        match self.op:
            case FilterOp.PRESENT:
                return text != ""
            case FilterOp.CONTAINS:
                return self.value in text
            case FilterOp.STARTS_WITH:
                return text.startswith(self.value)
            case FilterOp.EQUALS:
                return self._equal(text, self.value)
            case FilterOp.IN_ARRAY:
                return any(self._equal(text, part.strip()) for part in self.value.split(","))
            case FilterOp.GREATER_THAN:
                return self._less(self.value, text)
            case FilterOp.LESS_THAN:
                return self._less(text, self.value)

    def _equal(self, text: str, wanted: str) -> bool:
        comparable = self._comparable(wanted)
        return comparable is not None and self._comparable(text) == comparable

    def _less(self, one: str, other: str) -> bool:
        match self._comparable(one), self._comparable(other):
            case (Decimal() as a, Decimal() as b):
                return a < b
            case (datetime() as a, datetime() as b):
                return a < b
            case (str() as a, str() as b):
                return a < b
            case _:
                return False

    def _comparable(self, text: str) -> _Comparable | None:
        match self.kind:
            case FieldKind.TEXT:
                return text
            case FieldKind.NUMBER:
                return Decimal(text) if _NUMBER.fullmatch(text) else None
            case FieldKind.DATE:
                return read_date(text, self.zone)
