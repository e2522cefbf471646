-- Times are text in UTC with nine decimals, so that they sort as they follow
-- each other; the zero time is '0001-01-01T00:00:00.000000000Z'. Amounts are
-- decimal text. A body is the whole row as JSON; the columns beside it are what
-- queries and constraints need, and the version column is the one that counts.

-- The head row of an Amazon order. Raising its version is the precondition of
-- every save about the order.
CREATE TABLE takeback_heads (
	account TEXT NOT NULL,
	number  TEXT NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE takeback_postings (
	account    TEXT NOT NULL,
	number     TEXT NOT NULL,
	seq        INTEGER NOT NULL,
	item       TEXT NOT NULL,
	component  TEXT NOT NULL,
	balance    TEXT NOT NULL,
	amount     TEXT NOT NULL,
	currency   TEXT NOT NULL,
	cause_kind TEXT NOT NULL,
	cause_id   TEXT NOT NULL,
	done_by    TEXT NOT NULL,
	done_at    TEXT NOT NULL,
	why        TEXT NOT NULL,
	PRIMARY KEY (account, number, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE takeback_events (
	id      INTEGER PRIMARY KEY,
	account TEXT NOT NULL,
	number  TEXT NOT NULL,
	seq     INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	text    TEXT NOT NULL,
	key     TEXT NOT NULL,
	role    TEXT NOT NULL,
	done_by TEXT NOT NULL,
	done_at TEXT NOT NULL,
	why     TEXT NOT NULL,
	open    INTEGER NOT NULL -- an alert that nobody has closed
) STRICT;
CREATE INDEX takeback_events_of_order ON takeback_events (account, number, seq);
CREATE UNIQUE INDEX takeback_events_by_key ON takeback_events (key) WHERE key <> '';
CREATE INDEX takeback_events_alerts ON takeback_events (done_at, key) WHERE kind = 'Alert';
CREATE INDEX takeback_events_open ON takeback_events (done_at, key) WHERE open = 1;

CREATE TABLE takeback_effects (
	id         INTEGER PRIMARY KEY,
	key        TEXT NOT NULL UNIQUE,
	company    TEXT NOT NULL,
	host_order TEXT NOT NULL,
	seq        INTEGER NOT NULL,
	kind       TEXT NOT NULL,
	body       TEXT NOT NULL,
	done       INTEGER NOT NULL DEFAULT 0,
	not_before TEXT NOT NULL DEFAULT '',
	error      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX takeback_effects_open ON takeback_effects (company, host_order, seq) WHERE done = 0;
CREATE INDEX takeback_effects_waiting ON takeback_effects (id, not_before, company, host_order, seq) WHERE done = 0;

CREATE TABLE takeback_refunds (
	id         TEXT NOT NULL PRIMARY KEY,
	company    TEXT NOT NULL,
	host_order TEXT NOT NULL,
	account    TEXT NOT NULL,
	number     TEXT NOT NULL,
	origin     TEXT NOT NULL,
	rma        TEXT NOT NULL,
	key        TEXT NOT NULL,
	currency   TEXT NOT NULL,
	issued_at  TEXT NOT NULL,
	body       TEXT NOT NULL,
	version    INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_refunds_of_company ON takeback_refunds (company, issued_at, id);
CREATE INDEX takeback_refunds_of_order ON takeback_refunds (account, number);
CREATE INDEX takeback_refunds_of_rma ON takeback_refunds (rma);

CREATE TABLE takeback_cancellations (
	id           TEXT NOT NULL PRIMARY KEY,
	company      TEXT NOT NULL,
	host_order   TEXT NOT NULL,
	account      TEXT NOT NULL,
	number       TEXT NOT NULL,
	key          TEXT NOT NULL,
	outcome      TEXT NOT NULL,
	requested_at TEXT NOT NULL,
	body         TEXT NOT NULL,
	version      INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_cancellations_of_company ON takeback_cancellations (company, requested_at, id);
CREATE INDEX takeback_cancellations_of_host_order ON takeback_cancellations (company, host_order);
CREATE INDEX takeback_cancellations_of_order ON takeback_cancellations (account, number);

CREATE TABLE takeback_gates (
	company     TEXT NOT NULL,
	host_order  TEXT NOT NULL,
	account     TEXT NOT NULL,
	number      TEXT NOT NULL,
	handed_over TEXT NOT NULL,
	opened      TEXT NOT NULL,
	body        TEXT NOT NULL,
	version     INTEGER NOT NULL,
	PRIMARY KEY (company, host_order)
) STRICT;

CREATE TABLE takeback_rmas (
	id         TEXT NOT NULL PRIMARY KEY,
	company    TEXT NOT NULL,
	host_order TEXT NOT NULL,
	account    TEXT NOT NULL,
	number     TEXT NOT NULL,
	source_rma TEXT NOT NULL,
	status     TEXT NOT NULL,
	created_at TEXT NOT NULL,
	body       TEXT NOT NULL,
	version    INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_rmas_of_company ON takeback_rmas (company, created_at, id);
CREATE INDEX takeback_rmas_by_status ON takeback_rmas (company, status, created_at, id);
CREATE INDEX takeback_rmas_of_host_order ON takeback_rmas (company, host_order);
CREATE INDEX takeback_rmas_of_order ON takeback_rmas (account, number);

CREATE TABLE takeback_entries (
	id         TEXT NOT NULL PRIMARY KEY,
	kind       TEXT NOT NULL,
	feed       TEXT NOT NULL,
	company    TEXT NOT NULL,
	host_order TEXT NOT NULL,
	account    TEXT NOT NULL,
	number     TEXT NOT NULL,
	amount     TEXT NOT NULL,
	currency   TEXT NOT NULL,
	state      TEXT NOT NULL,
	not_before TEXT NOT NULL,
	queued_at  TEXT NOT NULL,
	selected   INTEGER NOT NULL,
	search     TEXT NOT NULL,
	batches    TEXT NOT NULL, -- as in takeback_entry_batches: tells whether that has to be written
	body       TEXT NOT NULL,
	version    INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_entries_of_company ON takeback_entries (company, queued_at, id);
CREATE INDEX takeback_entries_by_company_state ON takeback_entries (company, state, queued_at, id);
CREATE INDEX takeback_entries_by_state ON takeback_entries (state, account, feed, queued_at, id, not_before);
CREATE INDEX takeback_entries_selected ON takeback_entries (state, account, feed, queued_at, id, not_before) WHERE selected = 1;
CREATE INDEX takeback_entries_lanes ON takeback_entries (state, account, feed, not_before);
CREATE INDEX takeback_entries_counts ON takeback_entries (company, account, feed, kind, state, queued_at);
CREATE INDEX takeback_entries_of_order ON takeback_entries (account, number);

-- Which batches an entry was or is to be sent in.
CREATE TABLE takeback_entry_batches (
	entry TEXT NOT NULL,
	batch TEXT NOT NULL,
	PRIMARY KEY (entry, batch)
) STRICT, WITHOUT ROWID;
CREATE INDEX takeback_entry_batches_of_batch ON takeback_entry_batches (batch);

CREATE TABLE takeback_batches (
	id              TEXT NOT NULL PRIMARY KEY,
	company         TEXT NOT NULL,
	account         TEXT NOT NULL,
	feed            TEXT NOT NULL,
	state           TEXT NOT NULL,
	document_number TEXT NOT NULL,
	due             TEXT NOT NULL,
	applied         INTEGER NOT NULL,
	created_at      TEXT NOT NULL,
	body            TEXT NOT NULL,
	version         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX takeback_batches_document ON takeback_batches (account, document_number) WHERE document_number <> '';
CREATE INDEX takeback_batches_by_document ON takeback_batches (document_number);
CREATE INDEX takeback_batches_of_company ON takeback_batches (company, created_at, id);
CREATE INDEX takeback_batches_of_account ON takeback_batches (account, created_at, id);
CREATE INDEX takeback_batches_unapplied ON takeback_batches (due) WHERE applied = 0;
CREATE INDEX takeback_batches_unapplied_of_account ON takeback_batches (account, due) WHERE applied = 0;

-- What was sent and what came back, apart from the batches because it is big.
CREATE TABLE takeback_documents (
	batch    TEXT NOT NULL PRIMARY KEY,
	messages TEXT,
	document BLOB,
	report   BLOB
) STRICT;

CREATE TABLE takeback_cells (
	name    TEXT NOT NULL PRIMARY KEY,
	data    BLOB,
	version INTEGER NOT NULL
) STRICT;
