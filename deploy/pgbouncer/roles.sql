-- Limits that belong to the role, not to the session: through a transaction pooler a SET of one client is seen by the
-- next. Run as a superuser, once; new connections have them (on PgBouncer's console: RECONNECT).
ALTER ROLE florin_app SET lock_timeout = '2s';
ALTER ROLE florin_app SET statement_timeout = '5s';
ALTER ROLE florin_app SET idle_in_transaction_session_timeout = '10s';

-- The same rights and more time, for whoever nobody waits for: workers and manage.py (DATABASE_JOBS_USER).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_jobs') THEN
        CREATE ROLE florin_jobs LOGIN;
    END IF;
END
$$;
-- Then: \password florin_jobs
GRANT florin_app TO florin_jobs;
ALTER ROLE florin_jobs SET lock_timeout = '2s';
ALTER ROLE florin_jobs SET statement_timeout = '5min';
ALTER ROLE florin_jobs SET idle_in_transaction_session_timeout = '10s';
