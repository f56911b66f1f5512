from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0004_validate")]
    operations = [sql.run("apps.idempotency", "0005_the_first_of_two.sql")]
