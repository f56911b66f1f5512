"""Passwords of one stack: random, kept in the state directory, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets

from devservices.files import write_atomically
from devservices.layout import Layout

# What the environment may set instead: an empty value means "no password" where the server allows it.
OVERRIDES = {
    "superuser": "FLORIN_PG_SUPERUSER_PASSWORD",
    "owner": "FLORIN_PG_OWNER_PASSWORD",
    "app": "FLORIN_PG_APP_PASSWORD",
    "jobs": "FLORIN_PG_JOBS_PASSWORD",
    "redis": "FLORIN_REDIS_PASSWORD",
    "pooler": "FLORIN_PGBOUNCER_PASSWORD",
    "django": "SECRET_KEY",
}


def settle(layout: Layout) -> dict[str, str]:
    """Every secret the stack needs, the same at each start."""
    path = layout.state / "secrets.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    chosen = {name: _secret(name, before) for name in OVERRIDES}
    if chosen != before:
        write_atomically(path, json.dumps(chosen, indent=2) + "\n")
    return chosen


def _secret(name: str, before: dict[str, str]) -> str:
    if OVERRIDES[name] in os.environ:
        return os.environ[OVERRIDES[name]]
    return before.get(name) or secrets.token_urlsafe(36)
