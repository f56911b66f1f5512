import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

import apps.core.clock
import apps.core.ids
from apps.core.sql import run


class Migration(migrations.Migration):

    initial = True

    dependencies = [('core', '0001_core')]

    operations = [
        migrations.CreateModel(
            name='SourceFile',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.BinaryField(unique=True)),
                ('name', models.CharField(max_length=255)),
                ('kind', models.CharField(max_length=10)),
                ('format', models.CharField(max_length=40)),
                ('size', models.BigIntegerField()),
                ('status', models.CharField(choices=[('imported', 'imported'), ('quarantined', 'quarantined')], max_length=12)),
                ('error_code', models.CharField(blank=True, default='', max_length=60)),
                ('error', models.TextField(blank=True, default='')),
                ('error_line', models.BigIntegerField(null=True)),
                ('file_date', models.DateField(null=True)),
                ('lines', models.BigIntegerField(default=0)),
                ('duplicates', models.BigIntegerField(default=0)),
                ('received_by', models.CharField(max_length=150)),
                ('received_at', models.DateTimeField(default=apps.core.clock.now)),
                ('imported_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'file',
                'db_table': 'recon_source_file',
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('pk', models.CompositePrimaryKey('job', 'period', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job', models.CharField(max_length=40)),
                ('period', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'recon_job',
            },
        ),
        migrations.CreateModel(
            name='LineIdentity',
            fields=[
                ('identity', models.UUIDField(primary_key=True, serialize=False)),
                ('line_id', models.UUIDField()),
                ('file_date', models.DateField()),
            ],
            options={
                'db_table': 'recon_line_identity',
            },
        ),
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=100)),
                ('nref', models.CharField(max_length=100)),
                ('currency', models.CharField(max_length=3)),
                ('gross', models.BigIntegerField()),
                ('fee', models.BigIntegerField()),
                ('amount', models.BigIntegerField()),
                ('test_amount', models.BigIntegerField()),
                ('lines', models.BigIntegerField()),
                ('first_on', models.DateField()),
                ('last_on', models.DateField()),
                ('group_id', models.UUIDField(null=True)),
                ('matched_amount', models.BigIntegerField(null=True)),
                ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'recon_payout',
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('code', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('settlement', 'settlement'), ('bank', 'bank')], max_length=10)),
                ('accounts', models.CharField(blank=True, default='', max_length=64)),
                ('ledger_name', models.CharField(max_length=80)),
                ('livemode', models.BooleanField(default=True)),
                ('overdue_days', models.SmallIntegerField(default=3)),
            ],
            options={
                'db_table': 'recon_source',
            },
        ),
        migrations.CreateModel(
            name='StatementRecord',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('position', models.IntegerField()),
                ('account', models.CharField(max_length=64)),
                ('statement_id', models.CharField(max_length=200)),
                ('page', models.BigIntegerField(default=1)),
                ('sequence', models.BigIntegerField(null=True)),
                ('currency', models.CharField(max_length=3)),
                ('opening', models.BigIntegerField()),
                ('total', models.BigIntegerField()),
                ('closing', models.BigIntegerField()),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField()),
            ],
            options={
                'verbose_name': 'bank statement',
                'db_table': 'recon_statement',
            },
        ),
        migrations.CreateModel(
            name='Sweep',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('swept_to', models.UUIDField()),
            ],
            options={
                'db_table': 'recon_sweep',
            },
        ),
        migrations.CreateModel(
            name='Watched',
            fields=[
                ('attempt_id', models.UUIDField(primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'recon_watched',
            },
        ),
        migrations.CreateModel(
            name='Break',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(choices=[('missing_in_ledger', 'missing in the ledger'), ('missing_in_file', 'missing in a settlement file'), ('amount_differs', 'amount differs'), ('duplicate', 'duplicate'), ('payout_without_bank_line', 'payout without a bank line'), ('bank_line_without_payout', 'bank line without a payout'), ('statement_gap', 'gap between bank statements'), ('posting_refused', 'the ledger refused the posting')], max_length=30)),
                ('subject', models.CharField(choices=[('line', 'line'), ('movement', 'movement'), ('payout', 'payout'), ('statement', 'statement')], max_length=10)),
                ('subject_id', models.UUIDField()),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.BigIntegerField()),
                ('since', models.DateField()),
                ('facts', models.JSONField()),
                ('state', models.CharField(choices=[('open', 'open'), ('resolved', 'resolved')], max_length=10)),
                ('opened_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('group_id', models.UUIDField(null=True)),
            ],
            options={
                'db_table': 'recon_break',
                'indexes': [models.Index(fields=['state', 'type', 'id'], name='recon_break_by_type')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('subject', 'subject_id'), name='recon_break_one_open'), models.CheckConstraint(condition=models.Q(('type__in', ['missing_in_ledger', 'missing_in_file', 'amount_differs', 'duplicate', 'payout_without_bank_line', 'bank_line_without_payout', 'statement_gap', 'posting_refused'])), name='recon_break_type'), models.CheckConstraint(condition=models.Q(('subject__in', ['line', 'movement', 'payout', 'statement'])), name='recon_break_subject'), models.CheckConstraint(condition=models.Q(models.Q(('resolved_at', None), ('state', 'open')), models.Q(('resolved_at__isnull', False), ('state', 'resolved')), _connector='OR'), name='recon_break_state')],
            },
        ),
        migrations.CreateModel(
            name='FileContent',
            fields=[
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='content', serialize=False, to='reconciliation.sourcefile')),
                ('body', models.BinaryField()),
            ],
            options={
                'db_table': 'recon_file_content',
            },
        ),
        migrations.CreateModel(
            name='MatchGroup',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('hop', models.CharField(choices=[('settlement', 'settlement'), ('bank', 'bank')], max_length=10)),
                ('stage', models.CharField(max_length=30)),
                ('rule_version', models.SmallIntegerField()),
                ('status', models.CharField(choices=[('active', 'active'), ('reversed', 'reversed')], max_length=10)),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.BigIntegerField()),
                ('adjustment', models.BigIntegerField(db_default=0, default=0)),
                ('explanation', models.JSONField()),
                ('entry_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('generation', models.IntegerField(db_default=0, default=0)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=150)),
                ('reversed_at', models.DateTimeField(null=True)),
                ('reversed_by', models.CharField(blank=True, db_default='', default='', max_length=150)),
                ('reversal_reason', models.TextField(blank=True, db_default='', default='')),
            ],
            options={
                'verbose_name': 'match',
                'verbose_name_plural': 'matches',
                'db_table': 'recon_match_group',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('reversed_at', None), ('status', 'active')), models.Q(('reversed_at__isnull', False), ('status', 'reversed')), _connector='OR'), name='recon_match_group_status')],
            },
        ),
        migrations.CreateModel(
            name='OpenLine',
            fields=[
                ('line_id', models.UUIDField(primary_key=True, serialize=False)),
                ('file_date', models.DateField()),
                ('file_id', models.UUIDField()),
                ('number', models.BigIntegerField()),
                ('source', models.CharField(max_length=40)),
                ('ledger_name', models.CharField(max_length=80)),
                ('hop', models.CharField(max_length=10)),
                ('kind', models.CharField(max_length=12)),
                ('nref', models.CharField(max_length=200)),
                ('attempt_id', models.UUIDField(null=True)),
                ('booked_on', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.BigIntegerField()),
                ('fee', models.BigIntegerField()),
            ],
            options={
                'db_table': 'recon_open_line',
                'indexes': [models.Index(fields=['hop', 'nref'], name='recon_open_line_by_reference')],
            },
        ),
        migrations.AddField(
            model_name='sourcefile',
            name='source',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='reconciliation.source'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['settlement', 'bank'])), name='recon_source_kind'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.CheckConstraint(condition=models.Q(('overdue_days__gte', 0)), name='recon_source_overdue'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'settlement'), models.Q(('accounts', ''), _negated=True), _connector='OR'), name='recon_source_accounts'),
        ),
        migrations.AddField(
            model_name='payout',
            name='source',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='reconciliation.source'),
        ),
        migrations.AddField(
            model_name='statementrecord',
            name='file',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='reconciliation.sourcefile'),
        ),
        migrations.AddIndex(
            model_name='sourcefile',
            index=models.Index(fields=['status', 'id'], name='recon_source_file_by_status'),
        ),
        migrations.AddConstraint(
            model_name='sourcefile',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['imported', 'quarantined'])), name='recon_source_file_status'),
        ),
        migrations.AddConstraint(
            model_name='sourcefile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('error', ''), ('file_date__isnull', False), ('imported_at__isnull', False), ('source__isnull', False), ('status', 'imported')), models.Q(('imported_at', None), ('lines', 0), ('status', 'quarantined'), models.Q(('error', ''), _negated=True)), _connector='OR'), name='recon_source_file_whole'),
        ),
        migrations.AddConstraint(
            model_name='sourcefile',
            constraint=models.CheckConstraint(condition=models.Q(('duplicates__gte', 0), ('lines__gte', models.F('duplicates'))), name='recon_source_file_lines'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['nref', 'currency'], name='recon_payout_by_reference'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('group_id', None)), fields=['last_on'], name='recon_payout_open'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('group_id__isnull', False), models.Q(('matched_amount', models.F('amount')), _negated=True)), fields=['id'], name='recon_payout_changed'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(fields=('source', 'nref', 'currency'), name='recon_payout_once'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(('amount', django.db.models.expressions.CombinedExpression(models.F('gross'), '-', models.F('fee')))), name='recon_payout_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group_id', None), ('matched_amount', None)), models.Q(('group_id__isnull', False), ('matched_amount__isnull', False)), _connector='OR'), name='recon_payout_matched'),
        ),
        migrations.AddConstraint(
            model_name='statementrecord',
            constraint=models.UniqueConstraint(fields=('account', 'currency', 'statement_id', 'page'), name='recon_statement_once'),
        ),
        migrations.AddConstraint(
            model_name='statementrecord',
            constraint=models.UniqueConstraint(fields=('file', 'position'), name='recon_statement_position'),
        ),
        migrations.AddConstraint(
            model_name='statementrecord',
            constraint=models.CheckConstraint(condition=models.Q(('closing', django.db.models.expressions.CombinedExpression(models.F('opening'), '+', models.F('total')))), name='recon_statement_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='statementrecord',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='recon_statement_period'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[run('apps.reconciliation', '0001_lines.sql')],
            state_operations=[
                migrations.CreateModel(
                    name='LineRecord',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('file_date', models.DateField()),
                        ('position', models.BigIntegerField()),
                        ('number', models.BigIntegerField()),
                        ('hop', models.CharField(choices=[('settlement', 'settlement'), ('bank', 'bank')], max_length=10)),
                        ('kind', models.CharField(max_length=12)),
                        ('external_id', models.CharField(max_length=200)),
                        ('reference', models.CharField(max_length=200)),
                        ('batch', models.CharField(max_length=100)),
                        ('attempt_id', models.UUIDField(null=True)),
                        ('booked_on', models.DateField()),
                        ('value_on', models.DateField(null=True)),
                        ('currency', models.CharField(max_length=3)),
                        ('amount', models.BigIntegerField()),
                        ('fee', models.BigIntegerField()),
                        ('party', models.TextField()),
                        ('text', models.TextField()),
                        ('raw', models.TextField()),
                        ('identity', models.UUIDField()),
                        ('nref', models.GeneratedField(db_persist=True, expression=models.Func(models.F('reference'), function='recon_nref'), output_field=models.CharField(max_length=200))),
                        ('nbatch', models.GeneratedField(db_persist=True, expression=models.Func(models.F('batch'), function='recon_nref'), output_field=models.CharField(max_length=100))),
                        ('net', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('amount'), '-', models.F('fee')), output_field=models.BigIntegerField())),
                        ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='line_records', to='reconciliation.sourcefile')),
                        ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reconciliation.source')),
                        ('statement', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reconciliation.statementrecord')),
                    ],
                    options={
                        'verbose_name': 'line',
                        'db_table': 'recon_source_line',
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name='MatchLeg',
            fields=[
                ('pk', models.CompositePrimaryKey('group_id', 'leg_no', blank=True, editable=False, primary_key=True, serialize=False)),
                ('leg_no', models.SmallIntegerField()),
                ('hop', models.CharField(max_length=10)),
                ('side', models.CharField(max_length=1)),
                ('file_date', models.DateField(null=True)),
                ('movement_id', models.UUIDField(null=True)),
                ('amount', models.BigIntegerField()),
                ('active', models.BooleanField(default=True)),
                ('group', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='legs', to='reconciliation.matchgroup')),
                ('line', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='legs', to='reconciliation.linerecord')),
                ('payout', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='legs', to='reconciliation.payout')),
            ],
            options={
                'db_table': 'recon_match_leg',
            },
        ),
        migrations.AddIndex(
            model_name='matchleg',
            index=models.Index(condition=models.Q(('line__isnull', False)), fields=['line'], name='recon_match_leg_of_line'),
        ),
        migrations.AddConstraint(
            model_name='matchleg',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True), ('line__isnull', False)), fields=('line', 'hop'), name='recon_match_leg_one_line'),
        ),
        migrations.AddConstraint(
            model_name='matchleg',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True), ('payout__isnull', False)), fields=('payout', 'hop'), name='recon_match_leg_one_payout'),
        ),
        migrations.AddConstraint(
            model_name='matchleg',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True), ('movement_id__isnull', False)), fields=('movement_id', 'hop'), name='recon_match_leg_one_movement'),
        ),
        migrations.AddConstraint(
            model_name='matchleg',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('file_date__isnull', False), ('line__isnull', False), ('movement_id', None), ('payout', None), ('side', 'A')), models.Q(('file_date', None), ('line', None), ('movement_id', None), ('payout__isnull', False), ('side', 'B')), models.Q(('file_date', None), ('line', None), ('movement_id__isnull', False), ('payout', None), ('side', 'B')), _connector='OR'), name='recon_match_leg_one_thing'),
        ),
    ]
