from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("events", "0005_replay")]
    operations = [sql.run("apps.events", "0006_batches.sql")]
