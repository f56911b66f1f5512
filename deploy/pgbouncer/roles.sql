-- Limits that belong to the role, not to the session: through a transaction pooler a SET of one client is seen by the
-- next. Run as a superuser, once; new connections have them (on PgBouncer's console: RECONNECT).
ALTER ROLE florin_app SET lock_timeout = '2s';
ALTER ROLE florin_app SET statement_timeout = '30s';
ALTER ROLE florin_app SET idle_in_transaction_session_timeout = '10s';
