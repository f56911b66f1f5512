from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0011_one_statement"),
        ("idempotency", "0002_batches"),
        ("events", "0006_batches"),
    ]
    operations = [sql.run("apps.payments", "0012_short_way.sql")]
