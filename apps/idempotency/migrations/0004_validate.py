from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0003_one_check")]
    operations = [sql.run("apps.idempotency", "0004_validate.sql")]
