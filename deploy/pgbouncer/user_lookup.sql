-- Run as a superuser in Florin's database, once. PgBouncer logs in as florin_pooler and may do one thing: read the
-- SCRAM verifier of the roles it lets in. A verifier is no password: who steals it cannot log in with it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'florin_pooler') THEN
        CREATE ROLE florin_pooler LOGIN;
    END IF;
END
$$;
-- Then: \password florin_pooler

CREATE SCHEMA IF NOT EXISTS florin_pooler;
REVOKE ALL ON SCHEMA florin_pooler FROM PUBLIC;
GRANT USAGE ON SCHEMA florin_pooler TO florin_pooler;

CREATE OR REPLACE FUNCTION florin_pooler.user_lookup(wanted text, OUT username text, OUT verifier text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT rolname::text, rolpassword FROM pg_authid
    WHERE rolname = wanted AND rolname IN ('florin_app', 'florin_jobs', 'florin_reports') AND rolcanlogin
    AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
$$;
REVOKE ALL ON FUNCTION florin_pooler.user_lookup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION florin_pooler.user_lookup(text) TO florin_pooler;
