-- What no writer of matches can break, the functions of reconciliation and a hand at the prompt alike.

-- Every group has posted what it explains.
ALTER TABLE recon_match_group ADD CONSTRAINT recon_match_group_posted CHECK (cardinality(entry_ids) > 0);

-- Whether a group's legs balance: Σ side A = Σ side B + adjustment = amount, with legs on both sides, all active where
-- the group is and none where it is reversed.
CREATE OR REPLACE FUNCTION recon_balanced(of_group uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT l.theirs = g.amount AND l.ours + g.adjustment = g.amount AND l.fitting
        FROM recon_match_group g
        CROSS JOIN LATERAL (
            SELECT sum(l.amount) FILTER (WHERE l.side = 'A') AS theirs, sum(l.amount) FILTER (WHERE l.side = 'B') AS ours,
                   bool_and(l.hop = g.hop AND l.active = (g.status = 'active')) AS fitting
            FROM recon_match_leg l WHERE l.group_id = g.id
        ) l
        WHERE g.id = of_group
    ) IS TRUE;
END $$;

-- At the end of the transaction, for each group that was made or reversed and each leg that was.
CREATE OR REPLACE FUNCTION recon_check_group() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT recon_balanced(NEW.id) THEN
        RAISE EXCEPTION 'the legs of match % do not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_match_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_match_group_balanced AFTER INSERT OR UPDATE ON recon_match_group
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_check_group();

CREATE OR REPLACE FUNCTION recon_check_leg() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT recon_balanced(NEW.group_id) THEN
        RAISE EXCEPTION 'the legs of match % do not balance', NEW.group_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_match_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_match_leg_balanced AFTER UPDATE ON recon_match_leg
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_check_leg();

-- The legs of a group arrive in one statement, to the group's own sum, and what they refer to is there: one look per
-- statement instead of foreign keys per row, one of them into a partitioned table. None of it can be deleted.
CREATE OR REPLACE FUNCTION recon_check_legs() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    culprit uuid;
BEGIN
    SELECT a.group_id INTO culprit FROM arrived a
    LEFT JOIN recon_source_line l ON l.id = a.line_id AND l.file_date = a.file_date
    LEFT JOIN recon_payout p ON p.id = a.payout_id
    WHERE (a.line_id IS NOT NULL AND l.id IS NULL) OR (a.payout_id IS NOT NULL AND p.id IS NULL)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'match % has a leg that leads nowhere', culprit
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'recon_match_leg_refers';
    END IF;
    SELECT a.group_id INTO culprit
    FROM (
        SELECT group_id, sum(amount) FILTER (WHERE side = 'A') AS theirs, sum(amount) FILTER (WHERE side = 'B') AS ours
        FROM arrived GROUP BY group_id
    ) a
    LEFT JOIN recon_match_group g ON g.id = a.group_id
    WHERE (a.theirs = g.amount AND a.ours + g.adjustment = g.amount) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the legs of match % do not balance', culprit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_match_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_match_leg_arrived AFTER INSERT ON recon_match_leg
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION recon_check_legs();

-- Groups and legs stay as they were made, except that a group is reversed, once, with its legs.
CREATE OR REPLACE FUNCTION recon_only_reversed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD) - TG_ARGV;
BEGIN
    IF to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM before
       OR (to_jsonb(OLD) ->> 'status') = 'reversed' OR (to_jsonb(OLD) ->> 'active') = 'false' THEN
        RAISE EXCEPTION '% is only ever reversed: this UPDATE is refused', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_match_group_only_reversed BEFORE UPDATE ON recon_match_group
    FOR EACH ROW EXECUTE FUNCTION recon_only_reversed('status', 'reversed_at', 'reversed_by', 'reversal_reason', 'entry_ids');
CREATE TRIGGER recon_match_leg_only_reversed BEFORE UPDATE ON recon_match_leg
    FOR EACH ROW EXECUTE FUNCTION recon_only_reversed('active');

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['recon_match_group', 'recon_match_leg', 'recon_source_file', 'recon_file_content',
                                'recon_statement', 'recon_line_identity', 'recon_payout', 'recon_break'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION core_forbid_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change()',
            name || '_not_emptied', name);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON recon_source_line, recon_source_line_default FROM florin_app;
        REVOKE DELETE, TRUNCATE ON recon_match_group, recon_match_leg, recon_source_file, recon_file_content,
            recon_statement, recon_line_identity, recon_payout, recon_break FROM florin_app;
    END IF;
END $$;
