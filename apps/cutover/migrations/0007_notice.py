from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cutover", "0006_no_heap")]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("change_id", models.BigIntegerField(help_text="The change's id", primary_key=True, serialize=False)),
                ("claimed_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "cutover_notice"},
        ),
    ]
