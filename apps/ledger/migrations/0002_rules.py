from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_tables")]
    operations = [sql.run("apps.ledger", "0002_rules.sql")]
