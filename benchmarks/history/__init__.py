"""Years of business in minutes: `python -m benchmarks.history --payments 100000` (or 10000000).

Fills the database that the settings lead to with a valid past, so that a benchmark can be run on tables
as they are after a year: 200 merchants, a few of them large; customers and cards that come back; intents
that were paid (90 %), declined (4 %), abandoned (4 %) or canceled (2 %); their attempts, charges, balance
transactions, funds and ledger entries, spread evenly over twelve months that end yesterday. Everything is
written in sets by the database's owner, in chunks of one transaction each, through the tables' own
constraints and triggers: none is switched off, and `manage.py audit --strict` passes afterwards.

What the product would have left behind, with these exceptions: no refunds and transfers; a payment's
money became available within the chunk that holds the payment, so the postings of one account are in the
order in which they were made but their dates may step back between chunks; entries are not sealed;
events (three a paid payment, none of them undelivered) and idempotency records are only there for the
last days (`--kept-days`), as the purge would have left the latter. The largest merchant sells one thing
for one price to customers whom it knows, and all of them pay: its payments can be told from wrong ones.

Deterministic: the same `--seed`, `--payments` and `--until` give the same rows but for the times at which
the database says it wrote them. It goes on where it was interrupted, and `targets` gives keys and intents
of its largest merchants to whoever wants to read them.
"""

from benchmarks.contenders import Targets

SEED = 1
_MERCHANTS, _INTENTS = 64, 200


def targets(seed: int = SEED) -> Targets:
    """Secrets and accounts of the largest merchants in euros, and payments of the very largest, spread over
    the whole history, oldest first."""
    from apps.core import db, ids
    from benchmarks.history import people

    known = [merchant for merchant in people.merchants(seed) if merchant.currency == "eur"][:_MERCHANTS]
    begins, until = db.query("SELECT begins, until FROM bench_history")[0].values()
    bounds = [people.lowest_id(begins + (until - begins) * n / _INTENTS) for n in range(_INTENTS)]
    found = db.query(_FIRST_SINCE, [bounds, known[0].id])
    accounts = [ids.encode("acct", merchant.id) for merchant in known[1:]]
    return Targets([merchant.secret for merchant in known], accounts, [ids.encode("pi", row["id"]) for row in found])


# A payment of the merchant for each bound, where there is one.
_FIRST_SINCE = """
SELECT DISTINCT first.id FROM unnest(%s::uuid[]) AS bound
CROSS JOIN LATERAL (
    SELECT i.id FROM payments_intent i WHERE i.merchant_id = %s AND NOT i.livemode AND i.id > bound ORDER BY i.id LIMIT 1) first
ORDER BY first.id
"""
