-- What the merchant's rules keep beside the requests: rows of returns reports
-- without an RMA, buyers' wishes, settlements and what they booked.

ALTER TABLE takeback_events ADD COLUMN value_before TEXT NOT NULL DEFAULT '';
ALTER TABLE takeback_events ADD COLUMN value_after TEXT NOT NULL DEFAULT '';

-- A refund is open while a settlement may still show money of it: a line of it is
-- reserved, or posted and neither proven nor refuted.
ALTER TABLE takeback_refunds ADD COLUMN open INTEGER NOT NULL DEFAULT 1;
UPDATE takeback_refunds SET open = 0 WHERE NOT EXISTS (
	SELECT 1 FROM json_each(body, '$.Lines') WHERE value ->> 'Outcome' = 'Open'
	OR value ->> 'Outcome' = 'Posted' AND coalesce(value ->> 'Proof', '') IN ('', 'Missing'));
CREATE INDEX takeback_refunds_open ON takeback_refunds (account, issued_at, id) WHERE open = 1;
CREATE INDEX takeback_refunds_open_of_company ON takeback_refunds (company, issued_at, id) WHERE open = 1;
CREATE INDEX takeback_refunds_of_account ON takeback_refunds (account, issued_at, id);

-- When to read a cancelled order at Amazon; empty when it need not be read.
ALTER TABLE takeback_cancellations ADD COLUMN look_at TEXT NOT NULL DEFAULT '';
CREATE INDEX takeback_cancellations_to_look_at ON takeback_cancellations (look_at) WHERE look_at <> '';

-- When to see whether an RMA may be closed; empty when it need not be seen.
ALTER TABLE takeback_rmas ADD COLUMN look_at TEXT NOT NULL DEFAULT '';
CREATE INDEX takeback_rmas_to_look_at ON takeback_rmas (look_at) WHERE look_at <> '';

CREATE TABLE takeback_returns (
	id       TEXT NOT NULL PRIMARY KEY,
	company  TEXT NOT NULL,
	account  TEXT NOT NULL,
	number   TEXT NOT NULL,
	state    TEXT NOT NULL,
	first_at TEXT NOT NULL,
	body     TEXT NOT NULL,
	version  INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_returns_of_company ON takeback_returns (company, first_at, id);
CREATE INDEX takeback_returns_of_account ON takeback_returns (account, first_at, id);
CREATE INDEX takeback_returns_by_state ON takeback_returns (account, state, first_at, id);
CREATE INDEX takeback_returns_by_company_state ON takeback_returns (company, state, first_at, id);
CREATE INDEX takeback_returns_of_order ON takeback_returns (account, number);

CREATE TABLE takeback_requests (
	account  TEXT NOT NULL,
	number   TEXT NOT NULL,
	item     TEXT NOT NULL,
	company  TEXT NOT NULL,
	state    TEXT NOT NULL,
	look_at  TEXT NOT NULL, -- empty: need not be looked after
	deadline TEXT NOT NULL,
	body     TEXT NOT NULL,
	version  INTEGER NOT NULL,
	PRIMARY KEY (account, number, item)
) STRICT;
CREATE INDEX takeback_requests_of_company ON takeback_requests (company, deadline, account, number, item);
CREATE INDEX takeback_requests_by_company_state ON takeback_requests (company, state, deadline, account, number, item);
CREATE INDEX takeback_requests_by_state ON takeback_requests (state, deadline, account, number, item);
CREATE INDEX takeback_requests_to_look_at ON takeback_requests (look_at) WHERE look_at <> '';

CREATE TABLE takeback_settlements (
	account    TEXT NOT NULL,
	settlement TEXT NOT NULL,
	company    TEXT NOT NULL,
	currency   TEXT NOT NULL,
	start_at   TEXT NOT NULL,
	body       TEXT NOT NULL,
	version    INTEGER NOT NULL,
	PRIMARY KEY (account, settlement)
) STRICT;
CREATE INDEX takeback_settlements_of_company ON takeback_settlements (company, start_at, account, settlement);
CREATE INDEX takeback_settlements_of_account ON takeback_settlements (account, start_at, settlement);

CREATE TABLE takeback_bookings (
	id                 TEXT NOT NULL PRIMARY KEY,
	company            TEXT NOT NULL,
	account            TEXT NOT NULL, -- of the order
	number             TEXT NOT NULL,
	settlement_account TEXT NOT NULL,
	settlement         TEXT NOT NULL,
	result             TEXT NOT NULL, -- what it was taken for
	posted_at          TEXT NOT NULL,
	body               TEXT NOT NULL,
	version            INTEGER NOT NULL
) STRICT;
CREATE INDEX takeback_bookings_of_company ON takeback_bookings (company, posted_at, id);
CREATE INDEX takeback_bookings_of_order ON takeback_bookings (account, number);
CREATE INDEX takeback_bookings_of_account ON takeback_bookings (account, posted_at, id);
CREATE INDEX takeback_bookings_of_settlement ON takeback_bookings (settlement_account, settlement, posted_at, id);
CREATE INDEX takeback_bookings_by_result ON takeback_bookings (account, result, posted_at, id);
CREATE INDEX takeback_bookings_by_company_result ON takeback_bookings (company, result, posted_at, id);
