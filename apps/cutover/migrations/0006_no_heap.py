from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("cutover", "0005_keep")]
    operations = [sql.run("apps.cutover", "0006_no_heap.sql")]
