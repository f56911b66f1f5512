from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]
    operations = [sql.run("apps.payments", "0002_rules.sql")]
