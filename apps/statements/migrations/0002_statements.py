from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("statements", "0001_initial"), ("core", "0001_core")]

    operations = [sql.run("apps.statements", "0002_statements.sql")]
