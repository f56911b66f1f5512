"""One chunk from the staging table into the tables, set by set, in one transaction.

Order: what is referred to comes first; entries and postings arrive in one statement, as the ledger's
triggers demand; postings in the order in which the balances moved, so that their ids and the running
balances of guarded accounts agree.
"""

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.history import documents, payments

TABLES = (
    "payments_customer", "payments_payment_method", "payments_intent", "payments_attempt", "payments_charge",
    "payments_balance_transaction", "payments_funds", "ledger_entry", "ledger_posting", "events_event", "idempotency_record",
)  # fmt: skip

_SELLER = "staged s JOIN bench_history_merchant m ON m.number = s.merchant"
_CARD = "%(card)s::jsonb || jsonb_build_object('last4', (4242 + s.card)::text)"
_FORMAT = "s.pi, s.ch, s.pm, s.txn, s.amount, m.currency, extract(epoch FROM s.at)::bigint, s.n"

_STATEMENTS = (
    f"""
    INSERT INTO payments_customer (id, merchant_id, livemode, created, name, email, metadata)
    SELECT s.customer_id, m.id, false, s.at, 'Customer ' || s.n, 'customer' || s.n || '@shop.example', '{{}}'
    FROM {_SELLER} WHERE s.is_new_customer""",
    f"""
    INSERT INTO payments_payment_method (id, merchant_id, livemode, created, customer_id, gateway, token, card, billing_details, metadata)
    SELECT s.method_id, m.id, false, s.at, s.customer_id, 'sandbox', 'pm_card_visa', {_CARD}, '{{}}', '{{}}'
    FROM {_SELLER} WHERE s.is_new_method""",
    f"""
    INSERT INTO payments_intent (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
        capture_method, confirmation_method, client_secret, metadata, payment_method_options, customer_id, payment_method_id,
        latest_charge_id, last_payment_error, canceled_at)
    SELECT s.intent_id, m.id, false, CASE s.outcome WHEN 'abandoned' THEN 1 ELSE 2 END, s.at,
        CASE s.outcome WHEN 'paid' THEN 'succeeded' WHEN 'canceled' THEN 'canceled' ELSE 'requires_payment_method' END,
        s.amount, 0, CASE s.outcome WHEN 'paid' THEN s.amount ELSE 0 END, m.currency, 'automatic', 'automatic',
        s.pi || '_secret_' || substr(md5(s.pi), 1, 24), jsonb_build_object('order', s.n::text), '{{}}', s.customer_id,
        CASE s.outcome WHEN 'paid' THEN s.method_id END, CASE WHEN s.outcome IN ('paid', 'declined') THEN s.charge_id END,
        CASE s.outcome WHEN 'declined' THEN jsonb_build_object('code', 'card_declined', 'decline_code', 'generic_decline',
            'message', 'Your card was declined.', 'charge_id', s.charge_id, 'payment_method', NULL) END,
        CASE s.outcome WHEN 'canceled' THEN s.at + interval '1 hour' END
    FROM {_SELLER} ORDER BY s.n""",
    f"""
    INSERT INTO payments_attempt (id, merchant_id, livemode, version, created, intent_id, charge_id, payment_method_id, kind, state,
        gateway, amount, currency, capture, off_session, code, decline_code, network_reference, request, sent_until, started_at, ended_at)
    SELECT s.attempt_id, m.id, false, 2, s.at, s.intent_id, s.charge_id, s.method_id, 'authorize',
        CASE s.outcome WHEN 'paid' THEN 'succeeded' ELSE 'failed' END, 'sandbox', s.amount, m.currency, true, false,
        CASE s.outcome WHEN 'declined' THEN 'card_declined' END, CASE s.outcome WHEN 'declined' THEN 'generic_decline' END,
        'net_' || s.n, jsonb_build_object('key', jsonb_build_object('key', s.attempt_id, 'merchant_id', m.id, 'livemode', false)),
        s.at + interval '12 seconds', s.at, s.at + interval '1 second'
    FROM {_SELLER} WHERE s.outcome IN ('paid', 'declined') ORDER BY s.n""",
    f"""
    INSERT INTO payments_charge (id, merchant_id, livemode, created, intent_id, attempt_id, customer_id, payment_method_id,
        balance_transaction_id, status, amount, amount_captured, amount_refunded, amount_refund_pending, currency, captured, failure_code,
        failure_message, decline_code, network_reference, card, billing_details, metadata)
    SELECT s.charge_id, m.id, false, s.at + interval '1 second', s.intent_id, s.attempt_id, s.customer_id, s.method_id,
        CASE s.outcome WHEN 'paid' THEN s.transaction_id END, CASE s.outcome WHEN 'paid' THEN 'succeeded' ELSE 'failed' END, s.amount,
        CASE s.outcome WHEN 'paid' THEN s.amount ELSE 0 END, 0, 0, m.currency, s.outcome = 'paid',
        CASE s.outcome WHEN 'declined' THEN 'card_declined' END, CASE s.outcome WHEN 'declined' THEN 'Your card was declined.' END,
        CASE s.outcome WHEN 'declined' THEN 'generic_decline' END, 'net_' || s.n, {_CARD}, '{{}}', jsonb_build_object('order', s.n::text)
    FROM {_SELLER} WHERE s.outcome IN ('paid', 'declined') ORDER BY s.n""",
    f"""
    INSERT INTO payments_balance_transaction (id, merchant_id, livemode, version, created, type, amount, fee, net, currency, available_on,
        released, source, entry_id)
    SELECT s.transaction_id, m.id, false, CASE WHEN s.released_at IS NULL THEN 1 ELSE 2 END, s.at + interval '1 second', 'charge', s.amount,
        s.fee, s.amount - s.fee, m.currency, s.available_on, s.released_at IS NOT NULL, s.ch, s.entry_id
    FROM {_SELLER} WHERE s.outcome = 'paid' ORDER BY s.n""",
    f"""
    INSERT INTO payments_funds (charge_id, merchant_id, livemode, balance_transaction_id, currency, available_on, amount, remaining,
        releases)
    SELECT s.charge_id, m.id, false, s.transaction_id, m.currency, s.available_on, s.amount - s.fee,
        CASE WHEN s.released_at IS NULL THEN s.amount - s.fee ELSE 0 END, CASE WHEN s.released_at IS NULL THEN 0 ELSE 1 END
    FROM {_SELLER} WHERE s.outcome = 'paid' ORDER BY s.n""",
    # Entries, postings and balances. Debit is positive; balances count on the account's own side.
    f"""
    WITH moved AS MATERIALIZED (
        SELECT s.n, p.line, p.account_id, p.amount, m.currency, e.*
        FROM {_SELLER}
        CROSS JOIN LATERAL (VALUES
            (s.entry_id, 'capture', 3, s.at + interval '1 second', (s.at AT TIME ZONE 'UTC')::date, s.ch),
            (s.release_id, 'release', 2, s.released_at, s.available_on, s.ch)
        ) AS e (entry_id, kind, lines, moment, booked_on, source)
        CROSS JOIN LATERAL (VALUES
            ('capture', 1, m.receivable, s.amount), ('capture', 2, m.pending, s.fee - s.amount), ('capture', 3, m.fees, -s.fee),
            ('release', 1, m.pending, s.amount - s.fee), ('release', 2, m.available, s.fee - s.amount)
        ) AS p (kind, line, account_id, amount)
        WHERE s.outcome = 'paid' AND e.entry_id IS NOT NULL AND p.kind = e.kind
    ), entry AS (
        INSERT INTO ledger_entry (id, kind, booked_on, recorded_at, source, sequence, livemode, lines)
        SELECT entry_id, kind, booked_on, moment, source, 0, false, lines FROM moved WHERE line = 1 ORDER BY moment, n, kind
    ), balance AS (
        UPDATE ledger_balance b SET posted = b.posted + t.total
        FROM (SELECT v.account_id, a.sign * sum(v.amount) AS total FROM moved v JOIN ledger_account a ON a.id = v.account_id
              GROUP BY v.account_id, a.sign) t
        WHERE b.account_id = t.account_id AND b.stripe = 0
    )
    INSERT INTO ledger_posting (entry_id, line, booked_on, account_id, currency, amount, balance_after)
    SELECT v.entry_id, v.line, v.booked_on, v.account_id, v.currency, v.amount,
        CASE WHEN a.guarded THEN b.posted + sum(v.amount * a.sign) OVER (PARTITION BY v.account_id ORDER BY v.moment, v.n, v.kind) END
    FROM moved v JOIN ledger_account a ON a.id = v.account_id JOIN ledger_balance b ON b.account_id = v.account_id AND b.stripe = 0
    ORDER BY v.moment, v.n, v.kind, v.line""",
    f"""
    INSERT INTO events_event (id, merchant_id, livemode, type, created, object_id, sequence, data, request_id)
    SELECT overlay(s.intent_id::text PLACING e.digit FROM 16 FOR 1)::uuid, m.id, false, e.type, e.moment, e.object_id, e.sequence,
        format(e.template, {_FORMAT}), 'req_' || s.n
    FROM {_SELLER}
    CROSS JOIN LATERAL (VALUES
        ('a', 'payment_intent.created', s.at, s.intent_id, 1, %(created)s::text),
        ('b', 'charge.succeeded', s.at + interval '1 second', s.charge_id, 1, %(charge)s::text),
        ('c', 'payment_intent.succeeded', s.at + interval '1 second', s.intent_id, 2, %(succeeded)s::text)
    ) AS e (digit, type, moment, object_id, sequence, template)
    WHERE s.is_recent AND (s.outcome = 'paid' OR e.digit = 'a') ORDER BY s.n, e.digit""",
    f"""
    INSERT INTO idempotency_record (merchant_id, livemode, key, fingerprint, state, status, body, object_id, attempt_no, created)
    SELECT m.id, false, s.attempt_id::text, sha256(s.pi::bytea), 'done', 200,
        format(CASE s.outcome WHEN 'paid' THEN %(succeeded)s::text ELSE %(created)s::text END, {_FORMAT}), s.attempt_id, 1, s.at
    FROM {_SELLER} WHERE s.is_recent ORDER BY s.n""",
)  # fmt: skip


def write(owner: psycopg.Connection, lines: list[tuple], number: int) -> None:
    """Chunk `number` is in the tables and noted, or nothing of it is."""
    values = {"card": Jsonb(documents.CARD), **documents.templates()}
    with owner.transaction():
        owner.execute("SET LOCAL work_mem = '128MB'")
        owner.execute(payments.STAGING)
        with owner.cursor().copy("COPY staged FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)
        owner.execute("ANALYZE staged")
        for statement in _STATEMENTS:
            owner.execute(statement, values if "%(" in statement else None)
        noted = owner.execute("UPDATE bench_history SET chunks = chunks + 1 WHERE chunks = %s", [number])
        if noted.rowcount != 1:
            raise RuntimeError("somebody else is loading the same history")
