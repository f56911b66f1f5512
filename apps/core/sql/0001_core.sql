-- Business time. One row; the shift is zero in production.
CREATE TABLE core_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shift interval NOT NULL DEFAULT interval '0'
);
INSERT INTO core_clock DEFAULT VALUES;

CREATE OR REPLACE FUNCTION core_now() RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN clock_timestamp() + (SELECT shift FROM core_clock);
END $$;

-- The ledger's own zone is a setting of the database (florin.ledger_zone), UTC unless set.
CREATE OR REPLACE FUNCTION core_today() RETURNS date
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (core_now() AT TIME ZONE coalesce(nullif(current_setting('florin.ledger_zone', true), ''), 'UTC'))::date;
END $$;

-- Makes the monthly partitions of `parent` for `months` months from `first` on, where missing.
-- A month that already has rows in the default partition is left there.
CREATE OR REPLACE FUNCTION core_ensure_month_partitions(parent text, first date, months int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    month date;
    made int := 0;
    child text;
BEGIN
    FOR month IN SELECT (date_trunc('month', first) + make_interval(months => n))::date FROM generate_series(0, months - 1) n LOOP
        child := format('%s_%s', parent, to_char(month, 'YYYYMM'));
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                child, parent, month, (month + interval '1 month')::date);
            made := made + 1;
            -- A table may have rules of its own for its partitions: <table>_partition(regclass).
            IF to_regprocedure(format('%s_partition(regclass)', parent)) IS NOT NULL THEN
                EXECUTE format('SELECT %I(%L::regclass)', parent || '_partition', child);
            END IF;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE '% stays in the default partition', child;
        END;
    END LOOP;
    RETURN made;
END $$;

-- For triggers on append-only tables.
CREATE OR REPLACE FUNCTION core_forbid_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', HINT = 'Corrections are new rows that reverse the old.';
END $$;
