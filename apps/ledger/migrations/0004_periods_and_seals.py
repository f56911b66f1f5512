from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_door")]
    operations = [sql.run("apps.ledger", "0004_periods_and_seals.sql")]
