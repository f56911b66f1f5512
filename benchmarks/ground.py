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
        owner.execute("INSERT INTO bench_command VALUES (%s, %s, %s)", [name, nth, template])
        owner.execute(fresh_commands(name, fresh).encode())


def fresh_commands(name: str, many: int) -> str:
    """The function that makes commands of that name with `many` new ids in each."""
    return _FRESH.format(name=name, ids=", ".join(f"stem || '{n:02}'" for n in range(many)))


def _command(flow: Flow[Any], function: str) -> dict[str, Any]:
    """The command that `flow` would send to `function`; reads before it are answered."""
    step = next(flow)
    while not isinstance(step, Sql):
        step = flow.send(_perform(step))
    if step.function != function:
        raise TypeError(f"expected a call of {function}, not {step}")
    return step.command


def _template(command: dict, keep: set[str]) -> tuple[str, int]:
    """`command` for PostgreSQL's format(), with a place for every id that must be new each time; and how many there are."""
    text = db.encode([command])[1:-1]
    fresh = [found for found in dict.fromkeys(_ID.findall(text)) if found not in keep]
    text = text.replace("%", "%%")
    for number, found in enumerate(fresh, 1):
        text = text.replace(found, f"%{number}$s")
    return text, len(fresh)


# Templates are kept as they are: to decompress them would be work that no command has.
_SQL = """
CREATE TABLE bench_command (name text, nth int, template text STORAGE PLAIN NOT NULL, PRIMARY KEY (name, nth));
"""
# As many commands, those of merchants who follow one another. What this costs is in the limit and in no request, so it is
# one statement with one random id a call: a tenth of a batched create, beside reading the JSON, which Florin's have, too.
_FRESH = """
CREATE OR REPLACE FUNCTION bench_fresh_{name}(size int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    earliest int;
    base text := left(uuidv7()::text, 24);
    made text;
BEGIN
    SELECT 1 + floor(random() * (max(nth) - size + 1))::int INTO earliest FROM bench_command WHERE name = '{name}';
    SELECT '[' || string_agg(format(template, {ids}), ',') || ']' INTO made
      FROM (SELECT template, base || lpad(to_hex(nth), 10, '0') AS stem FROM bench_command
            WHERE name = '{name}' AND nth BETWEEN earliest AND earliest + size - 1 OFFSET 0) picked;
    RETURN made::jsonb;
END $$;
"""
