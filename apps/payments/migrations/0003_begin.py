from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_rules")]
    operations = [sql.run("apps.payments", "0003_begin.sql")]
