-- Our own side, read from payments.

-- Everything that was asked of a gateway, by the reference under which the gateway knows it.
CREATE OR REPLACE VIEW recon_attempts AS
SELECT a.id AS attempt_id, a.merchant_id, a.livemode, a.gateway, a.kind, a.state, a.currency, a.amount, a.created
FROM payments_attempt a;

-- What moved money at a gateway and so must come in a settlement file: captures and refunds (negative).
CREATE OR REPLACE VIEW recon_ours AS
SELECT a.id AS movement_id, a.merchant_id, a.livemode, a.gateway, a.currency, a.created,
       CASE a.kind WHEN 'refund' THEN 'refund' ELSE 'capture' END AS kind,
       CASE a.kind WHEN 'refund' THEN -a.amount ELSE a.amount END AS amount
FROM payments_attempt a
WHERE a.state = 'succeeded' AND (a.kind IN ('capture', 'refund') OR (a.kind = 'authorize' AND a.capture));

-- A line as it stands among the open ones.
CREATE OR REPLACE VIEW recon_openable AS
SELECT l.id AS line_id, l.file_date, l.file_id, l.number, l.source_id AS source,
       CASE l.hop WHEN 'bank' THEN s.ledger_name || '.' || lower(right(t.account, 4)) ELSE s.ledger_name END AS ledger_name,
       l.hop, l.kind, l.nref, l.attempt_id, l.booked_on, l.currency, l.amount, l.fee, l.identity
FROM recon_source_line l
JOIN recon_source s ON s.code = l.source_id
LEFT JOIN recon_statement t ON t.id = l.statement_id;
