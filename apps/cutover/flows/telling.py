"""Staff are told of endpoints that were turned classic by themselves."""

from collections.abc import Sequence
from itertools import groupby

import structlog
from django.conf import settings
from django.urls import reverse

from apps.cutover import services
from apps.cutover.models import Change
from apps.cutover.renderers.letters import Letter, rolled_back
from apps.events.gateways import mail

log = structlog.get_logger(__name__)


def tell_rollbacks() -> int:
    """Everybody who may throw switches has a letter about each automatic change that was not told yet; changes of one
    endpoint for one reason share a letter. A repeat has the same Message-ID. Returns how many letters went out.
    Raises: OSError or SMTPException while the mail server is away."""
    claimed, to = services.claim_untold(), services.addresses()
    if claimed and not to:
        log.error("cutover.nobody_to_tell", changes=[change.id for change in claimed])
    told = 0
    for _, group in groupby(claimed, key=lambda change: (change.endpoint, change.reason)):
        changes = list(group)
        told += _told(changes, to)
        services.finish_telling([change.id for change in changes])
    return told


def _told(changes: Sequence[Change], to: Sequence[tuple[int, str]]) -> int:
    letter = _letter(changes)
    for user_id, address in to:
        mail.send(to=address, subject=letter.subject, text=letter.text, message_id=f"cutover-rollback.{changes[0].id}.{user_id}")
    return len(to)


def _letter(changes: Sequence[Change]) -> Letter:
    first = changes[0]
    page = f"{settings.PUBLIC_BASE_URL}{reverse('admin:cutover_switch_changelist')}"
    lines = [change.what for change in changes]
    return rolled_back(
        endpoint=first.endpoint,
        at=f"{first.at:%Y-%m-%d %H:%M:%S}",
        reason=first.reason.removeprefix(f"{services.AUTOMATIC}: "),
        changes=lines,
        page=page,
    )
