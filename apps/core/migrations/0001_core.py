from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    initial = True
    operations = [sql.run("apps.core", "0001_core.sql")]
