from django.db import migrations

from apps.core.sql import run


class Migration(migrations.Migration):

    dependencies = [('reconciliation', '0005_match')]

    operations = [run('apps.reconciliation', '0006_breaks.sql')]
