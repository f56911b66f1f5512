"""System checks that refuse a set-up in which money would not be safe."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from apps.core import db


def _problems() -> list[tuple[str, str, str]]:
    """(id, what is wrong, what to do) for the settings as they are."""
    found = []
    if settings.DATABASES["default"].get("ATOMIC_REQUESTS") or settings.ATOMIC_REQUESTS:
        found.append(("florin.E001", "ATOMIC_REQUESTS is on: a transaction would span gateway calls.", "Switch it off."))
    if settings.DATABASES["default"].get("CONN_MAX_AGE"):
        found.append(
            ("florin.E002", "CONN_MAX_AGE is set: under ASGI one connection per thread leaks.", "Leave it 0; the pool keeps connections.")
        )
    return found


def _unsafe_for_production() -> list[tuple[str, str, str]]:
    found = []
    if settings.DEBUG:
        found.append(("florin.E010", "DEBUG is on.", "Use config.settings.prod."))
    if len(settings.SECRET_KEY) < 50 or "not-secret" in settings.SECRET_KEY:
        found.append(
            ("florin.E011", "SECRET_KEY is missing, short or the one for development.", "Set SECRET_KEY to 50 random characters or more.")
        )
    if settings.CLOCK_MAY_MOVE:
        found.append(("florin.E012", "The business clock may be moved.", "Unset CLOCK_MAY_MOVE."))
    if settings.WEBHOOK_ALLOW_PRIVATE:
        found.append(("florin.E013", "Webhooks may go to private addresses.", "Unset WEBHOOK_ALLOW_PRIVATE."))
    if settings.OWNER_DATABASE["USER"] == settings.DATABASES["default"]["USER"]:
        found.append(
            (
                "florin.E014",
                "The application uses the database owner's role.",
                "Give DATABASE_URL a role that cannot change the ledger's rows.",
            )
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(("florin.E015", "ALLOWED_HOSTS is empty or allows any host.", "Name the hosts."))
    if not settings.PUBLIC_BASE_URL.startswith("https://"):
        found.append(("florin.E016", "PUBLIC_BASE_URL is not https.", "Set it to the public https address."))
    return found


@register(Tags.compatibility)
def always(**_: Any) -> list[CheckMessage]:
    """Errors that refuse every start."""
    return [Error(text, hint=hint, id=id_) for id_, text, hint in _problems()]


@register(Tags.security, deploy=True)
def in_production(**_: Any) -> list[CheckMessage]:
    """Errors of `check --deploy`: what may be so on a developer's machine only."""
    return [Error(text, hint=hint, id=id_) for id_, text, hint in _unsafe_for_production()]


_LOGGED = "SELECT current_setting('log_min_error_statement') AS level, current_setting('log_error_verbosity') AS verbosity"


@register(Tags.database)
def values_stay_out_of_logs(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warns where PostgreSQL writes statements that fail, with their values, or the rows they fail for into its log."""
    if not databases or "default" not in databases:
        return []
    found = db.query(_LOGGED)[0]
    if found["level"] == "panic" and found["verbosity"] == "terse":
        return []
    return [
        Warning(
            "PostgreSQL's log gets the values of statements that fail, client secrets and addresses among them.",
            hint="In postgresql.conf: log_min_error_statement = panic, log_error_verbosity = terse.",
            id="florin.W021",
        )
    ]
