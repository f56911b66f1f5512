from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_models")]
    operations = [sql.run("apps.ledger", "0005_lean_rules.sql"), sql.run("apps.ledger", "0006_lone_command.sql")]
