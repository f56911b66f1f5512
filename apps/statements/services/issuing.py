"""Making statements: claimed, numbered, rendered, stored, announced.

Each step leaves rows from which the next can start again, so a process may die anywhere: a lease runs
out, another worker takes over, finds the number and the frozen data, and renders the same bytes.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from apps.core import clock, db, ids
from apps.core.errors import FlorinError
from apps.events.services import emit
from apps.merchants import selectors as merchants
from apps.statements import domain, selectors
from apps.statements.domain import DataSet, Unbalanced
from apps.statements.errors import FileLost, LeaseLost, StatementDoesNotAddUp
from apps.statements.models import Data, Delivery, Statement, Work
from apps.statements.renderers import csv_, pdf
from apps.statements.services import files

log = logging.getLogger(__name__)
LEASE_S = 120.0


def work_off(*, work_ids: Sequence[str] | None = None, limit: int | None = None) -> int:
    """The statements of `work_ids` that are due (of all work, without it) are issued, one after another
    until none is left or `limit` were tried; returns how many were tried. One that fails is tried again
    after a pause and parked after the fifth time; it does not disturb the others.

    Call it outside any transaction. Emits: statement.created.
    """
    tried = 0
    while (limit is None or tried < limit) and (work := _claim(work_ids)) is not None:
        _attempt(work)
        tried += 1
    return tried


def _claim(work_ids: Sequence[str] | None) -> dict[str, Any] | None:
    command = {"ids": None if work_ids is None else list(work_ids), "lease_s": LEASE_S}
    taken: dict[str, Any] | None = db.call("statements_claim", [command])[0]["ok"]
    return taken


def _attempt(work: dict[str, Any]) -> None:
    try:
        _issue(work)
    except LeaseLost:
        log.info("statement work %s was taken over", work["id"])
    except Exception as error:
        log.exception("statement work %s failed", work["id"])
        _postpone(work, error)


def _issue(work: dict[str, Any]) -> None:
    statement = _numbered(work)
    data = domain.restored(selectors.body(statement["id"]))
    pdf_sha256, csv_sha256 = _stored(data, statement)
    _complete(work, statement, pdf_sha256, csv_sha256)


def _numbered(work: dict[str, Any]) -> dict[str, Any]:
    """The statement of this work with its number and frozen data: found, or made now."""
    if work["statement_id"]:
        return selectors.row(UUID(work["statement_id"]))
    merchant_id, month = UUID(work["merchant_id"]), date.fromisoformat(work["month"])
    data = selectors.data_set(merchant_id=merchant_id, livemode=work["livemode"], currency=work["currency"], month=month)
    try:
        domain.verify(data)
    except Unbalanced as error:
        raise StatementDoesNotAddUp(month=f"{month:%Y-%m}", reason=str(error)) from error
    outcome = db.call("statements_number", [_command(work, data)])[0]
    if "error" in outcome:
        raise LeaseLost()
    return selectors.row(UUID(outcome["ok"]["id"]))


def _command(work: dict[str, Any], data: DataSet) -> dict[str, Any]:
    body = domain.canonical(data)
    return {
        "work_id": work["id"],
        "attempt": work["attempts"],
        "id": ids.new_id(),
        "series": domain.series(clock.today(), livemode=data.livemode),
        "opening": data.opening,
        "closing": data.closing,
        "totals": {row.name: row.amount for row in data.rows},
        "lines": len(data.lines),
        "postings": data.postings,
        "data_sha256": domain.digest(body),
        "body": body.decode(),
        "issued_at": datetime.fromtimestamp(int(clock.timestamp()), UTC),
    }


def _stored(data: DataSet, statement: dict[str, Any]) -> tuple[str, str]:
    cover = domain.cover(statement)
    return files.store(pdf.render(data, cover), suffix="pdf"), files.store(csv_.render(data, cover), suffix="csv")


def _complete(work: dict[str, Any], statement: dict[str, Any], pdf_sha256: str, csv_sha256: str) -> None:
    """Locks: the work, then the statement. Emits: statement.created."""
    with transaction.atomic(durable=True):
        mine = Work.objects.filter(id=work["id"], state="pending", attempts=work["attempts"])
        if not mine.update(state="done", finished_at=Now(), lease_until=None, last_error=""):
            raise LeaseLost()
        fresh = Statement.objects.filter(id=statement["id"], status=Statement.NUMBERED)
        if fresh.update(status=Statement.ISSUED, pdf_sha256=pdf_sha256, csv_sha256=csv_sha256):
            _announce(selectors.row(statement["id"]))


def _announce(statement: dict[str, Any]) -> None:
    merchant = merchants.merchant(statement["merchant_id"])
    Delivery.objects.create(statement_id=statement["id"], recipient=merchant.email, message_id=domain.message_id(statement))
    emit(
        merchant_id=statement["merchant_id"],
        livemode=statement["livemode"],
        type="statement.created",
        object_id=statement["id"],
        sequence=statement["version"],
        data=domain.statement_object(statement),
    )


def _postpone(work: dict[str, Any], error: Exception) -> None:
    pause = domain.retry_pause(work["attempts"])
    # The text of a foreign error may quote an address; the log, which is redacted, has it.
    said = str(error)[:500] if isinstance(error, FlorinError) else type(error).__name__
    mine = Work.objects.filter(id=work["id"], state="pending", attempts=work["attempts"])
    if pause is None:
        mine.update(state="parked", finished_at=Now(), lease_until=None, last_error=said)
    else:
        mine.update(lease_until=None, last_error=said, next_attempt_at=Now() + timedelta(seconds=pause))


def file(statement: dict[str, Any], *, suffix: str) -> bytes:
    """The issued file (`pdf` or `csv`), byte for byte. One that is missing or damaged on disk is made
    again from the frozen data.  Raises: FileLost."""
    wanted: str = statement[f"{suffix}_sha256"]
    content = files.read(wanted, suffix=suffix)
    if content is None:
        content = _made_again(statement, suffix)
        if files.store(content, suffix=suffix) != wanted:
            raise FileLost(number=statement["number"])
    return content


def _made_again(statement: dict[str, Any], suffix: str) -> bytes:
    body = Data.objects.values_list("body", flat=True).get(statement_id=statement["id"])
    render = {"pdf": pdf.render, "csv": csv_.render}[suffix]
    return render(domain.restored(body), domain.cover(statement))
