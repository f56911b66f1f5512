from django.db import migrations

from apps.core.sql import run


class Migration(migrations.Migration):

    dependencies = [('reconciliation', '0003_ours')]

    operations = [run('apps.reconciliation', '0004_import.sql')]
