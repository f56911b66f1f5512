from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("events", "0004_consequences")]
    operations = [sql.run("apps.events", "0005_replay.sql")]
