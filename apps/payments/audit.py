"""What payments promises about its rows, and about them and the ledger together."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="nothing is captured beyond its authorisation or refunded beyond its capture",
        sql="""
SELECT c.id, c.amount, c.amount_captured, c.amount_refunded, c.amount_refund_pending, r.done, r.pending
FROM payments_charge c
LEFT JOIN (
    SELECT charge_id, sum(amount) FILTER (WHERE status = 'succeeded') AS done, sum(amount) FILTER (WHERE status = 'pending') AS pending
    FROM payments_refund GROUP BY charge_id
) r ON r.charge_id = c.id
WHERE c.amount_captured > c.amount OR c.amount_refunded + c.amount_refund_pending > c.amount_captured
   OR c.amount_refunded <> coalesce(r.done, 0) OR c.amount_refund_pending <> coalesce(r.pending, 0)""",
    ),
    Check(
        name="an intent is captured at most once",
        sql="SELECT intent_id, count(*) AS captured FROM payments_charge WHERE captured GROUP BY intent_id HAVING count(*) > 1",
    ),
    Check(
        name="intents say what their charges and attempts say",
        sql="""
SELECT i.id, i.status FROM payments_intent i
LEFT JOIN payments_charge c ON c.id = i.latest_charge_id AND c.intent_id = i.id
WHERE CASE i.status
    WHEN 'succeeded' THEN c.captured IS NOT TRUE OR c.amount_captured <> i.amount_received
    WHEN 'requires_capture' THEN c.status IS DISTINCT FROM 'succeeded' OR c.captured OR c.amount <> i.amount_capturable
    WHEN 'processing' THEN NOT EXISTS (
        SELECT FROM payments_attempt a WHERE a.intent_id = i.id AND a.state = 'unknown' AND a.kind <> 'refund')
    WHEN 'requires_action' THEN NOT EXISTS (SELECT FROM payments_attempt a WHERE a.intent_id = i.id AND a.state = 'waiting')
    ELSE c.captured IS TRUE END""",
    ),
    Check(
        name="every balance transaction is a ledger entry of the same amount",
        sql="""
SELECT t.id, t.type, t.source, t.net, own.net AS in_ledger
FROM payments_balance_transaction t
LEFT JOIN ledger_entry e ON e.id = t.entry_id AND e.source = t.source AND e.livemode = t.livemode
LEFT JOIN (  -- all of them, once
    SELECT p.entry_id, p.booked_on, a.merchant_id, a.currency, -sum(p.amount) AS net
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.merchant_id IS NOT NULL GROUP BY 1, 2, 3, 4
) own ON (own.entry_id, own.booked_on, own.merchant_id, own.currency) = (e.id, e.booked_on, t.merchant_id, t.currency)
WHERE e.id IS NULL OR coalesce(own.net, 0) <> t.net""",
    ),
    Check(
        name="every capture, refund and transfer in the ledger is a balance transaction",
        sql="""
SELECT e.id, e.kind, e.source FROM ledger_entry e
WHERE e.kind IN ('capture', 'refund', 'transfer') AND e.reverses IS NULL
  AND NOT EXISTS (SELECT FROM payments_balance_transaction t WHERE t.source = e.source AND t.entry_id = e.id)""",
    ),
    Check(
        name="captured charges and finished refunds are booked with their amounts",
        sql="""
SELECT c.id, c.amount_captured AS amount FROM payments_charge c
LEFT JOIN payments_balance_transaction t ON t.id = c.balance_transaction_id
WHERE c.captured AND (t.id IS NULL OR t.amount <> c.amount_captured OR t.currency <> c.currency OR t.merchant_id <> c.merchant_id)
UNION ALL
SELECT r.id, r.amount FROM payments_refund r
LEFT JOIN payments_balance_transaction t ON t.id = r.balance_transaction_id
WHERE r.status = 'succeeded' AND (t.id IS NULL OR t.amount <> -r.amount OR t.currency <> r.currency)""",
    ),
    Check(
        name="what payments have pending is the merchants' pending balance",
        sql="""
SELECT coalesce(f.merchant_id, l.merchant_id) AS merchant_id, coalesce(f.livemode, l.livemode) AS livemode,
       coalesce(f.currency, l.currency) AS currency, f.remaining, l.pending
