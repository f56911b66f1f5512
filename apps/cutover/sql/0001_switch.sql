-- What no writer of switches can break: each change is in the history, and every process learns of it.

-- Counts that are lost with a crash cost nothing; writing them durably each second would.
ALTER TABLE cutover_outcome SET UNLOGGED;

-- Goes up in the order of commits, because each change holds its one row until it commits.
CREATE TABLE cutover_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL DEFAULT 1
);
INSERT INTO cutover_version DEFAULT VALUES;

CREATE OR REPLACE FUNCTION cutover_switch_before() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.endpoint) IS DISTINCT FROM (OLD.id, OLD.endpoint) OR NEW.merchant_id IS DISTINCT FROM OLD.merchant_id THEN
            RAISE EXCEPTION 'a switch stays where it is' USING ERRCODE = 'insufficient_privilege';
        END IF;
        -- Who forgets to say when has forgotten to say who and why: the history would name the one before.
        IF NEW.changed_at = OLD.changed_at THEN
            RAISE EXCEPTION 'a change of a switch sets changed_by, reason and changed_at' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER cutover_switch_before BEFORE INSERT OR UPDATE ON cutover_switch
    FOR EACH ROW EXECUTE FUNCTION cutover_switch_before();

CREATE OR REPLACE FUNCTION cutover_state(switch cutover_switch) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'hot_percent', switch.hot_percent,
        'max_error_percent', switch.max_error_percent, 'min_requests', switch.min_requests, 'window_s', switch.window_s,
        'max_difference_percent', switch.max_difference_percent, 'min_compared', switch.min_compared);
END $$;

CREATE OR REPLACE FUNCTION cutover_switch_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cutover_change (at, actor, reason, endpoint, merchant_id, before, after)
    VALUES (NEW.changed_at, NEW.changed_by, NEW.reason, NEW.endpoint, NEW.merchant_id,
            CASE WHEN TG_OP = 'UPDATE' THEN cutover_state(OLD) END, cutover_state(NEW));
    UPDATE cutover_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER cutover_switch_changed AFTER INSERT OR UPDATE ON cutover_switch
    FOR EACH ROW EXECUTE FUNCTION cutover_switch_changed();

CREATE TRIGGER cutover_switch_kept BEFORE DELETE ON cutover_switch
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER cutover_switch_not_emptied BEFORE TRUNCATE ON cutover_switch
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER cutover_change_kept BEFORE UPDATE OR DELETE ON cutover_change
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER cutover_change_not_emptied BEFORE TRUNCATE ON cutover_change
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();
