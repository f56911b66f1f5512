-- Lines as they came: append-only, one partition a month of the file's date.

-- What two spellings of one reference have in common: letters and digits, upper case.
CREATE OR REPLACE FUNCTION recon_nref(reference text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(upper(reference), '[^A-Z0-9]+', '', 'g');

-- Amounts are signed minor units; `position` counts the lines of a file from 1, `number` is where in the file each
-- stands (a whole XML file may be one line). A pending bank entry is kept but counts nowhere.
CREATE TABLE recon_source_line (
    id uuid NOT NULL,
    file_id uuid NOT NULL,
    file_date date NOT NULL,
    statement_id uuid,
    position bigint NOT NULL CHECK (position >= 1),
    number bigint NOT NULL CHECK (number >= 1),
    source_id varchar(40) NOT NULL,
    hop varchar(10) NOT NULL CHECK (hop IN ('settlement', 'bank')),
    kind varchar(12) NOT NULL CHECK (kind IN ('capture', 'refund', 'credit', 'debit', 'reversal', 'pending')),
    external_id varchar(200) NOT NULL,
    reference varchar(200) NOT NULL,
    batch varchar(100) NOT NULL,
    attempt_id uuid,
    booked_on date NOT NULL,
    value_on date,
    currency varchar(3) NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    amount bigint NOT NULL,
    fee bigint NOT NULL,
    party text NOT NULL,
    text text NOT NULL,
    raw text NOT NULL,
    identity uuid NOT NULL,
    nref varchar(200) GENERATED ALWAYS AS (recon_nref(reference)) STORED,
    nbatch varchar(100) GENERATED ALWAYS AS (recon_nref(batch)) STORED,
    net bigint GENERATED ALWAYS AS (amount - fee) STORED,
    PRIMARY KEY (id, file_date),
    CHECK ((hop = 'bank') = (statement_id IS NOT NULL)),
    CHECK (hop = 'settlement' OR fee = 0)
) PARTITION BY RANGE (file_date);
CREATE UNIQUE INDEX recon_source_line_of_file ON recon_source_line (file_id, position, file_date);
CREATE TABLE recon_source_line_default PARTITION OF recon_source_line DEFAULT;
SELECT core_ensure_month_partitions('recon_source_line', (core_today() - interval '2 months')::date, 27);

CREATE TRIGGER recon_source_line_kept BEFORE UPDATE OR DELETE ON recon_source_line
    FOR EACH ROW EXECUTE FUNCTION core_forbid_change();
CREATE TRIGGER recon_source_line_not_emptied BEFORE TRUNCATE ON recon_source_line
    FOR EACH STATEMENT EXECUTE FUNCTION core_forbid_change();

-- A line belongs to a file and a statement that are there, and has their source and date: one look per statement
-- instead of three foreign keys per row. Nothing it refers to can be deleted.
CREATE OR REPLACE FUNCTION recon_check_lines() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    culprit uuid;
BEGIN
    SELECT l.file_id INTO culprit
    FROM (SELECT DISTINCT file_id, file_date, statement_id, source_id FROM arrived) l
    LEFT JOIN recon_source_file f ON f.id = l.file_id AND f.source_id = l.source_id AND f.file_date = l.file_date
    LEFT JOIN recon_statement s ON s.id = l.statement_id AND s.file_id = l.file_id
    WHERE f.id IS NULL OR (l.statement_id IS NOT NULL AND s.id IS NULL)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'lines of file % do not fit the file', culprit
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'recon_source_line_fits';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_source_line_fits AFTER INSERT ON recon_source_line
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION recon_check_lines();
