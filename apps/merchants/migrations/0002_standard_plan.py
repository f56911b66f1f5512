from django.db import migrations

from apps.core import ids


def seed(apps, schema_editor):
    """The price list that merchants start on: 2.9 % + 30 minor units a card payment, money after two days."""
    plan = apps.get_model("merchants", "PricingPlan").objects.create(id=ids.new_id(), name="Standard", availability_days=2)
    rate = apps.get_model("merchants", "PricingRate")
    for currency, fixed_minor in (("*", 30), ("eur", 30), ("usd", 30), ("gbp", 30), ("jpy", 45), ("kwd", 90)):
        rate.objects.create(
            id=ids.new_id(), plan=plan, currency=currency, method="card", basis_points=290, fixed_minor=fixed_minor
        )


class Migration(migrations.Migration):
    dependencies = [("merchants", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE merchants_api_key ADD CONSTRAINT merchants_api_key_sha256 CHECK (octet_length(sha256) = 32)",
            "ALTER TABLE merchants_api_key DROP CONSTRAINT merchants_api_key_sha256",
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
