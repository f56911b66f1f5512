from django.db import migrations

from apps.core.sql import run


class Migration(migrations.Migration):

    dependencies = [('reconciliation', '0001_initial')]

    operations = [run('apps.reconciliation', '0002_rules.sql')]
