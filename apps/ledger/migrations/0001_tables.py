from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_core")]
    operations = [sql.run("apps.ledger", "0001_tables.sql")]
