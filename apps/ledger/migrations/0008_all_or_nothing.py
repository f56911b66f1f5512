from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_lean_batch")]
    operations = [sql.run("apps.ledger", "0008_all_or_nothing.sql")]
