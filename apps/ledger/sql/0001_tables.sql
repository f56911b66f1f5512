-- The tables of the ledger.
--
-- Signs: a posting's amount is positive for a debit, negative for a credit. A balance (here, in
-- `balance_after` and in every answer) is counted on the account's normal side, so that a merchant
-- to whom money is owed has a positive balance on a credit account.

-- What the names of accounts mean. The part of a name before the dot is looked up here.
CREATE TABLE ledger_account_kind (
    name varchar(40) PRIMARY KEY CHECK (name ~ '^[a-z][a-z_]*$'),
    kind varchar(10) NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense')),
    normal_side varchar(6) NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    guard varchar(12) NOT NULL CHECK (guard IN ('none', 'no_overdraft')),
    stripes smallint NOT NULL CHECK (stripes BETWEEN 1 AND 64),
    -- A guarded balance is one row, or the guard could not be checked under one lock.
    CHECK (guard = 'none' OR stripes = 1)
);
INSERT INTO ledger_account_kind (name, kind, normal_side, guard, stripes) VALUES
    ('bank', 'asset', 'debit', 'none', 16),
    ('gateway_receivable', 'asset', 'debit', 'none', 16),
    ('in_transit', 'asset', 'debit', 'none', 16),
    ('pending', 'liability', 'credit', 'no_overdraft', 1),
    ('available', 'liability', 'credit', 'no_overdraft', 1),
    ('reserve', 'liability', 'credit', 'no_overdraft', 1),
    ('payouts_in_transit', 'liability', 'credit', 'no_overdraft', 1),
    ('disputed', 'liability', 'credit', 'no_overdraft', 1),
    ('unmatched', 'liability', 'credit', 'none', 16),
    ('trading', 'equity', 'credit', 'none', 16),
    ('fees', 'revenue', 'credit', 'none', 16),
    ('fx_gain', 'revenue', 'credit', 'none', 16),
    ('gateway_fees', 'expense', 'debit', 'none', 16),
    ('chargeback_losses', 'expense', 'debit', 'none', 16),
    ('fx_loss', 'expense', 'debit', 'none', 16),
    ('rounding', 'expense', 'debit', 'none', 16),
    ('write_offs', 'expense', 'debit', 'none', 16);

-- One account: `code` is {scope}:{name}:{currency}. Opened by the first command that names it.
CREATE TABLE ledger_account (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    code varchar(120) NOT NULL UNIQUE,
    name varchar(80) NOT NULL,
    family varchar(40) NOT NULL REFERENCES ledger_account_kind (name),
    kind varchar(10) NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense')),
    normal_side varchar(6) NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    guard varchar(12) NOT NULL CHECK (guard IN ('none', 'no_overdraft')),
    stripes smallint NOT NULL CHECK (stripes BETWEEN 1 AND 64),
    currency varchar(3) NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    livemode boolean NOT NULL,
    merchant_id uuid,
    created timestamptz NOT NULL DEFAULT core_now(),
    sign smallint NOT NULL GENERATED ALWAYS AS (CASE normal_side WHEN 'debit' THEN 1 ELSE -1 END) STORED,
    guarded boolean NOT NULL GENERATED ALWAYS AS (guard <> 'none') STORED,
    CHECK (guard = 'none' OR stripes = 1),
    CHECK (code LIKE '%:' || name || ':' || currency)
);
CREATE INDEX ledger_account_of_merchant ON ledger_account (merchant_id, livemode, currency) WHERE merchant_id IS NOT NULL;

-- One balanced journal entry. `lines` is how many postings it has; `recorded_xid` tells the sealer
-- when everything before it is certainly visible.
CREATE TABLE ledger_entry (
    id uuid PRIMARY KEY,
    kind varchar(40) NOT NULL,
    booked_on date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    effective_at timestamptz,
    source varchar(120) NOT NULL,
    sequence int NOT NULL DEFAULT 0,
    reverses uuid REFERENCES ledger_entry (id),
    livemode boolean NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    lines smallint NOT NULL,
    recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seal_no bigint,
    CONSTRAINT ledger_entry_once UNIQUE (source, kind, sequence)
);
CREATE INDEX ledger_entry_by_date ON ledger_entry (booked_on, id);
CREATE INDEX ledger_entry_by_seal ON ledger_entry (seal_no);
CREATE UNIQUE INDEX ledger_entry_reversed_once ON ledger_entry (reverses) WHERE reverses IS NOT NULL;

-- One line of an entry. `id` grows in the order in which the balance of its account moved, which a
-- clock cannot promise. Its entry and account are checked by the trigger that checks the sum: one
-- look per statement instead of two foreign keys per row. Nothing it refers to can be deleted.
CREATE TABLE ledger_posting (
    id bigint GENERATED ALWAYS AS IDENTITY,
    entry_id uuid NOT NULL,
    line smallint NOT NULL,
    booked_on date NOT NULL,
    account_id uuid NOT NULL,
    currency varchar(3) NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint,
    PRIMARY KEY (entry_id, line, booked_on)
) PARTITION BY RANGE (booked_on);
CREATE INDEX ledger_posting_of_account ON ledger_posting (account_id, id);
CREATE TABLE ledger_posting_default PARTITION OF ledger_posting DEFAULT;

-- Totals per account and stripe. Rows move on every payment: leave room on the page for the next
-- version, so that no index is touched, and clean up early.
CREATE TABLE ledger_balance (
    account_id uuid NOT NULL REFERENCES ledger_account (id),
    stripe smallint NOT NULL,
    guarded boolean NOT NULL,
    posted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, stripe),
    CONSTRAINT ledger_balance_no_overdraft CHECK (held >= 0 AND (held = 0 OR guarded) AND (NOT guarded OR posted >= held))
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

-- Money set aside on a guarded account: open, then posted, released or expired, once.
CREATE TABLE ledger_hold (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES ledger_account (id),
    amount bigint NOT NULL CHECK (amount > 0),
    status varchar(10) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'posted', 'released', 'expired')),
    kind varchar(40) NOT NULL CHECK (kind <> ''),
    source varchar(120) NOT NULL CHECK (source <> ''),
    created timestamptz NOT NULL DEFAULT core_now(),
    expires_at timestamptz,
    resolved_at timestamptz,
    entry_id uuid REFERENCES ledger_entry (id),
    CHECK ((status = 'open') = (resolved_at IS NULL)),
    CHECK (entry_id IS NULL OR status = 'posted')
);
CREATE INDEX ledger_hold_open ON ledger_hold (account_id) WHERE status = 'open';
CREATE INDEX ledger_hold_due ON ledger_hold (expires_at) WHERE status = 'open' AND expires_at IS NOT NULL;

-- The state of a month. A month without a row is open, unless a later one is closed.
CREATE TABLE ledger_period (
    month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    status varchar(12) NOT NULL CHECK (status IN ('open', 'cutoff', 'closed', 'hard_closed')),
    version int NOT NULL DEFAULT 1 CHECK (version >= 1),
    reason varchar(500),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    CHECK ((status IN ('closed', 'hard_closed')) = (closed_at IS NOT NULL))
);

-- A batch of entries that nobody can change unseen: `hash` covers them and the hash before it.
CREATE TABLE ledger_seal (
    no bigint PRIMARY KEY CHECK (no > 0),
    entries int NOT NULL CHECK (entries > 0),
    previous bytea NOT NULL UNIQUE CHECK (length(previous) = 32),
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
