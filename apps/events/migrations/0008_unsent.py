from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Deliveries and consequences that somebody has to look at are found without reading those that went well."""

    # An index is built beside the writes of a running system only outside a transaction.
    atomic = False
    dependencies = [("events", "0007_types")]
    operations = [
        AddIndexConcurrently(
            "delivery",
            models.Index(fields=["state", "id"], condition=Q(state__in=["failed", "dropped", "parked"]), name="events_delivery_unsent"),
        ),
        AddIndexConcurrently("consequence", models.Index(fields=["id"], condition=Q(state="parked"), name="events_consequence_parked")),
    ]
