-- Until idempotency's 0005 two commands of one batch under one key could both be told that the other was at it. Nothing was begun
-- under these keys, so they may be used again. A flow that lives is not among them: its attempt is written with its key.
DELETE FROM idempotency_record r
WHERE r.state = 'running' AND r.locked_until < clock_timestamp() AND NOT EXISTS (SELECT FROM payments_attempt a WHERE a.id = r.object_id);
