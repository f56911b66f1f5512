"""Calls one of this app's SQL functions on Django's connection."""

from typing import Any

import orjson
from django.db import connection


def ask(function: str, *values: Any) -> Any:
    """What `function(*values)` returns, as JSON would have it."""
    places = ", ".join(["%s"] * len(values))
    statement = f"SELECT to_jsonb({function}({places}))::text"  # lint: allow sql-text because callers name functions of ours
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone()[0]
    return None if found is None else orjson.loads(found)
