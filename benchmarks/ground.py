"""What the loads work on: merchants with money, paid intents to read, and real commands for pgbench."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings

from apps.core import db, ids
from apps.core.flow import Flow, Sql, _perform, run
from apps.idempotency.domain import RequestKey
from apps.ledger import domain as accounts
from apps.ledger import services as ledger
from apps.merchants import services as merchants
from apps.merchants.domain import Caller
from apps.payments import flows
from apps.payments import services as payments
from apps.payments.domain import requests
from benchmarks.contenders import Targets

MERCHANTS = 64
INTENTS = 200
CUSTOMERS = 20
# Ids as the database has them, and as the API writes them (those of merchants stay).
_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=\b(?:tr|pi|ch)_)[0-9a-hjkmnp-tv-z]{26}|(?<=\btxn_)[0-9a-hjkmnp-tv-z]{26}"
)


@dataclass(frozen=True)
class Ground:
    """Florin's targets, and the callers behind the keys."""

    targets: Targets
    callers: list[Caller]


def lay() -> Ground:
    """Fresh merchants, all with money; the first has 200 paid intents to read. Needs the sandbox."""
    details = {"email": "bench@shop.example", "country": "NL", "default_currency": "eur"}
    made = [merchants.create_merchant(name=f"Bench {n}", **details) for n in range(MERCHANTS)]
    issued = [merchants.issue_key(merchant_id=merchant.id, livemode=False) for merchant in made]
    callers = [caller(merchant.id, key_id) for merchant, (key_id, _) in zip(made, issued, strict=True)]
    for merchant in made:
        endow(merchant.id)
    return Ground(
        Targets([secret for _, secret in issued], [ids.encode("acct", merchant.id) for merchant in made[1:]], intents(callers[0], INTENTS)),
        callers,
    )


def endow(merchant_id) -> None:
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


def caller(merchant_id, key_id) -> Caller:
    return Caller(merchant_id, False, key_id, frozenset(), "req_bench")


def intents(caller: Caller, many: int) -> list[str]:
    """Ids of paid ones, each with a customer, oldest first."""
    body = requests.CreateCustomer(name="Ada Buyer", email="ada@buyer.example")
    customers = [
        ids.encode("cus", payments.create_customer(caller=caller, body=body, method_id=None, key=None).id) for _ in range(CUSTOMERS)
    ]
    return [_paid(caller, customers[n % CUSTOMERS]) for n in range(many)]


def _paid(caller: Caller, customer: str) -> str:
    body = requests.CreatePaymentIntent(
        amount=1999, currency="eur", metadata={"order": "A-1001"}, customer=customer, confirm=True, payment_method="pm_card_visa",
        return_url="https://example.com/done",
    )  # fmt: skip
    answer = run(flows.create_payment_intent(caller, _key(caller), body))
    return str(answer.body).split('"id":"')[1].split('"')[0]


def install_commands(laid: Ground) -> None:
    """The very commands that the hot views send, where pgbench's scripts find them: several merchants' each."""
    keep = {str(caller.merchant_id) for caller in laid.callers}
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS bench_command")
        owner.execute(_SQL)
    create = requests.CreatePaymentIntent(amount=1999, currency="eur", metadata={"order": "A-1001"})
    for nth, caller in enumerate(laid.callers[1:], 1):
        _install("create", nth, flows.create_payment_intent(caller, _key(caller), create), keep)
    for nth, account in enumerate(laid.targets.accounts, 1):
        body = requests.CreateTransfer(amount=1, currency="eur", destination=account)
        _install("transfer", nth, flows.create_transfer(laid.callers[0], _key(laid.callers[0]), body), keep)


def _key(caller: Caller) -> RequestKey:
    return RequestKey(caller.merchant_id, caller.livemode, str(uuid4()), uuid4().bytes * 2, "POST /v1/benchmark")


def _install(name: str, nth: int, flow: Flow[Any], keep: set[str]) -> None:
    template, fresh = _template(_command(flow, f"payments_{name}"), keep)
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute("INSERT INTO bench_command VALUES (%s, %s, %s, %s)", [name, nth, template, fresh])


def _command(flow: Flow[Any], function: str) -> dict[str, Any]:
    """The command that `flow` would send to `function`; reads before it are answered."""
    step = next(flow)
    while not isinstance(step, Sql):
        step = flow.send(_perform(step))
    if step.function != function:
        raise TypeError(f"expected a call of {function}, not {step}")
    return step.command


def _template(command: dict, keep: set[str]) -> tuple[str, int]:
    """`command` with every id that must be new each time as @1@, @2@, …; and how many there are."""
    text = db.encode([command])[1:-1]
    fresh = [found for found in dict.fromkeys(_ID.findall(text)) if found not in keep]
    for number, found in enumerate(fresh, 1):
        text = text.replace(found, f"@{number}@")
    return text, len(fresh)


_SQL = """
CREATE TABLE IF NOT EXISTS bench_command (name text, nth int, template text NOT NULL, fresh int NOT NULL, PRIMARY KEY (name, nth));
CREATE OR REPLACE FUNCTION bench_fresh(wanted text, size int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    made text;
    many int;
    all_of_it text := '';
    last_nth int;
    picked int;
BEGIN
    SELECT max(nth) INTO last_nth FROM bench_command WHERE name = wanted;
    FOR i IN 1 .. size LOOP
        picked := 1 + floor(random() * last_nth)::int;
        SELECT template, fresh INTO made, many FROM bench_command WHERE name = wanted AND nth = picked;
        FOR n IN 1 .. many LOOP made := replace(made, '@' || n || '@', uuidv7()::text); END LOOP;
        all_of_it := all_of_it || ',' || made;
    END LOOP;
    RETURN ('[' || substr(all_of_it, 2) || ']')::jsonb;
END $$;
"""
