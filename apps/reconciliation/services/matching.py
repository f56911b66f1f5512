"""Runs the stages over what is open, a chunk to a transaction. Killed at any point, the next run goes on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import DataError, IntegrityError, OperationalError, connection

from apps.reconciliation.domain import Matched
from apps.reconciliation.services.asking import ask

Progress = Callable[[str, Matched], None]

CHUNK: Final = 500
_TRIES: Final = 4
_STAGES: Final = {"settlement": "recon_match_settlement", "bank": "recon_match_bank"}
log = structlog.get_logger(__name__)


def match_open_lines(*, actor: str, progress: Progress = lambda stage, done: None) -> Matched:
    """Afterwards every open line was looked at: what belongs together is in a group and posted, the rest has a break
    with its reason. A run with nothing new changes nothing. `progress` is told the stage and its sum so far.

    Locks: one matcher at a time, per chunk; then ledger accounts. Posts: settlement, bank_receipt and their reversals.
    """
    done = Matched(reversed=_patiently("recon_reverse_changed_payouts", actor))
    for hop, function in _STAGES.items():
        done = done.plus(_run_stage(hop, function, actor, progress))
    return done.plus(_find_overdue(progress))


def _run_stage(hop: str, function: str, actor: str, progress: Progress) -> Matched:
    done, after, size = Matched(), None, CHUNK
    while True:
        try:
            answer = _patiently(function, after, size, actor)
        except (IntegrityError, DataError) as error:
            # One line that cannot be written must not stop the others: find it, set it aside, go on.
            if size > 1:
                size //= 4
                continue
            reason = _first_line(error)
            log.error("a line was set aside", hop=hop, after=after, reason=reason)
            after, size = _patiently("recon_set_aside", hop, after, reason), CHUNK
            continue
        if answer["last"] is None:
            return done
        after, size = answer["last"], CHUNK
        done = done.plus(Matched(answer["looked"], answer["groups"], answer["reversed"], answer["breaks"]))
        progress(hop, done)


def _find_overdue(progress: Progress) -> Matched:
    done = Matched(breaks=_patiently("recon_sweep_payouts"))
    while True:
        answer = _patiently("recon_sweep_movements", CHUNK * 10)
        done = done.plus(Matched(breaks=answer["breaks"]))
        if not answer["looked"]:
            return done
        progress("overdue", done)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _patiently(function: str, *values: Any) -> Any:
    """The answer of one function, in a transaction of its own. Whoever is in the way is waited for a few times."""
    for _ in range(_TRIES - 1):
        try:
            return ask(function, *values)
        except OperationalError as error:
            log.info("tried again", function=function, error=_first_line(error))
    return ask(function, *values)


def claim_job(*, job: str, period: datetime | None = None) -> bool:
    """True for the one caller who is to do `job` for `period`, this minute by the database's clock if None. Claims of
    the last week are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_job (job, period) VALUES (%s, coalesce(%s, date_trunc('minute', clock_timestamp()))) ON CONFLICT DO NOTHING",
            [job, period],
        )
        claimed = bool(cursor.rowcount == 1)
        cursor.execute("DELETE FROM recon_job WHERE job = %s AND period < clock_timestamp() - interval '7 days'", [job])
    return claimed
