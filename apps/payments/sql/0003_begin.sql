-- The first phase of a payment: who asks is settled (idempotency key), what is asked is checked
-- against the rows as they are, and the attempt is committed before its gateway is called.
--
-- Locks, in this order everywhere: idempotency keys, intents (by id), attempts; then the ledger's.

-- One claim per command, in their order: for several, the keys are claimed in the order in which
-- everybody claims them.
CREATE OR REPLACE FUNCTION payments_claims(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_array_length(commands) = 1 THEN
        RETURN jsonb_build_array(idempotency_claim(commands -> 0 -> 'key'));
    END IF;
    RETURN idempotency_claim_each(jsonb_path_query_array(commands, '$[*].key'));
END $$;

-- What is wrong with a customer or payment method that a request refers to, or null. A method that
-- belongs to a customer pays only for that one (`pays_for`).
CREATE OR REPLACE FUNCTION payments_party_problem(
    of_merchant uuid, in_livemode boolean, with_customer uuid, with_method uuid, pays_for uuid
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    customer record;
    method record;
BEGIN
    IF with_customer IS NOT NULL THEN
        SELECT c.deleted_at INTO customer FROM payments_customer c
        WHERE c.id = with_customer AND c.merchant_id = of_merchant AND c.livemode = in_livemode;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'customer_missing', 'id', with_customer);
        ELSIF customer.deleted_at IS NOT NULL THEN
            RETURN '{"error": "customer_deleted"}';
        END IF;
    END IF;
    IF with_method IS NOT NULL THEN
        SELECT m.customer_id, m.detached_at INTO method FROM payments_payment_method m
        WHERE m.id = with_method AND m.merchant_id = of_merchant AND m.livemode = in_livemode;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'method_missing', 'id', with_method);
        ELSIF method.detached_at IS NOT NULL THEN
            RETURN '{"error": "method_not_usable"}';
        ELSIF method.customer_id IS DISTINCT FROM pays_for AND method.customer_id IS NOT NULL THEN
            RETURN '{"error": "customer_mismatch"}';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION payments_insert_method(n payments_payment_method) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_payment_method
        (id, merchant_id, livemode, version, created, customer_id, gateway, token, card, billing_details, metadata)
    VALUES
        (n.id, n.merchant_id, n.livemode, n.version, n.created, n.customer_id, n.gateway, n.token, n.card, n.billing_details, n.metadata);
END $$;

CREATE OR REPLACE FUNCTION payments_insert_intent(n payments_intent) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_intent
        (id, merchant_id, livemode, version, created, status, amount, amount_capturable, amount_received, currency,
         capture_method, confirmation_method, customer_id, payment_method_id, client_secret, description,
         statement_descriptor, statement_descriptor_suffix, receipt_email, metadata, setup_future_usage, shipping,
         automatic_payment_methods, payment_method_options, transfer_group, return_url)
    VALUES
        (n.id, n.merchant_id, n.livemode, n.version, n.created, n.status, n.amount, n.amount_capturable, n.amount_received, n.currency,
         n.capture_method, n.confirmation_method, n.customer_id, n.payment_method_id, n.client_secret, n.description,
         n.statement_descriptor, n.statement_descriptor_suffix, n.receipt_email, n.metadata, n.setup_future_usage, n.shipping,
         n.automatic_payment_methods, n.payment_method_options, n.transfer_group, n.return_url);
END $$;

