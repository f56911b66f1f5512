"""Migrations that a running system would feel, or that the release before would not survive, are refused."""

import pytest
from django.db import connection
from django.db.migrations import AddField, AlterField, Migration, RemoveField, RenameField, RunPython
from django.db.migrations.loader import MigrationLoader
from django.db.models import CharField, TextField

from scripts.migrations.__main__ import findings, judged
from scripts.migrations.rules import allows, refused

BOUND = "SET LOCAL lock_timeout = '2s';\n"


def test_every_migration_since_the_second_release_only_expands():
    assert list(findings()) == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DROP TABLE payments_intent;", "still uses it"),
        ("DROP FUNCTION payments_begin(jsonb);", "still uses it"),
        ("ALTER TABLE payments_intent DROP COLUMN amount;", "still reads and writes"),
        ("ALTER TABLE payments_intent ADD COLUMN a text, DROP amount;", "still reads and writes"),
        ('ALTER TABLE "payments_intent" RENAME COLUMN "amount" TO "sum";', "old name"),
        ("ALTER TABLE payments_intent RENAME TO payments_plan;", "old name"),
        ("ALTER TABLE payments_intent ALTER COLUMN amount TYPE numeric(10,2);", "rewrites the table"),
        ("ALTER TABLE payments_intent ALTER COLUMN amount SET NOT NULL;", "reads the whole table"),
        ("ALTER TABLE payments_intent ADD COLUMN note numeric(10, 2) NOT NULL;", "does not write this column"),
        ("ALTER TABLE payments_intent ADD COLUMN note text DEFAULT NULL NOT NULL;", "does not write this column"),
        ("ALTER TABLE payments_intent ADD COLUMN at timestamptz DEFAULT clock_timestamp();", "rewrites the table"),
        ("ALTER TABLE payments_intent ADD CONSTRAINT sane CHECK (amount > 0);", "NOT VALID"),
        ("ALTER TABLE payments_intent ADD CONSTRAINT one UNIQUE (a, b);", "USING INDEX"),
        ("ALTER TABLE payments_intent SET UNLOGGED;", "rewrites the table"),
        ("CREATE INDEX a ON payments_intent (amount);", "CONCURRENTLY"),
        ("CREATE UNIQUE INDEX a ON payments_intent (amount);", "CONCURRENTLY"),
        ("DROP INDEX a;", "CONCURRENTLY"),
        ("UPDATE payments_intent SET amount = 0;", "in batches"),
        ("LOCK TABLE payments_intent;", "everybody out"),
    ],
)
def test_what_is_no_expansion_is_refused(statement: str, reason: str):
    (found,) = refused([BOUND + statement])
    assert reason in found


@pytest.mark.parametrize("statement", ["ALTER TABLE t ADD COLUMN a text;", "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"])
def test_a_lock_is_not_waited_for_without_a_bound(statement: str):
    (found,) = refused([statement])
    assert "lock_timeout" in found
    assert list(refused([BOUND + statement])) == []


def test_a_constraint_is_not_validated_under_the_lock_of_its_making():
    made = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"
    (found,) = refused([BOUND + made, "ALTER TABLE t VALIDATE CONSTRAINT c;"])
    assert "a migration of its own" in found
    assert list(refused(["ALTER TABLE t VALIDATE CONSTRAINT c;"])) == []


def test_what_expands_passes():
    sent = """
        CREATE TABLE new (a text NOT NULL); ALTER TABLE new SET UNLOGGED; CREATE INDEX b ON new (a); UPDATE new SET a = 'x';
        CREATE INDEX CONCURRENTLY c ON t (a);
        ALTER TABLE t ADD COLUMN a text, ADD COLUMN b timestamptz DEFAULT now() NOT NULL, ADD COLUMN c int NOT NULL DEFAULT 0;
        ALTER TABLE t DROP CONSTRAINT old; -- DROP TABLE t;
        CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; DROP TABLE t; END $$;
        COMMENT ON TABLE t IS 'who says; DROP TABLE t;';
    """
    assert list(refused([BOUND + sent])) == []


def test_a_reason_lets_one_statement_through_and_no_other():
    told = "DROP TABLE a; -- lint: allow expand-only because nobody has read it since the third release\nDROP TABLE b;"
    (found,) = refused([told])
    assert "DROP TABLE b" in found
    assert allows("# lint: allow expand-only because it is over\nclass Migration: ...")
    assert not allows("# lint: allow expand-only\nclass Migration: ...")


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (AddField("customer", "note", TextField(default="")), "DROP DEFAULT"),
        (RemoveField("customer", "email"), "DROP COLUMN"),
        (RenameField("customer", "email", "mail"), "RENAME COLUMN"),
        (AlterField("customer", "email", CharField(max_length=9)), "TYPE"),
        (RunPython(lambda apps, editor: None), "runs Python"),
    ],
)
def test_what_django_makes_of_an_operation_is_judged_too(operation, reason):
    migration = type("Migration", (Migration,), {"operations": [operation], "__module__": "apps.payments.migrations.0001_initial"})
    loader = MigrationLoader(connection)
    (latest,) = loader.graph.leaf_nodes("payments")
    seeded = migration("0099_seeded", "payments")
    loader.graph.add_node(("payments", "0099_seeded"), seeded)
    loader.graph.add_dependency(seeded, ("payments", "0099_seeded"), latest)
    assert any(reason in found for found in judged(loader, seeded))
