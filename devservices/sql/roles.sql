-- The roles of Florin. Their passwords are set by the caller.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_owner') THEN
        CREATE ROLE florin_owner LOGIN CREATEDB;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        CREATE ROLE florin_app LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_jobs') THEN
        CREATE ROLE florin_jobs LOGIN;
    END IF;
END
$$;

-- A request that cannot get its lock or its answer gives up before its client does.
ALTER ROLE florin_app SET lock_timeout = '2s';
ALTER ROLE florin_app SET statement_timeout = '5s';
ALTER ROLE florin_app SET idle_in_transaction_session_timeout = '10s';

-- Whoever nobody waits for (workers, manage.py) may do the same, and take its time: a month end, the matching of a
-- large file. Locks and forgotten transactions are in others' way as much as a request's are.
GRANT florin_app TO florin_jobs;
ALTER ROLE florin_jobs SET lock_timeout = '2s';
ALTER ROLE florin_jobs SET statement_timeout = '5min';
ALTER ROLE florin_jobs SET idle_in_transaction_session_timeout = '10s';
