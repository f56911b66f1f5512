-- Refunds: begin (the merchant's money is put on hold), record (it is gone, or the merchant's again).
--
-- Locks: idempotency keys, charges (by id), attempts, funds (oldest first); then the ledger's.

-- Puts `amount` on hold: of the available balance as much as there is, the rest of the merchant's
-- pending funds, oldest first. Fills in who pays; null where all of it together does not suffice.
CREATE OR REPLACE FUNCTION payments_refund_draw(refund payments_refund, accounts jsonb) RETURNS payments_refund
LANGUAGE plpgsql AS $$
DECLARE
    outcome jsonb;
    missing bigint;
    taken bigint;
    f record;
BEGIN
    refund.from_available := refund.amount;
    refund.from_pending := 0;
    refund.draws := '[]';
    outcome := payments_refund_hold(refund, accounts);
    IF outcome ? 'ok' THEN
        RETURN refund;
    ELSIF outcome ->> 'error' <> 'insufficient_funds' THEN
        RAISE EXCEPTION 'the ledger refused a hold: %', outcome;
    END IF;
    refund.from_available := greatest((outcome ->> 'available')::bigint, 0);
    missing := refund.amount - refund.from_available;
    refund.from_pending := missing;
    FOR f IN
        SELECT charge_id, remaining FROM payments_funds
        WHERE merchant_id = refund.merchant_id AND livemode = refund.livemode AND currency = refund.currency AND remaining > 0
        ORDER BY available_on, charge_id FOR NO KEY UPDATE
    LOOP
        taken := least(missing, f.remaining);
        UPDATE payments_funds SET remaining = remaining - taken WHERE charge_id = f.charge_id;
        refund.draws := refund.draws || jsonb_build_object('charge_id', f.charge_id, 'amount', taken);
        missing := missing - taken;
        EXIT WHEN missing = 0;
    END LOOP;
    IF missing = 0 THEN
        outcome := payments_refund_hold(refund, accounts);
        IF outcome ? 'ok' THEN
            RETURN refund;
        END IF;
    END IF;
    PERFORM payments_refund_restore(refund.draws);
    RETURN NULL;
END $$;

