-- The two roles of Florin. Their passwords are set by the caller.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_owner') THEN
        CREATE ROLE florin_owner LOGIN CREATEDB;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_app') THEN
        CREATE ROLE florin_app LOGIN;
    END IF;
END
$$;

-- A request that cannot get its lock or its answer gives up before its client does.
ALTER ROLE florin_app SET lock_timeout = '2s';
ALTER ROLE florin_app SET statement_timeout = '30s';
ALTER ROLE florin_app SET idle_in_transaction_session_timeout = '10s';
