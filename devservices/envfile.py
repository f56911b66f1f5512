"""The stack's settings as KEY=VALUE lines, which `config/env.py` reads for variables that are not set."""

from __future__ import annotations

import os
from collections.abc import Mapping

from devservices import pgbouncer, postgres, redis_server
from devservices.files import write_atomically
from devservices.layout import Layout

# What the environment of `up` may say instead; the answer is written down for every later process.
FROM_ENVIRONMENT = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_POOLED",
    "DATABASE_DIRECT_URL",
    "HOT_DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "PUBLIC_BASE_URL",
    "MEDIA_DIR",
    "WEBHOOK_ALLOW_PRIVATE",
)


def settings(layout: Layout, ports: Mapping[str, int], passwords: Mapping[str, str]) -> dict[str, str]:
    """Every setting of the running stack."""
    values = _addresses(ports, passwords) | {
        "SECRET_KEY": passwords["django"],
        "MEDIA_DIR": str(layout.files),
        "MAILBOX_DIR": str(layout.mailbox),
        "SANDBOX_DATA_DIR": str(layout.state / "sandbox"),
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }
    values |= _pooled(values["DATABASE_URL"], ports)
    values |= {name: os.environ[name] for name in FROM_ENVIRONMENT if os.environ.get(name)}
    if "DATABASE_URL" in os.environ and "DATABASE_OWNER_URL" not in os.environ:
        values["DATABASE_OWNER_URL"] = os.environ["DATABASE_URL"]
    if os.environ.get("DATABASE_URL"):
        # The login belongs to our own server.
        for name in ("DATABASE_JOBS_USER", "DATABASE_JOBS_PASSWORD"):
            values[name] = os.environ.get(name, "")
    return values


def write(layout: Layout, values: Mapping[str, str]) -> None:
    """The file holds `values` and only its owner reads it."""
    write_atomically(layout.env_file, "".join(f"{name}={value}\n" for name, value in values.items()))


def read(layout: Layout) -> dict[str, str]:
    """What the last start wrote, empty before it."""
    if not layout.env_file.exists():
        return {}
    lines = layout.env_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _pooled(database_url: str, ports: Mapping[str, int]) -> dict[str, str]:
    """The way to the database where PgBouncer is asked for: migrations keep the direct one."""
    hot = pgbouncer.asked_for()
    if not hot:
        return {}
    prepares = pgbouncer.version(pgbouncer.program()) >= pgbouncer.PREPARES_FROM
    return pgbouncer.settings(database_url, ports["pgbouncer"], hot=hot, prepares=prepares)


def _addresses(ports: Mapping[str, int], passwords: Mapping[str, str]) -> dict[str, str]:
    database, redis = ports["postgres"], ports["redis"]
    return {
        "DATABASE_URL": postgres.url(port=database, user="florin_app", password=passwords["app"]),
        "DATABASE_JOBS_USER": "florin_jobs",
        "DATABASE_JOBS_PASSWORD": passwords["jobs"],
        "DATABASE_OWNER_URL": postgres.url(port=database, user="florin_owner", password=passwords["owner"]),
        "REDIS_URL": redis_server.url(port=redis, password=passwords["redis"]),
        "PORT": str(ports["web"]),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{ports['web']}",
        "SANDBOX_PORT": str(ports["sandbox"]),
        "SANDBOX_URL": f"http://127.0.0.1:{ports['sandbox']}",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(ports["mailbox"]),
    }
