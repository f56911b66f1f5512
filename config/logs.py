"""Structured logs: one JSON object a line, with the request id; nothing secret in it."""

import logging
import re
from typing import Any

import structlog

from apps.core.api import request_ids

# API keys, webhook secrets and runs of 13 to 19 digits (card numbers), wherever they stand.
_SECRET = re.compile(r"\b(sk_(?:live|test)_|whsec_)[A-Za-z0-9+/=]+|\b\d(?:[ -]?\d){12,18}\b")


def redact(text: str) -> str:
    """`text` with keys, secrets and card-like numbers blanked."""
    return _SECRET.sub(lambda found: (found.group(1) or "") + "[redacted]", text)


def _name_request(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    found = request_ids.current.get()
    if found is not None:
        event.setdefault("request_id", found)
    return event


def _redact_event(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {name: redact(value) if isinstance(value, str) else value for name, value in event.items()}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    _name_request,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _redact_event,
]


def config(level: str) -> dict[str, Any]:
    """Django's LOGGING; also sets structlog up to write through it."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
