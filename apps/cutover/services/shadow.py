"""Samples are claimed, compared elsewhere, and finished: counted, and stored where they differ."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from apps.core import db
from apps.cutover.domain.comparing import DIFFERENT, MOVED_ON, SKIPPED, Finding, Told, kept
from apps.cutover.domain.samples import Asked, Taken, caller_of
from apps.cutover.models import Difference, Sample, ShadowRate

KEPT_DAYS = 30
# One comparison takes a fraction of a second.
LEASE_S = 60
# A sample that killed its worker so often is let go.
TRIES = 3


def claim_samples(*, limit: int) -> list[Taken]:
    """Up to `limit` samples that nobody else compares for the next minute, oldest first.

    Locks: samples that nobody else holds (SKIP LOCKED).
    """
    found = db.query(
        "UPDATE cutover_sample s SET lease_until = clock_timestamp() + make_interval(secs => %s), attempts = s.attempts + 1"
        " WHERE s.id = ANY (ARRAY(SELECT id FROM cutover_sample WHERE lease_until IS NULL OR lease_until < clock_timestamp()"
        " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)) RETURNING s.*",
        [LEASE_S, limit],
    )
    return [_taken(row) for row in sorted(found, key=lambda row: str(row["id"]))]


def _taken(row: db.Row) -> Taken:
    names = ("method", "path", "query", "headers")
    asked = Asked(caller=caller_of(row["caller"]), body=bytes(row["body"]), **{name: row[name] for name in names})
    sent = Told(row["status"], row["content_type"], bytes(row["answer"]))
    return Taken(id=row["id"], endpoint=row["endpoint"], asked=asked, sent=sent, read_at=row["read_at"], attempts=row["attempts"])


def finish_sample(*, taken: Taken, finding: Finding) -> None:
    """The sample is gone and counted, and its difference is kept. Does nothing if somebody else has
    finished it meanwhile."""
    with transaction.atomic(durable=True):
        deleted, _ = Sample.objects.filter(id=taken.id).delete()
        if not deleted:
            return
        db.call("cutover_count", [_counts(taken, finding)])
        if finding.verdict == DIFFERENT and finding.hot and finding.classic:
            _difference(taken, finding, finding.hot, finding.classic).save(force_insert=True)


def _counts(taken: Taken, finding: Finding) -> db.Command:
    verdict = finding.verdict
    return {
        "endpoint": taken.endpoint,
        "read_at": taken.read_at,
        "compared": int(verdict != SKIPPED),
        "differing": int(verdict == DIFFERENT),
        "moved_on": int(verdict == MOVED_ON),
        "skipped": int(verdict == SKIPPED),
        "dropped": 0,
    }


def _difference(taken: Taken, finding: Finding, hot: Told, classic: Told) -> Difference:
    asked = taken.asked
    hot_body, classic_body = kept(hot.body, classic.body)
    return Difference(
        endpoint=taken.endpoint,
        merchant_id=asked.caller.merchant_id,
        livemode=asked.caller.livemode,
        request_id=asked.caller.request_id,
        method=asked.method,
        path=asked.path,
        query=asked.query,
        what=finding.what[:500],
        hot_status=hot.status,
        hot_body=hot_body,
        classic_status=classic.status,
        classic_body=classic_body,
        read_at=taken.read_at,
        compared_at=Now(),
    )


def explain_difference(*, ids: Sequence[UUID], by: str, note: str) -> int:
    """The differences are marked as seen, with `note` as the reason. Returns how many were not before."""
    return Difference.objects.filter(id__in=ids, explained_at=None).update(explained_at=Now(), explained_by=by, note=note)


def set_shadow_rate(*, endpoint: str, percent: Decimal, by: str) -> None:
    """From the next five seconds on, `percent` of the endpoint's hot requests are compared."""
    ShadowRate.objects.update_or_create(endpoint=endpoint, defaults={"percent": percent, "changed_by": by})


def forget_old(*, days: int = KEPT_DAYS) -> int:
    """Counts older than two hours are folded into hours; what is older than `days` is deleted. Returns
    how many rows went."""
    return int(db.call("cutover_forget", [{"days": days}])[0]["ok"]["deleted"])
