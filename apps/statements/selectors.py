"""Questions about statements, and the figures that a new one needs."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

from babel import Locale
from django.conf import settings

from apps.core import db, ids
from apps.core.api.lists import Keyset
from apps.core.errors import NotFound
from apps.core.money import exponent
from apps.ledger import selectors as ledger
from apps.merchants import selectors as merchants
from apps.merchants.models import Merchant
from apps.statements import domain
from apps.statements.domain import DataSet, Movement, Party, Previous
from apps.statements.errors import MonthStillOpen
from apps.statements.models import Data, Statement

Row = dict[str, Any]
_VISIBLE = "status <> 'numbered'"


class _Purse(TypedDict):
    merchant_id: UUID
    livemode: bool
    currency: str


def next_month(month: date) -> date:
    """The first day of the month after the one that starts on `month`."""
    return (month + timedelta(days=32)).replace(day=1)


def _statements(condition: str, params: list[Any] | Row) -> list[Row]:
    """Rows of statements. `condition` is SQL of ours and may go on with an order."""
    return db.query(f"SELECT * FROM statements_statement WHERE {condition}", params)  # lint: allow sql-text because callers are below


def row(statement_id: UUID | str) -> Row:
    """The statement's row, whoever's it is: for the platform's own use."""
    return _statements("id = %s", [statement_id])[0]


def body(statement_id: UUID) -> str:
    """The canonical text of the statement's frozen data."""
    return Data.objects.values_list("body", flat=True).get(statement_id=statement_id)


def merchant_statement(*, merchant_id: UUID, livemode: bool, statement_id: UUID) -> Row:
    """The merchant's issued statement.  Raises: NotFound."""
    found = _statements(f"id = %s AND merchant_id = %s AND livemode = %s AND {_VISIBLE}", [statement_id, merchant_id, livemode])
    if not found:
        raise NotFound(param="id", kind="statement", id=ids.encode("stmt", statement_id))
    return found[0]


def merchant_statements(*, merchant_id: UUID, livemode: bool, month: date | None, currency: str | None, at: Keyset) -> list[Row]:
    """A page of the merchant's issued statements."""
    wanted = [_VISIBLE, "merchant_id = %(merchant)s", "livemode = %(livemode)s", at.condition]
    wanted += ["month = %(month)s"] if month else []
    wanted += ["currency = %(currency)s"] if currency else []
    values = {"merchant": merchant_id, "livemode": livemode, "month": month, "currency": currency, "fetch": at.fetch}
    return _statements(
        f"{' AND '.join(wanted)} ORDER BY {at.order} LIMIT %(fetch)s",  # lint: allow sql-text because all are written above
        {**at.params, **values},
    )


def file_name(statement: dict[str, Any], suffix: str) -> str:
    """What the file is called when it is saved: no text of anybody's choosing is in it."""
    return f"statement-{statement['number']}-{statement['month']:%Y-%m}-{statement['currency']}.{suffix}"


def progress(month: date) -> dict[str, int]:
    """How many pieces of the month's work there are, by state."""
    counts = {"pending": 0, "done": 0, "parked": 0}
    for found in db.query("SELECT state, count(*) AS number FROM statements_work WHERE month = %s GROUP BY state", [month]):
        counts[found["state"]] = found["number"]
    return counts


def parked(month: date) -> list[Row]:
    """The month's statements that were given up, and why (at most 50)."""
    return db.query(
        """SELECT merchant_id, livemode, currency, last_error FROM statements_work
           WHERE month = %s AND state = 'parked' ORDER BY id LIMIT 50""",
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


def issued_in(month: date) -> list[Row]:
    """The month's current statements, by number."""
    return _statements("month = %s AND status = 'issued' ORDER BY series, serial", [month])


def pdf_paths(month: date) -> list[Path]:
    """Where the PDFs of the month's statements are, by number."""
    return [path(statement["pdf_sha256"], suffix="pdf") for statement in issued_in(month)]


def path(sha256: str, *, suffix: str) -> Path:
    """Where the file with this hash is, if it is anywhere."""
    return Path(settings.MEDIA_ROOT) / "statements" / sha256[:2] / f"{sha256}.{suffix}"


def accounts_at_end_of(month: date) -> list[tuple[UUID, bool, str]]:
    """(merchant, livemode, currency) of every merchant account that existed by the end of the month."""
    return ledger.merchant_purses(before=next_month(month))


def data_set(*, merchant_id: UUID, livemode: bool, currency: str, month: date) -> DataSet:
    """What the ledger says about the merchant's month.  Raises: MonthStillOpen."""
    if not ledger.is_closed(month):
        raise MonthStillOpen(month=f"{month:%Y-%m}")
    account = _Purse(merchant_id=merchant_id, livemode=livemode, currency=currency)
    opening = ledger.merchant_balances_at(**account, before=month)
    moved = [_movement(found) for found in ledger.merchant_lines(**account, month=month)]
    lines = domain.lines(moved, domain.held(opening))
    return DataSet(
        issuer=issuer(),
        merchant=_party(merchants.merchant(merchant_id)),
        livemode=livemode,
        currency=currency,
        exponent=exponent(currency),
        month=month,
        last_day=next_month(month) - timedelta(days=1),
        time_zone=settings.LEDGER_TIME_ZONE,
        previous=_previous(**account, month=month),
        opening=domain.held(opening),
        rows=domain.bridge(lines),
        closing=domain.held(ledger.merchant_balances_at(**account, before=next_month(month))),
        accounts=domain.accounts(moved, opening),
        fees=domain.fees(lines),
        lines=lines,
        internal_movements=len(moved) - len(lines),
        postings=sum(movement.postings for movement in moved),
    )


def _movement(found: dict[str, Any]) -> Movement:
    return Movement(
        entry=ids.encode("ent", found["entry_id"]),
        booked_on=found["booked_on"],
        kind=found["kind"],
        source=found["source"],
        note=str(found["metadata"].get("description") or ""),
        amounts=found["amounts"],
        fee=found["fee"],
        postings=found["postings"],
    )


def _previous(*, merchant_id: UUID, livemode: bool, currency: str, month: date) -> Previous | None:
    before = Statement.objects.filter(merchant_id=merchant_id, livemode=livemode, currency=currency, month__lt=month)
    found = before.exclude(status=Statement.SUPERSEDED).order_by("-month").first()
    return None if found is None else Previous(number=found.number, closing=found.closing)


def issuer() -> Party:
    """Who issues the statements."""
    address = [part.strip() for part in settings.ISSUER_ADDRESS.split(",")]
    return Party(name=settings.ISSUER_NAME, legal_name=settings.ISSUER_NAME, address=address, tax_id=settings.ISSUER_TAX_ID)


def _party(merchant: Merchant) -> Party:
    return Party(
        id=ids.encode("acct", merchant.id),
        name=merchant.name,
        legal_name=merchant.legal_name,
        address=_address(merchant.address, merchant.country),
        country=merchant.country,
        tax_id=merchant.tax_id,
    )


def _address(address: dict[str, Any], country: str) -> list[str]:
    town = " ".join(str(address[name]) for name in ("postal_code", "city") if address.get(name))
    state = str(address.get("state") or "")
    country_name = Locale("en").territories.get(country, country)
    lines = [address.get("line1"), address.get("line2"), ", ".join(filter(None, (town, state))), country_name]
    return [str(line) for line in lines if line]
