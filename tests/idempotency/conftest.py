"""A write function as the apps write theirs: it claims the key, has one effect, and stores the answer."""

import hashlib

import psycopg
import pytest
from django.conf import settings

from apps.core import ids
from apps.idempotency.domain import RequestKey

EFFECT = """
CREATE TABLE IF NOT EXISTS tests_effect (id bigserial PRIMARY KEY, key text NOT NULL, note text NOT NULL);
GRANT ALL ON tests_effect TO PUBLIC;
GRANT ALL ON SEQUENCE tests_effect_id_seq TO PUBLIC;
CREATE OR REPLACE FUNCTION tests_write(commands jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    command jsonb;
    claim jsonb;
    outcomes jsonb := '[]';
BEGIN
    FOR command IN SELECT * FROM jsonb_array_elements(commands) LOOP
        claim := idempotency_claim(command->'k');
        IF claim->>'outcome' <> 'new' THEN
            outcomes := outcomes || jsonb_build_object('claim', claim);
            CONTINUE;
        END IF;
        INSERT INTO tests_effect (key, note) VALUES (coalesce(command->'k'->>'key', ''), command->>'note');
        IF NOT (command->>'leave_running')::boolean THEN
            PERFORM idempotency_finish(command->'k', 200, command->>'note');
        END IF;
        outcomes := outcomes || '{"ok": {}}'::jsonb;
    END LOOP;
    RETURN outcomes;
END $$;
"""


@pytest.fixture(scope="session", autouse=True)
def effect_table(database: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute(EFFECT)


def request_key(key: str | None, body: str = "body", merchant=None, livemode: bool = False) -> RequestKey:
    return RequestKey(
        merchant_id=merchant or ids.new_id(),
        livemode=livemode,
        key=key,
        fingerprint=hashlib.sha256(body.encode()).digest(),
        method_path="POST /v1/things",
    )


def command(key: RequestKey, note: str = "done", *, leave_running: bool = False) -> dict:
    return {"k": key.claim(), "note": note, "leave_running": leave_running}
