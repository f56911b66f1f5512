from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0002_batches")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[sql.run("apps.idempotency", "0003_one_check.sql")],
            state_operations=[migrations.RemoveConstraint(model_name="record", name="idempotency_record_state")],
        )
    ]
