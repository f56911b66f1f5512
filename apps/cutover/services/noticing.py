"""Who is told of a change that was made automatically: each change once, or again after a death."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now

from apps.cutover.models import Change, Notice

_CHANGE = "cutover.change_switch"
# A change of yesterday is on the home page; a letter about it would come too late.
_CLAIM = """
INSERT INTO cutover_notice (change_id, claimed_at)
SELECT c.id, now() FROM cutover_change c
WHERE c.actor = 'automatic' AND c.at > now() - interval '1 day'
ORDER BY c.id
ON CONFLICT (change_id) DO UPDATE SET claimed_at = now()
    WHERE cutover_notice.told_at IS NULL AND cutover_notice.claimed_at < now() - interval '2 minutes'
RETURNING change_id
"""


def claim_untold() -> list[Change]:
    """Automatic changes of the last day that nobody was told of and nobody is telling, oldest first; they are the caller's
    for two minutes.  Locks: their notices."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        claimed = [change_id for (change_id,) in cursor.fetchall()]
    return list(Change.objects.filter(id__in=claimed).order_by("id"))


def finish_telling(change_ids: Sequence[int]) -> None:
    """They have been told, and are not claimed again."""
    Notice.objects.filter(change_id__in=change_ids).update(told_at=Now())


def addresses() -> list[tuple[int, str]]:
    """(user's id, address) of the staff who may throw switches and have an address."""
    users = User.objects.with_perm(_CHANGE, backend="django.contrib.auth.backends.ModelBackend")
    return list(users.filter(is_staff=True).exclude(email="").order_by("id").values_list("id", "email"))