-- The ledger holds what the refund takes of each balance. `accounts`: {"available": code, "pending": code}.
CREATE OR REPLACE FUNCTION payments_refund_hold(refund payments_refund, accounts jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    holds jsonb := '[]';
BEGIN
    IF refund.from_available > 0 THEN
        holds := holds || jsonb_build_object('id', refund.available_hold_id, 'account', accounts -> 'available', 'amount', refund.from_available);
    END IF;
    IF refund.from_pending > 0 THEN
        holds := holds || jsonb_build_object('id', refund.pending_hold_id, 'account', accounts -> 'pending', 'amount', refund.from_pending);
    END IF;
    RETURN ledger_post(jsonb_build_array(jsonb_build_object('id', refund.id, 'kind', 'refund_hold', 'source', accounts -> 'source',
        'livemode', refund.livemode, 'postings', '[]'::jsonb, 'holds', holds))) -> 0;
END $$;

-- What was drawn is the payments' again; where such funds were due meanwhile, they are released next.
CREATE OR REPLACE FUNCTION payments_refund_restore(draws jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    d jsonb;
BEGIN
    FOR d IN SELECT * FROM jsonb_array_elements(draws) LOOP
        UPDATE payments_funds SET remaining = remaining + (d ->> 'amount')::bigint WHERE charge_id = (d ->> 'charge_id')::uuid;
    END LOOP;
END $$;

-- Why the charge cannot be refunded like that, or null. `asked` null: all that is left.
CREATE OR REPLACE FUNCTION payments_refund_problem(charge payments_charge, asked bigint, seen_version int) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    remaining bigint := charge.amount_captured - charge.amount_refunded - charge.amount_refund_pending;
BEGIN
    IF charge.id IS NULL THEN
        RETURN '{"error": "charge_missing"}';
    ELSIF NOT charge.captured THEN
        RETURN '{"error": "charge_not_refundable"}';
    ELSIF remaining = 0 THEN
        RETURN '{"error": "charge_already_refunded"}';
    ELSIF asked > remaining THEN
        RETURN jsonb_build_object('error', 'amount_too_large', 'limit', remaining);
    ELSIF charge.version <> seen_version THEN
        RETURN '{"error": "stale"}';
    END IF;
    RETURN NULL;
END $$;

-- The charges of several commands, locked in the order in which everybody locks them.
CREATE OR REPLACE FUNCTION payments_lock_charges(commands jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    FOR wanted IN SELECT DISTINCT (c ->> 'charge_id')::uuid AS id FROM jsonb_array_elements(commands) c ORDER BY id LOOP
        PERFORM FROM payments_charge ch WHERE ch.id = wanted FOR NO KEY UPDATE;
    END LOOP;
END $$;

-- Why the end of a refund cannot be recorded any more, or null. The charge and the attempt are locked.
CREATE OR REPLACE FUNCTION payments_refund_record_problem(c jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    seen record;
BEGIN
    SELECT ch.version AS charge_version, r.version AS refund_version, a.state, a.sent_until, a.missing_since INTO seen
    FROM payments_charge ch
    JOIN payments_attempt a ON a.id = (c #>> '{attempt,id}')::uuid
    JOIN payments_refund r ON r.id = (c ->> 'refund_id')::uuid
    WHERE ch.id = (c ->> 'charge_id')::uuid FOR NO KEY UPDATE OF ch, a;
    RETURN coalesce(payments_attempt_problem(seen.state, seen.sent_until, seen.missing_since, (c ->> 'window_s')::int),
        CASE WHEN seen.charge_version <> (c ->> 'charge_version')::int OR seen.refund_version <> (c ->> 'refund_version')::int THEN 'stale' END);
END $$;

-- command: {"key", "merchant_id", "livemode", "charge_id", "charge_version", "asked": amount | null, "refund": row,
--   "attempt": row, "accounts": {"available", "pending", "source"}, "first_look_s", "last_byte_s", "events": […]}
CREATE OR REPLACE FUNCTION payments_refund_begin_one(c jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    charge payments_charge;
    refund payments_refund := jsonb_populate_record(NULL::payments_refund, c -> 'refund');
    attempt payments_attempt := jsonb_populate_record(NULL::payments_attempt, c -> 'attempt');
    problem jsonb;
BEGIN
    SELECT * INTO charge FROM payments_charge ch
    WHERE ch.id = (c ->> 'charge_id')::uuid AND ch.merchant_id = (c ->> 'merchant_id')::uuid AND ch.livemode = (c ->> 'livemode')::boolean
    FOR NO KEY UPDATE;
    problem := payments_refund_problem(charge, (c ->> 'asked')::bigint, (c ->> 'charge_version')::int);
    IF problem IS NOT NULL THEN
        RETURN problem;
    END IF;
    refund := payments_refund_draw(refund, c -> 'accounts');
    IF refund.id IS NULL THEN
        RETURN '{"error": "balance_insufficient"}';
    END IF;
    INSERT INTO payments_refund
        (id, merchant_id, livemode, version, created, charge_id, intent_id, attempt_id, status, amount, currency, reason, metadata,
         from_available, from_pending, draws, available_hold_id, pending_hold_id)
    VALUES
        (refund.id, refund.merchant_id, refund.livemode, 1, refund.created, charge.id, charge.intent_id, attempt.id, 'pending',
         refund.amount, charge.currency, refund.reason, refund.metadata, refund.from_available, refund.from_pending, refund.draws,
         refund.available_hold_id, refund.pending_hold_id)
    RETURNING * INTO refund;
    UPDATE payments_charge ch SET version = ch.version + 1, amount_refund_pending = ch.amount_refund_pending + refund.amount
    WHERE ch.id = charge.id RETURNING * INTO charge;
    INSERT INTO payments_attempt
        (id, merchant_id, livemode, version, created, intent_id, charge_id, refund_id, payment_method_id, authorization_id, kind, state,
         gateway, amount, currency, capture, off_session, request, looks, next_look_at, sent_until, started_at)
    VALUES
        (attempt.id, refund.merchant_id, refund.livemode, 1, attempt.created, charge.intent_id, charge.id, refund.id,
         charge.payment_method_id, charge.attempt_id, 'refund', 'started', attempt.gateway, refund.amount, charge.currency, false, false,
         attempt.request, 0, clock_timestamp() + make_interval(secs => (c ->> 'first_look_s')::int),
         clock_timestamp() + make_interval(secs => (c ->> 'last_byte_s')::int), clock_timestamp())
    RETURNING * INTO attempt;
    RETURN jsonb_build_object('ok', jsonb_build_object('refund', to_jsonb(refund), 'attempt', to_jsonb(attempt), 'charge', to_jsonb(charge)));
END $$;

CREATE OR REPLACE FUNCTION payments_refund_begin(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := payments_claims(commands);
    outcomes jsonb := '[]';
    outcome jsonb;
    events jsonb := '[]';
    c jsonb;
BEGIN
    IF jsonb_array_length(commands) > 1 THEN
        PERFORM payments_lock_charges(commands);
    END IF;
    FOR nth IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> nth;
        IF claims -> nth ->> 'outcome' = 'new' THEN
            outcome := payments_refund_begin_one(c);
            IF outcome ? 'error' THEN
                PERFORM idempotency_release(c -> 'key');
            ELSE
                events := events || (c -> 'events');
            END IF;
        ELSE
            outcome := jsonb_build_object('claim', claims -> nth);
        END IF;
        outcomes := outcomes || outcome;
    END LOOP;
    IF events <> '[]' THEN
        PERFORM events_write(events);
    END IF;
    RETURN outcomes;
END $$;

-- The rows of one command, each by its key.
CREATE OR REPLACE FUNCTION payments_refund_rows(c jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    refund payments_refund;
BEGIN
    PERFORM payments_update_attempt(c -> 'attempt', (c ->> 'look_s')::int);
    IF jsonb_typeof(c -> 'transaction') = 'object' THEN
        PERFORM payments_insert_transaction(jsonb_populate_record(NULL::payments_balance_transaction, c -> 'transaction'));
    END IF;
    IF jsonb_typeof(c -> 'refund') = 'object' THEN
        refund := jsonb_populate_record(NULL::payments_refund, c -> 'refund');
        UPDATE payments_refund r SET version = refund.version, status = refund.status, failure_reason = refund.failure_reason,
            balance_transaction_id = refund.balance_transaction_id
        WHERE r.id = refund.id;
    END IF;
    IF jsonb_typeof(c -> 'charge') = 'object' THEN
        PERFORM payments_put_charge(jsonb_populate_record(NULL::payments_charge, c -> 'charge'));
    END IF;
END $$;

-- command: {"key", "attempt": row, "look_s", "window_s", "charge_id", "charge_version", "refund_version",
--   "refund": row | null, "charge": row | null, "transaction": row | null, "entry": ledger command | null,
--   "restore": [draw], "events": […], "answer": {"status", "body"} | null}; refusals as in payments_record.
CREATE OR REPLACE FUNCTION payments_refund_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := '[]';
    good int[] := '{}';
    seen uuid[] := '{}';
    c jsonb;
    charge uuid;
    problem text;
    refusals jsonb;
    n int;
BEGIN
    IF jsonb_array_length(commands) > 1 THEN
        PERFORM payments_lock_charges(commands);
    END IF;
    FOR n IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> n;
        charge := (c ->> 'charge_id')::uuid;
        problem := payments_refund_record_problem(c);
        IF problem IS NULL AND charge <> ALL (seen) THEN
            good := good || n;
            seen := seen || charge;
            outcomes := outcomes || '{"ok": {}}'::jsonb;
        ELSE
            outcomes := outcomes || payments_refuse(coalesce(problem, 'stale'), c);
        END IF;
    END LOOP;

    FOREACH n IN ARRAY good LOOP
        PERFORM payments_refund_restore(commands -> n -> 'restore');
    END LOOP;
    refusals := payments_post(commands, good);
    IF refusals <> '{}' THEN
        -- What was on hold for a refund can always be settled: the books and the refunds disagree.
        RAISE EXCEPTION 'the ledger refused the end of a refund: %', refusals;
    END IF;
    FOREACH n IN ARRAY good LOOP
        PERFORM payments_refund_rows(commands -> n);
    END LOOP;
    PERFORM payments_tell(commands, good);
    RETURN outcomes;
END $$;
