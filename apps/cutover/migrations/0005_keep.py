from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("cutover", "0004_shadow")]
    operations = [sql.run("apps.cutover", "0005_keep.sql")]
