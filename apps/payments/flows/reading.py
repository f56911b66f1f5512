"""Reads: one statement each, columns only; the objects are made here.

A joined row's columns carry its name and a dot, so one flat row holds the object and what it refers to.
"""

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec import Struct

from apps.core import documents
from apps.core.api.lists import Keyset
from apps.core.caching.kept import Kept
from apps.core.errors import NotFound
from apps.core.flow import Flow, Rows, Tuples
from apps.core.ids import encode
from apps.merchants.domain import Caller
from apps.payments.domain import rows
from apps.payments.domain.rows import BalanceTransaction, Charge, Customer, Intent, PaymentMethod
from apps.payments.renderers import objects
from apps.payments.renderers.shapes import PaymentIntent

Json = dict[str, Any]


def columns_of(alias: str, kind: type[Struct]) -> str:
    """The columns of the table `alias` that a row of `kind` is made of, as SQL."""
    return ", ".join(f"{alias}.{field}" for field in kind.__struct_fields__)


# What the rows beside a payment have in common with it, column by column. The joins say so, and it is not sent twice:
# a value costs PostgreSQL 0.2 to 0.4 µs to send: six in each of twenty rows are a tenth of its work on a page.
_SAME: dict[str, dict[str, str]] = {
    "customer": {"id": "customer_id", "livemode": "livemode"},
    "method": {"id": "payment_method_id", "livemode": "livemode"},
    "charge": {"id": "latest_charge_id", "livemode": "livemode", "intent_id": "id", "currency": "currency"},
}


def _sent(kind: type[Struct], name: str) -> list[str]:
    """The columns of `kind` that a page reads of the row `name`."""
    return [field for field in rows.shown_columns(kind) if field not in _SAME.get(name, {})]


def _shown_of(alias: str, kind: type[Struct], name: str) -> str:
    return ", ".join(f'{alias}.{field} AS "{name}.{field}"' for field in _sent(kind, name))


def _join(table: str, alias: str, name: str) -> str:
    return f"LEFT JOIN {table} {alias} ON " + " AND ".join(f"{alias}.{field} = i.{ours}" for field, ours in _SAME[name].items())


_Join = tuple[type[Struct], str, str, str]
_PAYMENT: _Join = (Intent, "i", "intent", "")
# What an intent can be expanded by: path → (row, alias, name, join).
_JOINS: dict[str, _Join] = {
    "customer": (Customer, "cu", "customer", _join("payments_customer", "cu", "customer")),
    "payment_method": (PaymentMethod, "m", "method", _join("payments_payment_method", "m", "method")),
    "latest_charge": (Charge, "c", "charge", _join("payments_charge", "c", "charge")),
    "latest_charge.balance_transaction": (
        BalanceTransaction,
        "t",
        "transaction",
        "LEFT JOIN payments_balance_transaction t ON t.id = c.balance_transaction_id",
    ),
}


# The versions of what a row shows stand before its columns, one for each alias; what is not asked for has none.
_VERSIONED = ("i", "cu", "m", "c", "t")
_shown: Kept[bytes] = Kept(settings.SHOWN_BYTES)
# Whether all of the last page of a merchant and mode, with so much expanded, was known before it was read.
_read_again: Kept[bool] = Kept(10_000)


# Of a payment and of each row beside it: (row, name, where its version is, what takes its columns).
Places = tuple[tuple[type[Struct], str, int, Callable[[tuple[Any, ...]], tuple[Any, ...]]], ...]


class _Statements(Struct, frozen=True):
    """What reads the versions of rows and their ids; what also reads the columns; and where these are."""

    versions: str
    whole: str
    places: Places


@lru_cache(maxsize=512)
def _intents(expand: frozenset[str], where: str) -> _Statements:
    parts = [_PAYMENT, *(_JOINS[path] for path in _JOINS if path in expand)]
    aliases = {alias for _, alias, _, _ in parts}
    versions = ", ".join(f'{f"{alias}.xmin" if alias in aliases else "NULL::xid"} AS "{alias}.xmin"' for alias in _VERSIONED)
    selected = ", ".join(_shown_of(alias, kind, name) for kind, alias, name, _ in parts)
    rest = (
        f"FROM payments_intent i {' '.join(join for *_, join in parts)} WHERE {where}"  # lint: allow sql-text because both come from below
    )
    ids = f"SELECT {versions}, i.id {rest}"  # lint: allow sql-text because aliases and columns are ours
    whole = f"SELECT {versions}, {selected} {rest}"  # lint: allow sql-text because aliases and columns are ours
    return _Statements(ids, whole, _places(parts))


def _places(parts: list[_Join]) -> Places:
    sent = [f"{name}.{field}" for kind, _, name, _ in parts for field in _sent(kind, name)]
    at = {column: place for place, column in enumerate(sent, len(_VERSIONED))}
    places = []
    for kind, alias, name, _ in parts:
        same = {field: f"intent.{ours}" for field, ours in _SAME.get(name, {}).items()}
        columns = itemgetter(*[at[same.get(field, f"{name}.{field}")] for field in rows.shown_columns(kind)])
        places.append((rows.shown(kind), name, _VERSIONED.index(alias), columns))
    return tuple(places)


