from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_transfers")]
    operations = [sql.run("apps.payments", "0007_recovery.sql")]
