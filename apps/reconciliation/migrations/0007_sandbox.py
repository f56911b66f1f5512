from django.db import migrations


def add_sandbox(apps, schema_editor):
    """The sandbox acquirer and its bank, which has one account a currency, are senders from the start."""
    source = apps.get_model('reconciliation', 'Source')
    source.objects.create(code='sandbox', kind='settlement', ledger_name='gateway_receivable.sandbox', livemode=True)
    source.objects.create(code='sandbox_bank', kind='bank', accounts='NL__SBNK0000______', ledger_name='bank', livemode=True)


class Migration(migrations.Migration):

    dependencies = [('reconciliation', '0006_breaks')]

    operations = [migrations.RunPython(add_sandbox, migrations.RunPython.noop)]
