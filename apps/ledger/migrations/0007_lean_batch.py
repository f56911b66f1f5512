from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_lean_door")]
    operations = [sql.run("apps.ledger", "0007_lean_batch.sql")]
