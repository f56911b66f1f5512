from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0001_initial")]
    operations = [sql.run("apps.idempotency", "0002_batches.sql")]
