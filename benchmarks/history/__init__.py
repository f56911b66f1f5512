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
last days (`--kept-days`), as the purge would have left the latter.

Deterministic: the same `--seed`, `--payments` and `--until` give the same rows but for the times at which
the database says it wrote them. It goes on where it was interrupted, and `targets` gives keys and intents
of its largest merchants to whoever wants to read them.
"""

from benchmarks.contenders import Targets

SEED = 1


def targets(seed: int = SEED) -> Targets:
    """Secrets, accounts and recent paid intents of the merchants of a history that was loaded."""
    from apps.core import db, ids
    from benchmarks.history import people

    merchants = people.merchants(seed)[:16]
    found = db.query(
        "SELECT id FROM payments_intent WHERE merchant_id = %s AND NOT livemode AND status = 'succeeded' ORDER BY id DESC LIMIT 200",
        [merchants[0].id],
    )
    accounts = [ids.encode("acct", merchant.id) for merchant in merchants[1:]]
    return Targets([merchant.secret for merchant in merchants], accounts, [ids.encode("pi", row["id"]) for row in found])
