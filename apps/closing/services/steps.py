"""The steps of a month end. Each looks at the books, does its part and returns its evidence; done
again, it finds its part done. What must not be closed raises CloseBlocked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from apps.closing.errors import CloseBlocked
from apps.core.audit import Check
from apps.ledger import audit as ledger_audit
from apps.ledger import selectors as ledger
from apps.ledger import services as ledger_services
from apps.statements import selectors as statements
from apps.statements import services as statement_services
from apps.statements.domain import HELD


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a step found. It is finished when `done` is `total`."""

    evidence: dict[str, Any] = field(default_factory=dict)
    done: int = 1
    total: int = 1


def pre_check(month: date) -> Result:
    """The month is over and next in line (checked when the run was started, and again here)."""
    return Result(evidence=ledger.month_summary(month))


def cut_off(month: date) -> Result:
    """Nothing new is booked into the month; whoever was booking has finished.  Locks: the month, alone."""
    return Result(evidence={"period": _set_period(month, "cutoff")})


def trial_balance(month: date) -> Result:
    """Debits equal credits in every currency, and the ledger's own promises hold."""
    totals = _totals(month)
    wrong = [total for total in totals if total["debit"] != total["credit"] or total["balance"]]
    if wrong:
        raise CloseBlocked(reason=f"The trial balance of {month:%Y-%m} is not zero in {wrong[0]['currency']}.", found={"totals": totals})
    return Result(evidence={"totals": totals, "checks": _invariants()})


def lock(month: date) -> Result:
    """The month is closed, and what its trial balance was is on record.  Locks: the month, alone."""
    period = _set_period(month, "closed")
    snapshot = orjson.dumps(ledger.trial_balance(month=month), default=str, option=orjson.OPT_SORT_KEYS)
    return Result(evidence={"period": period, "trial_balance_sha256": hashlib.sha256(snapshot).hexdigest()})


def make_statements(month: date) -> Result:
    """Every account's statement is planned; finished when all of them are issued."""
    counts = statements.progress(month)
    if not any(counts.values()):
        statement_services.plan(month=month)
        counts = statements.progress(month)
    if counts["parked"] and not counts["pending"]:
        given_up = [f"{row['currency']} of {row['merchant_id']}: {row['last_error']}" for row in statements.parked(month)]
        raise CloseBlocked(reason=f"{counts['parked']} statements were given up.", found={"given_up": given_up, **counts})
    return Result(evidence=counts, done=counts["done"], total=sum(counts.values()))


def finish(month: date) -> Result:
    """Nothing is missing, and what the statements say in sum is what the ledger owes the merchants."""
    issued = statements.issued_in(month)
    missing = set(statements.accounts_at_end_of(month)) - {(row["merchant_id"], row["livemode"], row["currency"]) for row in issued}
    if missing:
        raise CloseBlocked(
            reason=f"{len(missing)} accounts have no statement for {month:%Y-%m}.", found={"missing": sorted(map(str, missing))[:50]}
        )
    stated, owed = _stated(issued), _owed(month)
    if stated != owed:
        raise CloseBlocked(reason="The statements do not add up to the ledger.", found={"statements": stated, "ledger": owed})
    return Result(evidence={"statements": len(issued), "balances": stated, "numbers": _numbers(issued)})


WORK: dict[str, Callable[[date], Result]] = {
    "pre_check": pre_check,
    "cut_off": cut_off,
    "trial_balance": trial_balance,
    "lock": lock,
    "statements": make_statements,
    "finish": finish,
}


def _stated(issued: list[dict[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in issued:
        name = _purse(livemode=row["livemode"], currency=row["currency"])
        sums[name] = sums.get(name, 0) + row["closing"]
    return sums


def _set_period(month: date, status: str) -> dict[str, Any]:
    # A month without entries may be closed because a later one is; it then stays as it is.
    if ledger.is_closed(month):
        return {"month": month.isoformat(), "status": "closed"}
    return ledger_services.set_period(month=month, status=status)


def _owed(month: date) -> dict[str, int]:
    """What the ledger owes all merchants at the end of the month, by mode and currency."""
    sums: dict[str, int] = {}
    for row in ledger.trial_balance(month=month):
        if row["name"] in HELD:
            name = _purse(livemode=row["livemode"], currency=row["currency"])
            sums[name] = sums.get(name, 0) - row["balance"]
    return sums


def _purse(*, livemode: bool, currency: str) -> str:
    return f"{'live' if livemode else 'test'} {currency}"


def _totals(month: date) -> list[dict[str, Any]]:
    """The month's debits and credits, and the sum of all balances at its end, by mode and currency."""
    sums: dict[str, dict[str, Any]] = {}
    for row in ledger.trial_balance(month=month):
        name = _purse(livemode=row["livemode"], currency=row["currency"])
        total = sums.setdefault(name, {"currency": name, "debit": 0, "credit": 0, "balance": 0})
        for side in ("debit", "credit", "balance"):
            total[side] += row[side]
    return list(sums.values())


def _invariants() -> list[str]:
    """The names of the ledger's checks, all of which held.  Raises: CloseBlocked."""
    for check in _checks():
        offenders = check.offenders()
        if offenders:
            raise CloseBlocked(reason=f"The ledger breaks a promise: {check.name}.", found={"offenders": [str(row) for row in offenders]})
    return [check.name for check in _checks()]


def _checks() -> list[Check]:
    return [check for check in ledger_audit.CHECKS if not check.strict_only]


def _numbers(issued: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The first and the last number of each series."""
    numbers: dict[str, list[str]] = {}
    for row in issued:
        numbers.setdefault(row["series"], [row["number"], row["number"]])[1] = row["number"]
    return numbers
