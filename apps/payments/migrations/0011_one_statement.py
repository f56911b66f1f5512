from django.db import migrations

from apps.core import sql


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_book_silently")]
    operations = [sql.run("apps.payments", "0011_one_statement.sql")]
