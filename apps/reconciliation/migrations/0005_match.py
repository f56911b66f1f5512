from django.db import migrations

from apps.core.sql import run


class Migration(migrations.Migration):

    dependencies = [('reconciliation', '0004_import')]

    operations = [run('apps.reconciliation', '0005_match.sql')]
