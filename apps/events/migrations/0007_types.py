from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("events", "0006_batches")]
    operations = [sql.run("apps.events", "0007_types.sql")]
