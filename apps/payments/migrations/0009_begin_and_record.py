from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_batches")]
    operations = [sql.run("apps.payments", "0009_begin_and_record.sql")]
