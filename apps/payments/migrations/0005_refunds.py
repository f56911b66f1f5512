from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_record")]
    operations = [sql.run("apps.payments", "0005_refunds.sql")]
