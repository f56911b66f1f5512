from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("events", "0002_relay")]
    operations = [sql.run("apps.events", "0003_deliveries.sql")]
