from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("cutover", "0001_switch")]
    operations = [sql.run("apps.cutover", "0003_tick.sql")]
