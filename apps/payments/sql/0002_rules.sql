-- What no writer can break, whichever function or hand it comes from. Most caps are CHECKs of the
-- tables; these are the rules that look at more than one row or at the row before.

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
