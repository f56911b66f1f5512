from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("cutover", "0007_notice")]

    operations = [
        AddIndexConcurrently(
            "change", models.Index(fields=["at"], condition=Q(actor="automatic"), name="cutover_change_automatic")
        ),
    ]
