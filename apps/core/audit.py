"""What an app promises about its rows, as SQL that finds the rows which break the promise."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.core import db


@dataclass(frozen=True, kw_only=True)
class Check:
    """`sql` returns the offending rows; none means that the promise holds. `strict_only` checks
    describe work that is late rather than wrong and count only with `--strict`."""

    name: str
    sql: str
    strict_only: bool = False

    def offenders(self, limit: int = 5) -> list[dict[str, Any]]:
        """The first of them. Takes as long as it takes: a check reads whole tables, for which the
        application's statement timeout is not meant."""
        with transaction.atomic():
            db.query("SET LOCAL statement_timeout = 0")
            # Materialised, or the plan would be one for finding the first few soon, and there are none to be found.
            found = "SELECT * FROM offenders"
            statement = f"WITH offenders AS MATERIALIZED ({self.sql}) {found} LIMIT {limit:d}"  # lint: allow sql-text because of constants
            return db.query(statement)
