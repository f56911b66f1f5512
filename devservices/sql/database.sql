-- In every database: what florin_owner makes, florin_app may use but not reshape.
-- Tables that are written once only (postings, events) revoke more in their own migrations.
ALTER DEFAULT PRIVILEGES FOR ROLE florin_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO florin_app;
ALTER DEFAULT PRIVILEGES FOR ROLE florin_owner
    GRANT USAGE, SELECT ON SEQUENCES TO florin_app;
ALTER DEFAULT PRIVILEGES FOR ROLE florin_owner
    GRANT EXECUTE ON FUNCTIONS TO florin_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Extensions that only a superuser may create, where the build has them and they are loaded.
DO $$
BEGIN
    IF current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' THEN
        CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    END IF;
END
$$;
