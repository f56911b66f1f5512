"""Questions about statements, and the figures that a new one needs."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core import db, ids
from apps.core.api.lists import Keyset
from apps.core.errors import NotFound
from apps.core.money import exponent
from apps.merchants import selectors as merchants
from apps.merchants.models import Merchant
from apps.statements import domain
from apps.statements.domain import DataSet, Movement, Party, Previous
from apps.statements.errors import MonthStillOpen
from apps.statements.models import Data, Statement

_VISIBLE = "status <> 'numbered'"


def next_month(month: date) -> date:
    """The first day of the month after the one that starts on `month`."""
    return (month + timedelta(days=32)).replace(day=1)


def row(statement_id: UUID | str) -> dict[str, Any]:
    """The statement's row, whoever's it is: for the platform's own use."""
    return db.query("SELECT * FROM statements_statement WHERE id = %s", [statement_id])[0]


def body(statement_id: UUID) -> str:
    """The canonical text of the statement's frozen data."""
    return Data.objects.values_list("body", flat=True).get(statement_id=statement_id)


def merchant_statement(*, merchant_id: UUID, livemode: bool, statement_id: UUID) -> dict[str, Any]:
    """The merchant's issued statement.  Raises: NotFound."""
    found = db.query(
        f"SELECT * FROM statements_statement WHERE id = %s AND merchant_id = %s AND livemode = %s AND {_VISIBLE}",
        [statement_id, merchant_id, livemode],
    )
    if not found:
        raise NotFound(param="id", kind="statement", id=ids.encode("stmt", statement_id))
    return found[0]


def merchant_statements(*, merchant_id: UUID, livemode: bool, month: date | None, currency: str | None, at: Keyset) -> list[dict[str, Any]]:
    """A page of the merchant's issued statements."""
    wanted = [_VISIBLE, "merchant_id = %(merchant)s", "livemode = %(livemode)s", at.condition]
    wanted += ["month = %(month)s"] if month else []
    wanted += ["currency = %(currency)s"] if currency else []
    statement = f"SELECT * FROM statements_statement WHERE {' AND '.join(wanted)} ORDER BY {at.order} LIMIT %(fetch)s"
    values = {"merchant": merchant_id, "livemode": livemode, "month": month, "currency": currency, "fetch": at.fetch}
    return db.query(statement, {**at.params, **values})


def file_name(statement: dict[str, Any], suffix: str) -> str:
    """What the file is called when it is saved: no text of anybody's choosing is in it."""
    return f"statement-{statement['number']}-{statement['month']:%Y-%m}-{statement['currency']}.{suffix}"


def progress(month: date) -> dict[str, int]:
    """How many pieces of the month's work there are, by state."""
    counts = {"pending": 0, "done": 0, "parked": 0}
    for found in db.query("SELECT state, count(*) AS number FROM statements_work WHERE month = %s GROUP BY state", [month]):
        counts[found["state"]] = found["number"]
    return counts


def parked(month: date) -> list[dict[str, Any]]:
    """The month's statements that were given up, and why (at most 50)."""
    return db.query(
        "SELECT merchant_id, livemode, currency, last_error FROM statements_work WHERE month = %s AND state = 'parked' ORDER BY id LIMIT 50",
        [month],
    )


def work_to_do(*, month: date | None = None, limit: int = 10_000) -> list[str]:
    """Work that is due and that nobody holds, oldest first."""
    of_month = "AND month = %(month)s" if month else ""
    rows = db.query(
        f"""SELECT id FROM statements_work WHERE state = 'pending' AND next_attempt_at <= clock_timestamp()
            AND (lease_until IS NULL OR lease_until < clock_timestamp()) {of_month} ORDER BY id LIMIT %(limit)s""",
        {"month": month, "limit": limit},
    )
    return [str(found["id"]) for found in rows]


def mails_to_send(*, limit: int = 10_000) -> list[str]:
    """Mails that are due and that nobody holds, oldest first."""
    rows = db.query(
        """SELECT id FROM statements_delivery WHERE next_attempt_at <= clock_timestamp()
           AND (state = 'pending' OR (state = 'sending' AND lease_until < clock_timestamp())) ORDER BY id LIMIT %(limit)s""",
        {"limit": limit},
    )
    return [str(found["id"]) for found in rows]


def issued_in(month: date) -> list[dict[str, Any]]:
    """The month's current statements, by number."""
    return db.query("SELECT * FROM statements_statement WHERE month = %s AND status = 'issued' ORDER BY series, serial", [month])
