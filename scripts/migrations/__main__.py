"""Refuses migrations that do more than expand; exits 1 when there is one. Needs the database for what Django asks it."""

import inspect
import os
import sys
from collections.abc import Iterator
from typing import Any

from scripts.migrations.rules import allows, refused

# The last migration of each app in the second release: those before made the tables.
RELEASED = {
    "closing": "0001_initial",
    "core": "0001_core",
    "events": "0005_replay",
    "idempotency": "0001_initial",
    "ledger": "0005_models",
    "merchants": "0002_standard_plan",
    "payments": "0007_recovery",
    "reconciliation": "0007_sandbox",
    "statements": "0002_statements",
}


def findings() -> Iterator[str]:
    """What is wrong with the migrations since the second release."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection, replace_migrations=False)
    ours = {config.label for config in _our_apps()}
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in ours and name > RELEASED.get(app, ""):
            yield from (f"{app}.{name}: {text}" for text in judged(loader, migration))


def _our_apps() -> list[Any]:
    from django.apps import apps

    return [config for config in apps.get_app_configs() if config.name.startswith("apps.")]


def judged(loader: Any, migration: Any) -> Iterator[str]:
    """What is wrong with what `migration` sends, unless its file gives a reason."""
    from django.db.migrations import RunPython

    if allows(inspect.getsource(inspect.getmodule(type(migration)))):  # type: ignore[arg-type]  # a file, always
        return
    if any(isinstance(operation, RunPython) for operation in migration.operations):
        yield "runs Python, which nobody sees through here"
    yield from refused(loader.collect_sql([(migration, False)]))


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    django.setup()
    found = list(findings())
    print("\n".join(found) or "migrations: they only expand")
    sys.exit(1 if found else 0)
