"""Samples, compared one by one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from apps.cutover import services
from apps.cutover.domain.comparing import DIFFERENT, SKIPPED, Finding, Verdict, judged_read
from apps.cutover.domain.samples import Taken
from apps.cutover.flows.answering import classic, hot
from apps.cutover.flows.rehearsing import rehearsed

log = structlog.get_logger(__name__)

BATCH = 20
UNAVAILABLE = 503


def compare_due(*, seconds: float) -> int:
    """Samples that wait are compared, for about `seconds`; others may do the same at once. Whoever finds
    a difference judges its endpoint at once. Returns how many were compared."""
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        claimed = services.claim_samples(limit=BATCH)
        if DIFFERENT in [_finished(taken) for taken in claimed]:
            services.roll_back_where_due()
        done += len(claimed)
        if len(claimed) < BATCH:
            break
    return done


def _finished(taken: Taken) -> Verdict:
    """What came of it. One whose comparison fails is tried again when its lease is over, and no other with it."""
    try:
        finding = compared(taken)
        services.finish_sample(taken=taken, finding=finding)
    except (InterfaceError, OperationalError):
        raise  # it is the database's fault: the others would fare no better
    except Exception as error:
        log.exception("shadow.not_compared", endpoint=taken.endpoint, error=type(error).__name__)
        return SKIPPED
    return finding.verdict


def compared(taken: Taken) -> Finding:
    """What comes of one sample. A sample that has cost workers their lives is not tried again."""
    if taken.attempts > services.TRIES:
        log.error("shadow.poison", endpoint=taken.endpoint, request_id=taken.asked.caller.request_id)
        return Finding(SKIPPED, "its comparison never ended")
    return _read(taken) if taken.asked.method == "GET" else rehearsed(taken)


def _read(taken: Taken) -> Finding:
    with snapshot():
        ours, theirs = hot(taken.asked), classic(taken.asked)
    if UNAVAILABLE in (ours.status, theirs.status):
        return Finding(SKIPPED, "the database was not available")
    return judged_read(taken.sent, ours, theirs)


@contextmanager
def snapshot() -> Iterator[None]:
    """Inside, nothing changes and nothing can be changed: two answers that differ are two answers to one
    question."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        yield