-- Intents that nobody confirms yet: claim, rows, events and answer in one go.
-- command: {"key", "intent": row, "method": row | null, "events": […], "answer": {"status", "body"}}
CREATE OR REPLACE FUNCTION payments_create(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := payments_claims(commands);
    outcomes jsonb := '[]';
    good int[] := '{}';
    c jsonb;
    intent payments_intent;
    problem jsonb;
BEGIN
    FOR n IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> n;
        IF claims -> n ->> 'outcome' <> 'new' THEN
            outcomes := outcomes || jsonb_build_object('claim', claims -> n);
            CONTINUE;
        END IF;
        intent := jsonb_populate_record(NULL::payments_intent, c -> 'intent');
        problem := payments_party_problem(intent.merchant_id, intent.livemode, intent.customer_id,
            CASE WHEN jsonb_typeof(c -> 'method') <> 'object' THEN intent.payment_method_id END, intent.customer_id);
        IF problem IS NULL THEN
            IF jsonb_typeof(c -> 'method') = 'object' THEN
                PERFORM payments_insert_method(jsonb_populate_record(NULL::payments_payment_method, c -> 'method'));
            END IF;
            PERFORM payments_insert_intent(intent);
            good := good || n;
        ELSE
            PERFORM idempotency_release(c -> 'key');
        END IF;
        outcomes := outcomes || coalesce(problem, '{"ok": {}}');
    END LOOP;
    PERFORM payments_tell(commands, good);
    RETURN outcomes;
END $$;

-- Everything that is needed to go on with an attempt, as {"attempt", "intent", "charge", "method", "customer"}.
CREATE OR REPLACE FUNCTION payments_held(of_attempt uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    held jsonb;
BEGIN
    SELECT jsonb_build_object('attempt', to_jsonb(a), 'intent', to_jsonb(i), 'charge', to_jsonb(c), 'method', to_jsonb(m),
        'refund', to_jsonb(r), 'customer', to_jsonb(cu))
    INTO held
    FROM payments_attempt a
    JOIN payments_intent i ON i.id = a.intent_id
    LEFT JOIN payments_charge c ON c.id = a.charge_id
    LEFT JOIN payments_payment_method m ON m.id = coalesce(a.payment_method_id, i.payment_method_id)
    LEFT JOIN payments_refund r ON r.id = a.refund_id
    LEFT JOIN payments_customer cu ON cu.id = i.customer_id
    WHERE a.id = of_attempt;
    RETURN held;
END $$;

-- Commits that a gateway is about to be asked. What follows from the rows is filled in by the caller.
CREATE OR REPLACE FUNCTION payments_start(
    c jsonb, intent payments_intent, attempt payments_attempt, charge payments_charge, method payments_payment_method
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    customer payments_customer;
BEGIN
    INSERT INTO payments_attempt
        (id, merchant_id, livemode, version, created, intent_id, charge_id, payment_method_id, authorization_id, kind, state,
         gateway, amount, currency, capture, off_session, request, looks, next_look_at, sent_until, started_at)
    VALUES
        (attempt.id, intent.merchant_id, intent.livemode, 1, attempt.created, intent.id, attempt.charge_id,
         attempt.payment_method_id, attempt.authorization_id, attempt.kind, 'started', attempt.gateway, attempt.amount,
         intent.currency, coalesce(attempt.capture, false), coalesce(attempt.off_session, false), attempt.request, 0,
         clock_timestamp() + make_interval(secs => (c ->> 'first_look_s')::int),
         clock_timestamp() + make_interval(secs => (c ->> 'last_byte_s')::int), clock_timestamp())
    RETURNING * INTO attempt;
    IF jsonb_typeof(c -> 'intent') = 'object' AND jsonb_typeof(c -> 'method') = 'object' AND NOT (c ->> 'with_customer')::boolean THEN
        -- The caller has made all of it and knows it.
        RETURN '{"ok": {}}';
    END IF;
    IF (c ->> 'with_customer')::boolean THEN
        SELECT * INTO customer FROM payments_customer cu WHERE cu.id = intent.customer_id;
    END IF;
    RETURN jsonb_build_object('ok', jsonb_build_object(
        'attempt', to_jsonb(attempt),
        'intent', to_jsonb(intent),
        'charge', CASE WHEN charge.id IS NOT NULL THEN to_jsonb(charge) END,
        'method', CASE WHEN method.id IS NOT NULL THEN to_jsonb(method) END,
        'customer', CASE WHEN customer.id IS NOT NULL THEN to_jsonb(customer) END));
END $$;

-- A confirmation: the payment method is settled (a new one, a stored one or the intent's own), what
-- the request changes is changed, and the authorisation starts.
CREATE OR REPLACE FUNCTION payments_begin_confirm(c jsonb, intent payments_intent) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    is_new boolean := jsonb_typeof(c -> 'intent') = 'object';
    attempt payments_attempt := jsonb_populate_record(NULL::payments_attempt, c -> 'attempt');
    chosen uuid := coalesce((c #>> '{method,id}')::uuid, (c ->> 'method_id')::uuid);
    method payments_payment_method;
    problem jsonb;
BEGIN
    IF coalesce(chosen, intent.payment_method_id) IS NULL THEN
        RETURN jsonb_build_object('error', 'method_required', 'intent', to_jsonb(intent));
    END IF;
    problem := payments_party_problem(intent.merchant_id, intent.livemode, CASE WHEN is_new THEN intent.customer_id END,
        CASE WHEN jsonb_typeof(c -> 'method') <> 'object' THEN chosen END, intent.customer_id);
    IF problem IS NOT NULL THEN
        RETURN problem;
    END IF;
    IF jsonb_typeof(c -> 'method') = 'object' THEN
        method := jsonb_populate_record(NULL::payments_payment_method, c -> 'method');
        PERFORM payments_insert_method(method);
    ELSE
        SELECT * INTO method FROM payments_payment_method m WHERE m.id = coalesce(chosen, intent.payment_method_id);
    END IF;
    IF is_new THEN
        PERFORM payments_insert_intent(intent);
    ELSIF chosen IS NOT NULL OR c -> 'changes' <> '{}' THEN
        intent := jsonb_populate_record(intent, c -> 'changes');
        intent.payment_method_id := method.id;
        intent.version := intent.version + 1;
        UPDATE payments_intent i SET version = intent.version, payment_method_id = intent.payment_method_id,
            return_url = intent.return_url, receipt_email = intent.receipt_email, shipping = intent.shipping,
            setup_future_usage = intent.setup_future_usage, payment_method_options = intent.payment_method_options
        WHERE i.id = intent.id;
    END IF;
    attempt.amount := intent.amount;
    attempt.capture := intent.capture_method <> 'manual';
    attempt.payment_method_id := method.id;
    RETURN payments_start(c, intent, attempt, NULL, method);
END $$;

-- A capture or cancellation of what a gateway holds; it builds on the authorisation's attempt.
CREATE OR REPLACE FUNCTION payments_begin_followup(c jsonb, intent payments_intent) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    attempt payments_attempt := jsonb_populate_record(NULL::payments_attempt, c -> 'attempt');
    charge payments_charge;
    method payments_payment_method;
BEGIN
    IF intent.status = 'requires_capture' THEN
        SELECT * INTO charge FROM payments_charge ch WHERE ch.id = intent.latest_charge_id;
        attempt.charge_id := charge.id;
        attempt.authorization_id := charge.attempt_id;
        attempt.amount := coalesce((c ->> 'asked')::bigint, intent.amount_capturable);
        IF attempt.amount > intent.amount_capturable THEN
            RETURN jsonb_build_object('error', 'amount_too_large', 'limit', intent.amount_capturable);
        END IF;
    ELSIF intent.status = 'requires_action' THEN
        SELECT a.id, a.amount INTO attempt.authorization_id, attempt.amount FROM payments_attempt a
        WHERE a.intent_id = intent.id AND a.state = 'waiting';
    ELSE
        RETURN jsonb_build_object('error', 'nothing_held', 'intent', to_jsonb(intent));
    END IF;
    SELECT * INTO method FROM payments_payment_method m WHERE m.id = intent.payment_method_id;
    RETURN payments_start(c, intent, attempt, charge, method);
END $$;

-- Begins one confirmation, capture or cancellation, with the intent's row locked. An error leaves
-- nothing behind; "waiting" (a confirmation whose customer is at the bank's page) and "nothing_held"
-- (a cancellation of what no gateway holds) tell the caller to go another way.
-- command: {"key", "merchant_id", "livemode", "intent_id", "intent": new row | null, "method": new row | null,
--   "method_id": uuid | null, "allowed": [status], "changes": {column: value}, "attempt": {…}, "asked": amount | null,
--   "first_look_s", "last_byte_s", "with_customer", "events": […]}
CREATE OR REPLACE FUNCTION payments_begin_one(c jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    intent payments_intent;
    waiting uuid;
BEGIN
    IF jsonb_typeof(c -> 'intent') = 'object' THEN
        RETURN payments_begin_confirm(c, jsonb_populate_record(NULL::payments_intent, c -> 'intent'));
    END IF;
    SELECT * INTO intent FROM payments_intent i
    WHERE i.id = (c ->> 'intent_id')::uuid AND i.merchant_id = (c ->> 'merchant_id')::uuid AND i.livemode = (c ->> 'livemode')::boolean
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN '{"error": "intent_missing"}';
    ELSIF NOT (c -> 'allowed') ? intent.status THEN
        RETURN jsonb_build_object('error', 'unexpected_state', 'intent', to_jsonb(intent));
    ELSIF EXISTS (SELECT FROM payments_attempt a
                  WHERE a.intent_id = intent.id AND a.state IN ('started', 'unknown') AND a.kind <> 'refund') THEN
        RETURN '{"error": "busy"}';
    ELSIF c #>> '{attempt,kind}' <> 'authorize' THEN
        RETURN payments_begin_followup(c, intent);
    ELSIF intent.status <> 'requires_action' THEN
        RETURN payments_begin_confirm(c, intent);
    ELSIF jsonb_typeof(c -> 'method') = 'object' OR c ->> 'method_id' IS NOT NULL THEN
        RETURN jsonb_build_object('error', 'unexpected_state', 'intent', to_jsonb(intent));
    END IF;
    -- The gateway has been asked already: what is due is to look what became of it.
    SELECT a.id INTO waiting FROM payments_attempt a WHERE a.intent_id = intent.id AND a.state = 'waiting';
    RETURN jsonb_build_object('error', 'waiting', 'held', payments_held(waiting));
END $$;

CREATE OR REPLACE FUNCTION payments_begin(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := payments_claims(commands);
    outcomes jsonb := '[]';
    outcome jsonb;
    events jsonb := '[]';
    c jsonb;
BEGIN
    IF jsonb_array_length(commands) > 1 THEN
        PERFORM payments_lock_intents(commands);
    END IF;
    FOR nth IN 0 .. jsonb_array_length(commands) - 1 LOOP
        c := commands -> nth;
        IF claims -> nth ->> 'outcome' = 'new' THEN
            outcome := payments_begin_one(c);
            IF outcome ? 'error' THEN
                PERFORM idempotency_release(c -> 'key');
            ELSE
                events := events || coalesce(c -> 'events', '[]');
            END IF;
        ELSE
            outcome := jsonb_build_object('claim', claims -> nth);
        END IF;
        outcomes := outcomes || jsonb_build_array(outcome);
    END LOOP;
    IF events <> '[]' THEN
        PERFORM events_write(events);
    END IF;
    RETURN outcomes;
END $$;

-- Goes on with attempts whose owner died: from now on, bytes may leave for them again.
-- command: {"attempt_id", "last_byte_s"}; "send" is false where the outcome is waited for or known.
CREATE OR REPLACE FUNCTION payments_resume(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    outcomes jsonb := '[]';
    c jsonb;
BEGIN
    FOR c IN SELECT * FROM jsonb_array_elements(commands) LOOP
        UPDATE payments_attempt a SET
            sent_until = clock_timestamp() + make_interval(secs => (c ->> 'last_byte_s')::int), missing_since = NULL
        WHERE a.id = (c ->> 'attempt_id')::uuid AND a.state = 'started';
        outcomes := outcomes || jsonb_build_object('ok',
            payments_held((c ->> 'attempt_id')::uuid) || jsonb_build_object('send', FOUND));
    END LOOP;
    RETURN outcomes;
END $$;
