"""The admin's home page: what needs a person now. Every figure is a link; none is counted past 999. Who may not see the
rows behind a figure does not see the figure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core import clock, db
from apps.core.money import format_money
from apps.cutover import selectors as cutover
from config.backoffice import may_view

_CAP = 999


@dataclass(frozen=True)
class Card:
    """`tone` is good, busy or bad; `link` shows the rows behind the figure."""

    title: str
    figure: str
    tone: str
    note: str
    link: str


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by Unfold for the index page. `balances` and `recent` are None for who may not see them."""
    return context | {
        "cards": [card for model, made in _CARDS.items() if may_view(request, model) for card in made()],
        "balances": _books() if may_view(request, "ledger.account") else None,
        "recent": _recent_files() if may_view(request, "reconciliation.sourcefile") else None,
        "today": clock.today(),
    }


def _unknown_card() -> list[Card]:
    many = _count("SELECT FROM payments_attempt WHERE state = 'unknown'")
    note = "payments whose gateway has not answered"
    return [Card("Unknown outcomes", *_figure(many, "busy"), note, _list("payments_attempt", "unknown"))]


def _breaks_card() -> list[Card]:
    many = _count("SELECT FROM recon_break WHERE state = 'open'")
    note = "lines and movements that nothing explains"
    return [Card("Open breaks", *_figure(many, "bad"), note, _list("reconciliation_break", "open"))]


def _files_card() -> list[Card]:
    many = _count("SELECT FROM recon_source_file WHERE status = 'quarantined'")
    return [Card("Quarantined files", *_figure(many, "bad"), "not imported", _list("reconciliation_sourcefile", "quarantined"))]


def _deliveries_card() -> list[Card]:
    many = _count("SELECT FROM events_delivery WHERE state = 'pending' AND attempts > 0")
    return [Card("Webhooks retried", *_figure(many, "busy"), "deliveries that failed at least once", _list("events_delivery"))]


def _count(rows: str) -> int:
    """How many rows there are, at most one more than can be shown: a count never reads a big table."""
    statement = f"SELECT count(*) AS many FROM ({rows} LIMIT {_CAP + 1}) capped"  # lint: allow sql-text because cards name queries of ours
    counted: int = db.query(statement)[0]["many"]
    return counted


def _figure(many: int, otherwise: str) -> tuple[str, str]:
    """(what is shown, its tone)."""
    return f"{many}" if many <= _CAP else f"{_CAP}+", otherwise if many else "good"


def _list(model: str, state: str = "") -> str:
    field = "status" if model.endswith("file") else "state"
    return reverse(f"admin:{model}_changelist") + (f"?{field}__exact={state}" if state else "")


def _close_card() -> list[Card]:
    runs = db.query("SELECT month, state, blocked_by FROM closing_run ORDER BY month DESC LIMIT 1")
    if not runs:
        return [Card("Month end", "—", "good", "no month has been closed yet", _list("closing_run"))]
    last = runs[0]
    tone = {"closed": "good", "blocked": "bad"}.get(last["state"], "busy")
    return [Card("Month end", f"{last['month']:%B %Y}", tone, last["blocked_by"] or last["state"], _list("closing_run"))]


def _cutover_card() -> list[Card]:
    """Only where an endpoint was turned classic by itself and waits for a person."""
    turned = [standing.endpoint for standing in cutover.turned_by_itself()]
    link = _list("cutover_switch")
    return (
        [Card("Endpoints on classic", str(len(turned)), "bad", f"turned classic by themselves: {', '.join(turned)}", link)]
        if turned
        else []
    )


# The rows behind a card → what it shows.
_CARDS: dict[str, Callable[[], list[Card]]] = {
    "payments.attempt": _unknown_card,
    "reconciliation.break": _breaks_card,
    "reconciliation.sourcefile": _files_card,
    "events.delivery": _deliveries_card,
    "closing.run": _close_card,
    "cutover.switch": _cutover_card,
}


def _books() -> list[dict[str, Any]]:
    """What the house's accounts hold, per mode and currency; a handful of rows."""
    rows = db.query(
        """SELECT a.livemode, a.currency, a.name, a.id, sum(b.posted)::bigint AS amount
           FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
           WHERE a.merchant_id IS NULL GROUP BY a.id ORDER BY a.livemode DESC, a.currency, a.name LIMIT 200"""
    )
    return [row | {"shown": format_money(row["amount"], row["currency"])} for row in rows if row["amount"]]


def _recent_files() -> list[dict[str, Any]]:
    return db.query("SELECT id, name, format, status, lines, file_date FROM recon_source_file ORDER BY id DESC LIMIT 8")