def _version(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The versions and the id: what else a row holds follows from these."""
    return row[: len(_VERSIONED) + 1]


def _made(row: tuple[Any, ...], places: Places) -> bytes:
    # Without a version there is no row.
    found: Json = {name: kind(*columns(row)) for kind, name, version, columns in places if row[version] is not None}
    version, shown = _version(row), documents.encode(objects.payment_intent(found.pop("intent"), **found))
    # Numbers of transactions that are bytes are from the wire, where each statement is a transaction of its own.
    if type(version[0]) is bytes:
        _shown.keep(version, shown, len(shown))
    return shown


def retrieve_payment_intent(caller: Caller, intent_id: UUID, expand: frozenset[str]) -> Flow[bytes]:
    """Its JSON.  Raises: NotFound."""
    read = _intents(expand, "i.id = %(id)s AND i.merchant_id = %(merchant)s AND i.livemode = %(livemode)s")
    found = yield Tuples(read.whole, {"id": intent_id, "merchant": caller.merchant_id, "livemode": caller.livemode})
    if not found:
        raise NotFound(kind="payment_intent", id=encode("pi", intent_id))
    return _shown.get(_version(found[0])) or _made(found[0], read.places)


def list_payment_intents(caller: Caller, at: Keyset, expand: frozenset[str], *, customer_id: UUID | None) -> Flow[list[bytes]]:
    """The JSON of the page's objects, and one more where there are more."""
    # Merchant and order are written so that no index but those by merchant gives that order: in one of ids alone, whoever
    # has not been paid for a year is found behind everybody else's year, and the plan is made for any merchant.
    where = f"i.merchant_id = ANY(ARRAY[%(merchant)s]::uuid[]) AND i.livemode = %(livemode)s AND {at.condition}"
    if customer_id is not None:
        where += " AND i.customer_id = %(customer)s"
    params = {**at.params, "merchant": caller.merchant_id, "livemode": caller.livemode, "customer": customer_id}
    # The limit is part of the text: a plan for any limit would be one for a tenth of the table.
    order = f"i.merchant_id {'ASC' if at.backwards else 'DESC'}, {at.order}"
    read = _intents(expand, f"{where} ORDER BY {order} LIMIT {at.fetch}")
    return (yield from _page(read, params, (caller.merchant_id, caller.livemode, expand)))


def _page(read: _Statements, params: Json, reader: tuple[Any, ...]) -> Flow[list[bytes]]:
    """Whose last page was known whole is asked for versions first; if one is new, the page is read whole, by one statement, so that
    all of it is of the same moment."""
    if _read_again.get(reader):
        known = _shown.all((yield Tuples(read.versions, params)))
        if known is not None:
            return known
    found = yield Tuples(read.whole, params)
    shown = [_shown.get(_version(row)) for row in found]
    _read_again.keep(reader, None not in shown, 1)
    return [text or _made(row, read.places) for text, row in zip(shown, found, strict=True)]


def intent_with(intent: Intent, expand: frozenset[str], **known: Any) -> Flow[PaymentIntent]:
    """`intent` rendered with what `expand` asks for; rows that are not `known` are read."""
    found: Json = {}
    for path, id in (
        ("customer", intent.customer_id),
        ("payment_method", intent.payment_method_id),
        ("latest_charge", intent.latest_charge_id),
    ):
        if path not in expand or id is None:
            continue
        kind, _, name, _ = _JOINS[path]
        row = known.get(name)
        found[name] = row if row is not None and row.id == id else (yield from one(kind, id))
    charge: Charge | None = found.get("charge")
    if charge is not None and "latest_charge.balance_transaction" in expand and charge.balance_transaction_id:
        found["transaction"] = known.get("transaction") or (yield from one(BalanceTransaction, charge.balance_transaction_id))
    return objects.payment_intent(intent, **found)


_TABLES: dict[type[Struct], str] = {
    Customer: "payments_customer",
    PaymentMethod: "payments_payment_method",
    Charge: "payments_charge",
    Intent: "payments_intent",
    BalanceTransaction: "payments_balance_transaction",
}


def one(kind: type[Struct], id: UUID) -> Flow[Any]:
    """The row of that kind and id, whoever has it; or None."""
    found = yield Rows(f"SELECT {columns_of('x', kind)} FROM {_TABLES[kind]} x WHERE x.id = %s", [id])
    return rows.read(kind, found[0]) if found else None


def owned(kind: type[Struct], caller: Caller, id: UUID) -> Flow[Any]:
    """The caller's row of that kind and id, or None."""
    statement = f"SELECT {columns_of('x', kind)} FROM {_TABLES[kind]} x WHERE x.id = %s AND x.merchant_id = %s AND x.livemode = %s"
    found = yield Rows(statement, [id, caller.merchant_id, caller.livemode])
    return rows.read(kind, found[0]) if found else None


def retrieve_balance(caller: Caller) -> Flow[Json]:
    """What the caller has, per currency. Money on hold for a refund is not counted."""
    found = yield Rows(_BALANCES, {"merchant": caller.merchant_id, "livemode": caller.livemode})
    amounts = [(row["currency"], row["available"], row["pending"]) for row in found]
    return objects.balance(amounts or [(caller.default_currency, 0, 0)], livemode=caller.livemode)


_BALANCES = """
SELECT a.currency, coalesce(sum(b.posted - b.held) FILTER (WHERE a.name = 'available'), 0)::bigint AS available,
       coalesce(sum(b.posted - b.held) FILTER (WHERE a.name = 'pending'), 0)::bigint AS pending
FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
WHERE a.merchant_id = %(merchant)s AND a.livemode = %(livemode)s AND a.name IN ('available', 'pending')
GROUP BY a.currency ORDER BY a.currency
"""
