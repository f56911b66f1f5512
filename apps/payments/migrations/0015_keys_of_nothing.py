from django.db import migrations

from apps.core import sql


# lint: allow expand-only because the few keys that are late and lead nowhere are nobody's to wait for
class Migration(migrations.Migration):
    dependencies = [("payments", "0014_all_or_nothing"), ("idempotency", "0005_the_first_of_two")]
    operations = [sql.run("apps.payments", "0015_keys_of_nothing.sql")]