FROM (SELECT merchant_id, livemode, currency, sum(remaining) AS remaining FROM payments_funds GROUP BY 1, 2, 3) f
FULL JOIN (
    SELECT a.merchant_id, a.livemode, a.currency, sum(b.posted - b.held) AS pending
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.name = 'pending' GROUP BY 1, 2, 3
) l ON (l.merchant_id, l.livemode, l.currency) = (f.merchant_id, f.livemode, f.currency)
WHERE coalesce(f.remaining, 0) <> coalesce(l.pending, 0)""",
    ),
    Check(
        name="pending refunds, and nothing else of refunds, hold money",
        sql="""
SELECT r.id, h.id AS hold FROM payments_refund r
CROSS JOIN LATERAL (VALUES (r.available_hold_id, r.from_available), (r.pending_hold_id, r.from_pending)) part (id, amount)
LEFT JOIN ledger_hold h ON h.id = part.id
WHERE part.amount > 0 AND (h.id IS NULL OR h.amount <> part.amount OR h.status <>
    CASE r.status WHEN 'pending' THEN 'open' WHEN 'succeeded' THEN 'posted' ELSE 'released' END)
UNION ALL
SELECT h.id, h.id FROM ledger_hold h
WHERE h.kind = 'refund_hold' AND h.status = 'open'
  AND NOT EXISTS (SELECT FROM payments_refund r WHERE h.id IN (r.available_hold_id, r.pending_hold_id))""",
    ),
    Check(
        name="a transfer takes from one what it gives to the other",
        sql="""
SELECT x.id FROM payments_transfer x
LEFT JOIN payments_balance_transaction own ON own.id = x.balance_transaction_id
LEFT JOIN payments_balance_transaction t ON t.source = own.source
GROUP BY x.id
HAVING count(*) FILTER (WHERE t.net = -x.amount AND t.merchant_id = x.merchant_id) <> 1
    OR count(*) FILTER (WHERE t.net = x.amount AND t.merchant_id = x.destination_id) <> 1""",
    ),
    Check(
        name="what was answered with success is there",
        sql="""
WITH looked_for AS MATERIALIZED (  -- by its place: answers are long, and what is joined is written to disk
  SELECT r.ctid AS place FROM idempotency_record r
  WHERE r.status = 200
    AND NOT EXISTS (SELECT FROM payments_attempt a WHERE a.id = r.object_id)
    AND NOT EXISTS (SELECT FROM payments_intent i WHERE i.id = r.object_id)
    AND NOT EXISTS (SELECT FROM payments_transfer x WHERE x.id = r.object_id)
)  -- an id is read out of an answer in 80 µs, so out of these only
SELECT r.merchant_id, r.livemode, left(r.key, 12) AS key_begins, left(r.body, 37) AS answer
FROM looked_for CROSS JOIN LATERAL (SELECT * FROM idempotency_record WHERE ctid = place OFFSET 0) r
WHERE left(r.body, 10) IN ('{"id":"pi_', '{"id":"re_', '{"id":"tr_') AND NOT EXISTS (  -- a request may be about what was there before it
    SELECT id FROM payments_intent WHERE id = ledger_typeid_uuid(substr(r.body, 11, 26)) UNION ALL
    SELECT id FROM payments_refund WHERE id = ledger_typeid_uuid(substr(r.body, 11, 26)) UNION ALL
    SELECT id FROM payments_transfer WHERE id = ledger_typeid_uuid(substr(r.body, 11, 26)))""",
    ),
    Check(
        name="no attempt is left where its process died",
        sql="""
SELECT id, kind, started_at FROM payments_attempt
WHERE state = 'started' AND started_at < clock_timestamp() - interval '15 minutes'""",
    ),
    Check(
        name="payments whose outcome is not known are looked at",
        sql="""
SELECT id, kind, state, next_look_at FROM payments_attempt
WHERE next_look_at < clock_timestamp() - interval '15 minutes'""",
        strict_only=True,
    ),
    Check(
        name="no payment's outcome has been unknown for a day",
        sql="""
SELECT id, kind, started_at FROM payments_attempt
WHERE state = 'unknown' AND started_at < clock_timestamp() - interval '1 day'""",
        strict_only=True,
    ),
    Check(
        name="funds that are due have become available",
        sql="SELECT charge_id, available_on, remaining FROM payments_funds WHERE remaining > 0 AND available_on < core_today() - 1",
        strict_only=True,
    ),
)
