-- What no writer can break, whichever function or hand it comes from.
--
-- The CHECKs of the busiest tables call functions: PostgreSQL reads and plans a CHECK's text anew for
-- every statement, which for the same conditions written out took more than the rest of an insert.

CREATE OR REPLACE FUNCTION payments_intent_sane(
    status text, amount bigint, amount_capturable bigint, amount_received bigint, canceled_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (status IN ('requires_payment_method', 'requires_confirmation', 'requires_action', 'processing', 'requires_capture',
                       'succeeded', 'canceled')
        AND amount > 0 AND amount_capturable >= 0 AND amount_received >= 0 AND amount_capturable + amount_received <= amount
        AND (amount_capturable = 0 OR status IN ('requires_capture', 'processing'))
        AND (canceled_at IS NULL) = (status <> 'canceled')) IS TRUE;
END $$;
ALTER TABLE payments_intent ADD CONSTRAINT payments_intent_sane
    CHECK (payments_intent_sane(status, amount, amount_capturable, amount_received, canceled_at));

CREATE OR REPLACE FUNCTION payments_attempt_sane(kind text, state text, amount bigint, next_look_at timestamptz, authorization_id uuid)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (kind IN ('authorize', 'capture', 'void', 'refund') AND amount > 0
        AND state IN ('started', 'unknown', 'waiting', 'succeeded', 'failed')
        AND (next_look_at IS NULL) = (state IN ('succeeded', 'failed'))
        AND (kind = 'authorize' OR authorization_id IS NOT NULL)) IS TRUE;
END $$;
ALTER TABLE payments_attempt ADD CONSTRAINT payments_attempt_sane
    CHECK (payments_attempt_sane(kind, state, amount, next_look_at, authorization_id));

-- Captured is never more than authorised, refunded (with what is pending) never more than captured;
-- what is captured is booked.
CREATE OR REPLACE FUNCTION payments_charge_capped(
    status text, amount bigint, amount_captured bigint, amount_refunded bigint, amount_refund_pending bigint, captured boolean, booked_as uuid
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (status IN ('succeeded', 'failed') AND amount_refunded >= 0 AND amount_refund_pending >= 0
        AND amount_captured <= amount AND amount_refunded + amount_refund_pending <= amount_captured
        AND CASE WHEN captured THEN status = 'succeeded' AND amount_captured > 0 AND booked_as IS NOT NULL
                 ELSE amount_captured = 0 AND booked_as IS NULL END) IS TRUE;
END $$;
ALTER TABLE payments_charge ADD CONSTRAINT payments_charge_capped CHECK (
    payments_charge_capped(status, amount, amount_captured, amount_refunded, amount_refund_pending, captured, balance_transaction_id));

ALTER TABLE payments_balance_transaction ADD CONSTRAINT payments_transaction_net CHECK (net = amount - fee AND fee >= 0);
ALTER TABLE payments_funds ADD CONSTRAINT payments_funds_remaining CHECK (remaining >= 0 AND remaining <= amount);

-- A payment that succeeded or was canceled stays so, and what it was about stays the same.
CREATE OR REPLACE FUNCTION payments_forbid_return() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % is final: % cannot become %', TG_TABLE_NAME, OLD.id, to_jsonb(OLD) ->> TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[0]
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER payments_intent_final BEFORE UPDATE ON payments_intent FOR EACH ROW
    WHEN (OLD.status IN ('succeeded', 'canceled') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION payments_forbid_return('status');
CREATE TRIGGER payments_attempt_final BEFORE UPDATE ON payments_attempt FOR EACH ROW
    WHEN (OLD.state IN ('succeeded', 'failed') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION payments_forbid_return('state');
CREATE TRIGGER payments_refund_final BEFORE UPDATE ON payments_refund FOR EACH ROW
    WHEN (OLD.status <> 'pending' AND NEW.status <> OLD.status)
    EXECUTE FUNCTION payments_forbid_return('status');
CREATE TRIGGER payments_charge_captured_once BEFORE UPDATE ON payments_charge FOR EACH ROW
    WHEN (OLD.captured AND (NOT NEW.captured OR NEW.amount_captured <> OLD.amount_captured))
    EXECUTE FUNCTION payments_forbid_return('amount_captured');

-- Refunds, pending ones included, never exceed what was captured: counted from the refunds
-- themselves, under the charge's lock.
CREATE OR REPLACE FUNCTION payments_check_refunds() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    most bigint;
    asked bigint;
BEGIN
    SELECT amount_captured INTO most FROM payments_charge WHERE id = NEW.charge_id FOR NO KEY UPDATE;
    SELECT sum(amount) INTO asked FROM payments_refund WHERE charge_id = NEW.charge_id AND status <> 'failed';
    IF asked > most THEN
        RAISE EXCEPTION 'refunds of % exceed what was captured', NEW.charge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_refund_cap';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payments_refund_cap AFTER INSERT OR UPDATE OF amount, status, charge_id ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_check_refunds();

-- Rows that change once or twice right after they were written: leave room for it on their page.
ALTER TABLE payments_intent SET (fillfactor = 70);
ALTER TABLE payments_attempt SET (fillfactor = 70);
ALTER TABLE payments_charge SET (fillfactor = 80);
ALTER TABLE payments_funds SET (fillfactor = 80);

-- Nothing of payments is ever deleted.
DO $$
DECLARE
    name text;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'payments\_%' LOOP
            EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM florin_app', name);
        END LOOP;
    END IF;
END $$;
