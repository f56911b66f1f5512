from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_begin")]
    operations = [sql.run("apps.payments", "0004_record.sql")]
