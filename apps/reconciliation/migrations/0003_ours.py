from django.db import migrations

from apps.core.sql import run


class Migration(migrations.Migration):

    dependencies = [('payments', '0001_initial'), ('reconciliation', '0002_rules')]

    operations = [run('apps.reconciliation', '0003_ours.sql')]
