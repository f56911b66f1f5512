"""Lists by keyset: ids are UUIDv7, so the order of ids is the order of time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from apps.core import ids, known
from apps.core.api.types import CreatedRange, ListParams
from apps.core.documents import encode
from apps.core.errors import InvalidRequest

# When the ids of a list's objects are made: in the moment of `created`, some time before it, or nobody can say.
IdsAre = Literal["dated", "early", "any"]
# How far the clocks of an object's id and of its `created` may lie apart.
_APART_S = 600


class Keyset(Struct, frozen=True):
    """Where a page lies. `condition` and `order` go into the statement as they are (they hold column
    names of ours only); `params` fill the condition's named placeholders; fetch `fetch` rows."""

    condition: str
    params: dict[str, Any]
    order: str
    fetch: int
    limit: int
    backwards: bool


def keyset(params: ListParams, *, prefix: str, column: str = "id", created: str = "created", ids_are: IdsAre = "any") -> Keyset:
    """The page that `params` ask for, of objects whose ids start with `prefix`; newest first. One row
    more than the limit is fetched, to know whether there are more.

    Bounds on `created` bound the ids as well, as far as `ids_are` allows: the order is that of ids, and a page of last year
    would otherwise be looked for through all of this year's rows."""
    if params.starting_after is not None and params.ending_before is not None:
        raise InvalidRequest(param="ending_before", reason="it cannot go together with starting_after.")
    between = _range(params.created)
    conditions, values = _created(between, created)
    _bound_ids(conditions, values, between, column, ids_are)
    backwards = params.ending_before is not None
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        cursor = getattr(params, name)
        if cursor is not None:
            conditions.append(f"{column} {sign} %(cursor)s")
            values["cursor"] = ids.decode(prefix, cursor, param=name)
    return Keyset(
        condition=" AND ".join(conditions) or "true",
        params=values,
        order=f"{column} {'ASC' if backwards else 'DESC'}",
        fetch=params.limit + 1,
        limit=params.limit,
        backwards=backwards,
    )


def page_of(documents: Sequence[bytes], at: Keyset, url: str) -> bytes:
    """The JSON of the list object for the `documents` fetched with `at`, which are JSON already."""
    shown = documents[: at.limit]
    if at.backwards:
        shown = shown[::-1]
    has_more = b"true" if len(documents) > at.limit else b"false"
    return b'{"object":"list","url":%b,"has_more":%b,"data":[%b]}' % (encode(url), has_more, b",".join(shown))


def cursor_of(params: ListParams, *, prefix: str) -> UUID | None:
    """The id that the page starts after or ends before."""
    text = params.starting_after or params.ending_before
    return None if text is None else ids.decode(prefix, text, param="starting_after" if params.starting_after else "ending_before")


def page(rows: Sequence[Mapping[str, Any]], at: Keyset, url: str, render: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The list object for the `rows` fetched with `at`; `url` is the list's own path."""
    shown = list(rows[: at.limit])
    if at.backwards:
        shown.reverse()
    return {"object": "list", "url": url, "has_more": len(rows) > at.limit, "data": [render(row) for row in shown]}


def _range(created: int | CreatedRange | None) -> CreatedRange | None:
    if isinstance(created, int):
        return CreatedRange(gte=created, lt=created + 1)
    if created is not None:
        _refuse_reversed(created)
    return created


def _bound_ids(conditions: list[str], values: dict[str, Any], between: CreatedRange | None, column: str, ids_are: IdsAre) -> None:
    # Where business time can be moved, it says nothing about ids, which go by the real one.
    if between is None or ids_are == "any" or known.settings.CLOCK_MAY_MOVE:
        return
    bounds = _bounds(between)
    lowest = max((bound for _, sign, bound in bounds if sign == ">="), default=None)
    highest = min((bound for _, sign, bound in bounds if sign == "<"), default=None)
    if lowest is not None and ids_are == "dated":
        conditions.append(f"{column} >= %(id_from)s")
        values["id_from"] = ids.lowest(lowest - _APART_S)
    if highest is not None:
        conditions.append(f"{column} < %(id_below)s")
        values["id_below"] = ids.lowest(highest + _APART_S)


def _created(created: CreatedRange | None, column: str) -> tuple[list[str], dict[str, Any]]:
    conditions, values = [], {}
    for name, sign, bound in [] if created is None else _bounds(created):
        conditions.append(f"{column} {sign} %(created_{name})s")
        values[f"created_{name}"] = datetime.fromtimestamp(bound, UTC)
    return conditions, values


def _bounds(created: CreatedRange) -> list[tuple[str, str, int]]:
    """(name, SQL operator, second): `gt` and `lte` include the fractions of their own second."""
    found = []
    for name, sign, bound, shift in (
        ("gt", ">=", created.gt, 1),
        ("gte", ">=", created.gte, 0),
        ("lt", "<", created.lt, 0),
        ("lte", "<", created.lte, 1),
    ):
        if bound is not None:
            found.append((name, sign, min(bound + shift, 253_402_300_799)))
    return found


def _refuse_reversed(created: CreatedRange) -> None:
    lower = max((bound for bound in (created.gt, created.gte) if bound is not None), default=None)
    upper_name = "lt" if created.lt is not None else "lte"
    upper = min((bound for bound in (created.lt, created.lte) if bound is not None), default=None)
    if lower is not None and upper is not None and upper < lower:
        raise InvalidRequest(param=f"created[{upper_name}]", reason="it lies before the lower bound.")
