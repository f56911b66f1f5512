"""The order of a load: partitions, merchants and accounts, chunk after chunk, statistics."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from apps.core.services import as_owner, ensure_partitions
from apps.ledger.domain import merchant_account, platform_account
from benchmarks.history import payments, people, writing
from benchmarks.history.payments import Plan

MONTHS = 14  # whose partitions a history of a year touches, its releases included
_GB = 1024**3


def resumed(owner: psycopg.Connection, wanted: Plan) -> tuple[Plan, int]:
    """The plan of the history that this database has been given, and how many chunks of it are there."""
    owner.execute(_TABLE)
    known = owner.execute("SELECT seed, payments, begins, until, recent_from, chunk, chunks FROM bench_history").fetchone()
    if known is None:
        values = [wanted.seed, wanted.payments, wanted.begins, wanted.until, wanted.recent_from, wanted.chunk]
        owner.execute("INSERT INTO bench_history VALUES (%s, %s, %s, %s, %s, %s, 0)", values)
        return wanted, 0
    *values, done = known
    plan = Plan(*values)
    if (plan.seed, plan.payments) != (wanted.seed, wanted.payments):
        sys.exit(f"this database has a history of {plan.payments} payments (seed {plan.seed}); another needs another database")
    return plan, done


def make_ready(owner: psycopg.Connection, plan: Plan) -> None:
    """Partitions, merchants, and their accounts."""
    with as_owner():
        ensure_partitions(since=plan.begins.date(), months=MONTHS)
        people.enrol(plan.seed)
    owner.execute(_MERCHANTS)
    for made in people.merchants(plan.seed):
        own = [merchant_account(made.id, False, name, made.currency) for name in ("pending", "available")]
        house = [platform_account(False, name, made.currency) for name in ("gateway_receivable.sandbox", "fees")]
        owner.execute("SELECT ledger_open_accounts(%s)", [own + house])
        owner.execute(_NOTE_MERCHANT, [made.number, made.id, made.currency, *own, *house])


def load(owner: psycopg.Connection, plan: Plan, done: int) -> None:
    """Writes the chunks from `done` on; the next one is made up while the server writes one."""
    began, loaded = time.monotonic(), 0
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(_lines, plan, done)
        for number in range(done, plan.chunks):
            lines, coming = coming.result(), maker.submit(_lines, plan, number + 1)
            writing.write(owner, lines, number)
            loaded += len(lines)
            _say(owner, plan, number, loaded / (time.monotonic() - began))


def _lines(plan: Plan, number: int) -> list[tuple]:
    return list(payments.lines(plan, number))


def _say(owner: psycopg.Connection, plan: Plan, number: int, rate: float) -> None:
    written = min(plan.payments, (number + 1) * plan.chunk)
    left_min = (plan.payments - written) / rate / 60
    print(f"{written:>11,} payments  {rate:,.0f}/s  {_size(owner):.2f} GB  {left_min:.1f} min left", flush=True)


def tidy(owner: psycopg.Connection) -> None:
    """Statistics and visibility as autovacuum would have left them, so that it stays quiet later."""
    for table in (*writing.TABLES, "ledger_balance"):
        owner.execute(f"VACUUM (ANALYZE) {table}")


def report(owner: psycopg.Connection, plan: Plan) -> None:
    """Prints what the tables hold."""
    for table, rows, size in owner.execute(_SIZES, [list(writing.TABLES)]):
        print(f"{table:<30} {rows:>13,} rows  {size / _GB:8.3f} GB")
    print(f"{plan.payments:,} payments: {_size(owner):.2f} GB")


def _size(owner: psycopg.Connection) -> float:
    return owner.execute("SELECT pg_database_size(current_database())").fetchone()[0] / _GB


_TABLE = """
CREATE TABLE IF NOT EXISTS bench_history (
    seed int, payments int, begins timestamptz, until timestamptz, recent_from timestamptz, chunk int, chunks int)
"""
_MERCHANTS = """
CREATE TABLE IF NOT EXISTS bench_history_merchant (
    number int PRIMARY KEY, id uuid NOT NULL, currency text NOT NULL, pending uuid NOT NULL, available uuid NOT NULL,
    receivable uuid NOT NULL, fees uuid NOT NULL)
"""
_NOTE_MERCHANT = """
INSERT INTO bench_history_merchant
SELECT %s, %s, %s, own.id, free.id, receivable.id, fees.id
FROM ledger_account own, ledger_account free, ledger_account receivable, ledger_account fees
WHERE own.code = %s AND free.code = %s AND receivable.code = %s AND fees.code = %s
ON CONFLICT DO NOTHING
"""
# Of a partitioned table: all its partitions.
_SIZES = """
SELECT t.name, sum(c.reltuples)::bigint, sum(pg_total_relation_size(c.oid))::bigint
FROM unnest(%s::text[]) WITH ORDINALITY AS t (name, place)
JOIN pg_class c ON c.relkind = 'r' AND (c.oid = t.name::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree(t.name::regclass)))
GROUP BY t.name, t.place ORDER BY t.place
"""
