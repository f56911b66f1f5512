from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_begin_and_record"), ("ledger", "0007_lean_batch")]
    operations = [sql.run("apps.payments", "0010_book_silently.sql")]
