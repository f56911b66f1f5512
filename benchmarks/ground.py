"""What the loads work on: merchants with money and intents, and one real command for pgbench."""

import re
from dataclasses import dataclass

import psycopg
from django.conf import settings

from apps.core import db, ids
from apps.ledger import domain as accounts
from apps.ledger import services as ledger
from apps.merchants import services as merchants
from apps.merchants.domain import Caller

# Ids as the database has them, and as the API writes them (those of merchants stay).
_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=\b(?:tr|pi|ch)_)[0-9a-hjkmnp-tv-z]{26}|(?<=\btxn_)[0-9a-hjkmnp-tv-z]{26}"
)
MERCHANTS = 16


@dataclass(frozen=True)
class Ground:
    """Secrets and ids that the loads use; `caller` is the first merchant."""

    keys: list[str]
    accounts: list[str]
    intents: list[str]
    caller: Caller
    merchant_ids: set[str]


def lay(create_intent) -> Ground:
    """Fresh merchants; the first has money to transfer and 200 intents to read."""
    details = {"email": "bench@shop.example", "country": "NL", "default_currency": "eur"}
    made = [merchants.create_merchant(name=f"Bench {n}", **details) for n in range(MERCHANTS)]
    issued = [merchants.issue_key(merchant_id=merchant.id, livemode=False) for merchant in made]
    caller = Caller(made[0].id, False, issued[0][0], frozenset(), "req_bench")
    _endow(made[0].id)
    intents = [create_intent(caller) for _ in range(200)]
    return Ground(
        [secret for _, secret in issued],
        [ids.encode("acct", merchant.id) for merchant in made[1:]],
        intents,
        caller,
        {str(merchant.id) for merchant in made},
    )


def _endow(merchant_id) -> None:
    """Ten million euros to give away, a cent at a time."""
    amount = 1_000_000_000
    ledger.post(
        {
            "id": ids.new_id(), "kind": "adjustment", "booked_on": None, "effective_at": None, "source": f"bench_{merchant_id}",
            "sequence": 0, "reverses": None, "livemode": False, "metadata": {},
            "postings": [
                {"account": accounts.platform_account(False, "bank.bench", "eur"), "amount": amount},
                {"account": accounts.merchant_account(merchant_id, False, "available", "eur"), "amount": -amount},
            ],
        }
    )  # fmt: skip


def as_template(command: dict, *, keep: set[str]) -> tuple[str, int]:
    """`command` with every id that must be new each time as @1@, @2@, …; and how many there are."""
    text = db.encode([command])
    fresh = [found for found in dict.fromkeys(_ID.findall(text)) if found not in keep]
    for number, found in enumerate(fresh, 1):
        text = text.replace(found, f"@{number}@")
    return text, len(fresh)


def install(name: str, template: str, fresh: int) -> None:
    """Keeps the template where pgbench's script finds it."""
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute(_TABLE)
        owner.execute(_FRESH)
        owner.execute("DELETE FROM bench_command WHERE name = %s", [name])
        owner.execute("INSERT INTO bench_command VALUES (%s, %s, %s)", [name, template, fresh])


_TABLE = "CREATE TABLE IF NOT EXISTS bench_command (name text PRIMARY KEY, template text NOT NULL, fresh int NOT NULL)"
_FRESH = """
CREATE OR REPLACE FUNCTION bench_fresh(wanted text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE made text; many int;
BEGIN
    SELECT template, fresh INTO made, many FROM bench_command WHERE name = wanted;
    FOR n IN 1 .. many LOOP made := replace(made, '@' || n || '@', uuidv7()::text); END LOOP;
    RETURN made::jsonb;
END $$
"""
