"""`python -m benchmarks.history`: loads a past, goes on with one, and says what it costs."""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402

from benchmarks import history  # noqa: E402
from benchmarks.history import loading  # noqa: E402
from benchmarks.history.payments import Plan  # noqa: E402


def main() -> int:
    options = _options()
    call_command("prepare", "--database-only", verbosity=0)
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        plan, done = loading.resumed(owner, _plan(options))
        loading.make_ready(owner, plan)
        loading.load(owner, plan, done)
        loading.tidy(owner)
        loading.report(owner, plan)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.history", description=history.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=history.SEED)
    parser.add_argument("--until", type=datetime.fromisoformat, help="when the history ends (UTC); midnight before now")
    parser.add_argument("--kept-days", type=float, help="how many last days have events and idempotency records (30; from 5 million on 7)")
    parser.add_argument("--chunk", type=int, default=20_000, help="payments in a transaction")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    until = options.until or datetime.combine(datetime.now(UTC).date(), datetime.min.time())
    until = until.replace(tzinfo=UTC)
    kept_days = options.kept_days or (30 if options.payments < 5_000_000 else 7)
    recent_from = until - timedelta(days=kept_days)
    return Plan(options.seed, options.payments, until - timedelta(days=365), until, recent_from, options.chunk)


if __name__ == "__main__":
    sys.exit(main())
