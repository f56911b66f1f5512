from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_short_way")]
    operations = [sql.run("apps.payments", "0013_short_record.sql")]
