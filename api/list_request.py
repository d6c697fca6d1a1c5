"""The Standard-Request-Parameters of a list, parsed to a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from api.errors import MISSING, invalid
from api.filters import FieldKind, Filter, FilterOp

PARAMETERS = (
    "count",
    "startIndex",
    "filterBy",
    "filterOp",
    "filterValue",
    "sortOrder",
    "fields",
)
MAX_START_INDEX = 5000
DEFAULT_COUNT = 20
MAX_COUNT = 5000
SORT_ORDERS = {"ascending": False, "asc": False, "descending": True, "desc": True}
"""Each name with whether it is downwards."""
# The documents write one operation in two ways.
FILTER_OPS = {op.value: op for op in FilterOp} | {"starts with": FilterOp.STARTS_WITH}

_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ResourceFields:
    """The names that a list of a resource knows: all fields, and those it can be filtered by; and
    in which order it is without a sortOrder."""

    names: tuple[str, ...]
    filterable: Mapping[str, FieldKind]
    order: str = "ascending"


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which page of which entries in which order; ``fields`` None stands for all of them."""

    count: int
    start_index: int
    descending: bool
    fields: frozenset[str] | None
    filter: Filter | None


def parse_list_request(
    query: Mapping[str, str], resource: ResourceFields, zone: ZoneInfo | None
) -> ListRequest:
    """Read the parameters; unknown ones are ignored.

    Raises UapiError, in the order in which the UAPI lists its codes: fields_invalid,
    count_invalid, filterby_invalid, filterop_invalid, filtervalue_invalid, sortorder_invalid,
    startindex_invalid.
    """
    fields = _fields(query.get("fields"), resource.names)
    count = _number(query, "count", DEFAULT_COUNT, 1, MAX_COUNT)
    condition = _filter(query, resource.filterable, zone)
    order = query.get("sortOrder", resource.order)
    if order not in SORT_ORDERS:
        raise invalid("sortorder_invalid", "sortOrder", order, f"one of {', '.join(SORT_ORDERS)}")
    start_index = _number(query, "startIndex", 0, 0, MAX_START_INDEX)
    return ListRequest(count, start_index, SORT_ORDERS[order], fields, condition)


def _fields(text: str | None, names: tuple[str, ...]) -> frozenset[str] | None:
    if text is None:
        return None
    wanted = [name.strip() for name in text.split(",")]
    unknown = next((name for name in wanted if name not in names), None)
    if unknown is not None:
        allowed = f"names of {', '.join(names)} with a comma between"
        raise invalid("fields_invalid", "A name in fields", unknown, allowed)
    return frozenset(wanted)


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        allowed = f"a whole number from {least} to {most}"
        raise invalid(f"{name.lower()}_invalid", name, text, allowed)
    return int(text)


def _filter(
    query: Mapping[str, str], filterable: Mapping[str, FieldKind], zone: ZoneInfo | None
) -> Filter | None:
    if not any(name in query for name in ("filterBy", "filterOp", "filterValue")):
        return None
    field = query.get("filterBy")
    if field is None or field not in filterable:
        came = MISSING if field is None else field
        raise invalid("filterby_invalid", "filterBy", came, f"one of {', '.join(filterable)}")
    op_name = query.get("filterOp", FilterOp.CONTAINS.value)
    op = FILTER_OPS.get(op_name)
    if op is None:
        raise invalid("filterop_invalid", "filterOp", op_name, f"one of {', '.join(FilterOp)}")
    value = query.get("filterValue")
    if value is None and op is not FilterOp.PRESENT:
        raise invalid("filtervalue_invalid", "filterValue", MISSING, "the text to compare with")
    condition = Filter(field, filterable[field], op, value or "", zone)
    if not condition.can_compare():
        kind = "a number" if condition.kind is FieldKind.NUMBER else "a date with time and offset"
        allowed = f"{kind}, as {field} is compared by {op}"
        raise invalid("filtervalue_invalid", "filterValue", value, allowed)
    return condition
