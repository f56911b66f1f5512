from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_short_record"), ("ledger", "0008_all_or_nothing")]
    operations = [sql.run("apps.payments", "0014_all_or_nothing.sql")]
