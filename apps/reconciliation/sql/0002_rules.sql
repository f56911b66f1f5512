-- What no writer of matches can break, the functions of reconciliation and a hand at the prompt alike.

-- Every group has posted what it explains.
ALTER TABLE recon_match_group ADD CONSTRAINT recon_match_group_posted CHECK (cardinality(entry_ids) > 0);

-- A leg's line is there. (Composite: the line's table is partitioned by the file's date.)
ALTER TABLE recon_match_leg ADD CONSTRAINT recon_match_leg_line
    FOREIGN KEY (line_id, file_date) REFERENCES recon_source_line (id, file_date);

-- The first group of `groups` whose legs do not balance: Σ side A = Σ side B + adjustment = amount, with legs on both
-- sides, all active where the group is and none where it is reversed.
CREATE OR REPLACE FUNCTION recon_unbalanced(groups uuid[]) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT g.id
    FROM recon_match_group g
    LEFT JOIN recon_match_leg l ON l.group_id = g.id
    WHERE g.id = ANY (groups)
    GROUP BY g.id
    HAVING (sum(l.amount) FILTER (WHERE l.side = 'A') = g.amount
        AND sum(l.amount) FILTER (WHERE l.side = 'B') + g.adjustment = g.amount
        AND bool_and(l.hop = g.hop AND l.active = (g.status = 'active'))) IS NOT TRUE
    LIMIT 1
$$;

CREATE OR REPLACE FUNCTION recon_refuse_unbalanced(groups uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    culprit uuid := recon_unbalanced(groups);
BEGIN
    IF culprit IS NOT NULL THEN
        RAISE EXCEPTION 'the legs of match % do not balance', culprit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_match_balanced';
    END IF;
END $$;

-- At the end of the transaction, for each group that was made or changed, and for each leg that was changed.
CREATE OR REPLACE FUNCTION recon_check_group() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recon_refuse_unbalanced(ARRAY[(to_jsonb(NEW) ->> TG_ARGV[0])::uuid]);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_match_group_balanced AFTER INSERT OR UPDATE ON recon_match_group
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_check_group('id');
CREATE CONSTRAINT TRIGGER recon_match_leg_balanced AFTER UPDATE ON recon_match_leg
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_check_group('group_id');

-- The legs of a group arrive in one statement and balance at once.
CREATE OR REPLACE FUNCTION recon_check_legs() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recon_refuse_unbalanced(array_agg(DISTINCT group_id)) FROM arrived;
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
