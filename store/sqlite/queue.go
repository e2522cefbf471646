package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

var entries = withBatches(newTable("takeback_entries", 1,
	[]string{"id", "kind", "feed", "host_order", "amount", "currency", "state", "not_before", "selected", "search"},
	[]string{"company", "account", "number", "queued_at", "batches"},
	"queued_at, id",
	func(e queue.Entry) []any {
		return []any{string(e.ID), string(e.Kind), string(e.Feed), e.HostOrder.Number, amount(e.Amount.Amount), string(e.Amount.Currency),
			string(e.State), instant(e.NotBefore), e.Selection != nil, e.SearchText(),
			string(e.HostOrder.Company), string(e.Order.Account), e.Order.Number, instant(e.QueuedAt), jsonText(e.Batches())}
	},
	func(e *queue.Entry) *int64 { return &e.Version }))

// withBatches puts beside each entry the batches that it belongs to.
func withBatches(t table[queue.Entry]) table[queue.Entry] {
	t.beside = func(e queue.Entry) []step {
		steps := []step{{stmt: "DELETE FROM takeback_entry_batches WHERE entry = ?", args: []any{string(e.ID)}}}
		for _, b := range e.Batches() {
			steps = append(steps, step{
				stmt: "INSERT INTO takeback_entry_batches (entry, batch) VALUES (?, ?) ON CONFLICT DO NOTHING",
				args: []any{string(e.ID), string(b)},
			})
		}
		return steps
	}
	return t
}

// Entries implements [queue.Store].
func (s *Store) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	query, args := entriesQuery(q)
	es, err := collect(ctx, s.reader(), entries.scanPlaced, query, args...)
	return es, opError(ctx, "read entries", err)
}

// entriesQuery answers from the first of these that fits: the entries that are
// named; stretches of an index that are in the order of the list, of which no more
// is read than the limit; the states, put in order before their rows are read.
func entriesQuery(q queue.EntryQuery) (string, []any) {
	const columns = "SELECT version, body, queued_at, id FROM takeback_entries"
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	if q.Batch != "" {
		f.few("id IN (SELECT entry FROM takeback_entry_batches WHERE batch = ?)", string(q.Batch))
	}
	if f.narrow {
		f.company(q.Company)
		among(&f, "account", q.Accounts)
		among(&f, "feed", q.Feeds)
		among(&f, "state", q.States)
		f.rest(q)
		return f.query(columns, entries.order, q.Limit)
	}

	index, parts := stretchesOf(q)
	if len(parts) == 0 {
		f.company(q.Company)
		among(&f, "account", q.Accounts)
		among(&f, "feed", q.Feeds)
		in(&f, "state", q.States)
		f.rest(q)
		if !f.narrow || q.Limit <= 0 {
			return f.query(columns, entries.order, q.Limit)
		}
		ids, args := f.query("SELECT rowid FROM takeback_entries", entries.order, q.Limit)
		return columns + " WHERE rowid IN (" + ids + ") ORDER BY +queued_at, +id", args
	}
	f.rest(q)
	return entries.query(search{index: index, parts: parts, rest: f, limit: q.Limit})
}

// rest selects by what no query finds its rows by.
func (f *filter) rest(q queue.EntryQuery) {
	if len(q.Kinds) > 0 {
		f.and("+kind"+isListed, jsonText(q.Kinds))
	}
	if q.Text != "" {
		f.and("instr(search, ?) > 0", strings.ToLower(q.Text))
	}
	if !q.From.IsZero() {
		f.and("queued_at >= ?", instant(q.From))
	}
	if !q.To.IsZero() {
		f.and("queued_at < ?", instant(q.To))
	}
	if !q.ReadyBy.IsZero() {
		f.and("+not_before <= ?", instant(q.ReadyBy))
	}
	if q.Selected {
		f.and("selected = 1")
	}
	f.after(entries.order, q.After.QueuedAt, string(q.After.ID))
}

// stretchesOf names an index in which what a query selects stands in few
// stretches, each in the order of the list, and the conditions for each of them;
// none when there is no such index.
func stretchesOf(q queue.EntryQuery) (index string, parts []filter) {
	if len(q.States) == 0 {
		return "", nil
	}
	states := oneOf("state", q.States...)
	switch {
	case len(q.Accounts) > 0 && len(q.Feeds) > 0:
		parts = stretches(states, oneOf("account", q.Accounts...), oneOf("feed", q.Feeds...))
		for i := range parts {
			if q.Company != "" {
				parts[i].and("+company = ?", string(q.Company))
			}
		}
		if q.Selected {
			return "takeback_entries_selected", parts
		}
		return "takeback_entries_by_state", parts
	case q.Company != "":
		parts = stretches(oneOf("company", q.Company), states)
		for i := range parts {
			if len(q.Accounts) > 0 {
				parts[i].and("+account"+isListed, jsonText(q.Accounts))
			}
			if len(q.Feeds) > 0 {
				parts[i].and("+feed"+isListed, jsonText(q.Feeds))
			}
		}
		return "takeback_entries_by_company_state", parts
	}
	return "", nil
}

var batches = newTable("takeback_batches", 1,
	[]string{"id", "feed", "state", "document_number", "due", "applied"},
	[]string{"company", "account", "created_at"},
	"created_at, id",
	func(b queue.Batch) []any {
		return []any{string(b.ID), string(b.Feed), string(b.State), string(b.DocumentNumber), instant(b.Due), b.Applied,
			string(b.Company), string(b.Account), instant(b.Created.At)}
	},
	func(b *queue.Batch) *int64 { return &b.Version })

// Batches implements [queue.Store].
func (s *Store) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	var f filter
	in(&f, "id", q.IDs)
	in(&f, "document_number", q.DocumentNumbers)
	if q.Unapplied {
		f.few("applied = 0")
		in(&f, "account", q.Accounts)
	} else {
		among(&f, "account", q.Accounts)
	}
	f.company(q.Company)
	among(&f, "feed", q.Feeds)
	among(&f, "state", q.States)
	if !q.DueBy.IsZero() {
		f.and("due <= ?", instant(q.DueBy))
	}
	f.after(batches.order, q.After.CreatedAt, string(q.After.ID))
	if !q.Contents {
		bs, err := batches.list(ctx, s.reader(), f, q.Limit)
		return bs, opError(ctx, "read batches", err)
	}
	query, args := f.query("SELECT version, body, messages, document, report FROM takeback_batches LEFT JOIN takeback_documents ON batch = id",
		batches.order, q.Limit)
	bs, err := collect(ctx, s.reader(), func(rows *sql.Rows) (queue.Batch, error) {
		var messages, document, report []byte
		b, err := batches.scan(rows, &messages, &document, &report)
		if err != nil {
			return b, err
		}
		if messages != nil {
			err = json.Unmarshal(messages, &b.Messages)
		}
		b.Document, b.Report = document, report
		return b, err
	}, query, args...)
	return bs, opError(ctx, "read batches", err)
}

// putBatch puts a batch, and its contents apart from it.
func putBatch(p *plan, b queue.Batch) error {
	messages, document, report := b.Messages, b.Document, b.Report
	b.Messages, b.Document, b.Report = nil, nil, nil
	if err := batches.put(p, b); err != nil {
		return err
	}
	p.starts = p.starts || b.Version == 0 || b.State == queue.BatchSubmitting
	if messages == nil && document == nil && report == nil {
		return nil
	}
	var mapped any
	if messages != nil {
		body, err := json.Marshal(messages)
		if err != nil {
			return err
		}
		mapped = string(body)
	}
	p.add(step{
		stmt: `INSERT INTO takeback_documents (batch, messages, document, report) VALUES (?, ?, ?, ?)
		ON CONFLICT (batch) DO UPDATE SET messages = coalesce(excluded.messages, messages),
			document = coalesce(excluded.document, document), report = coalesce(excluded.report, report)`,
		args: []any{string(b.ID), mapped, document, report},
	})
	return nil
}

// Lanes implements [queue.Store]. It jumps from lane to lane in an index, however
// many entries each has. The plus signs have SQLite compare both columns in the
// index: a column on each side has it compare without their type.
func (s *Store) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	ls, err := collect(ctx, s.reader(), func(rows *sql.Rows) (l queue.Lane, err error) {
		var ready string
		if err := rows.Scan(&l.Account, &l.Feed, &l.State, &ready); err != nil {
			return l, err
		}
		l.Ready, err = time.Parse(layout, ready)
		return l, err
	}, `WITH RECURSIVE lanes (account, feed, state, ready) AS (
			SELECT e.account, e.feed, e.state, e.not_before
			FROM (SELECT DISTINCT value FROM json_each(?)) AS asked CROSS JOIN takeback_entries AS e ON e.rowid = (
				SELECT rowid FROM takeback_entries INDEXED BY takeback_entries_lanes
				WHERE state = asked.value ORDER BY account, feed, not_before LIMIT 1)
			UNION ALL
			SELECT e.account, e.feed, e.state, e.not_before
			FROM lanes CROSS JOIN takeback_entries AS e ON e.rowid = (
				SELECT rowid FROM takeback_entries INDEXED BY takeback_entries_lanes
				WHERE state = lanes.state AND (account, feed) > (+lanes.account, +lanes.feed) ORDER BY account, feed, not_before LIMIT 1))
		SELECT account, feed, state, ready FROM lanes ORDER BY account, feed, state`, jsonText(states))
	return ls, opError(ctx, "read lanes", err)
}

// Counts implements [queue.Store].
func (s *Store) Counts(ctx context.Context, company order.CompanyID) ([]queue.Count, error) {
	var f filter
	f.company(company)
	query := `SELECT account, company, feed, kind, state, count(*), min(queued_at) FROM takeback_entries INDEXED BY takeback_entries_counts` +
		f.where() + " GROUP BY company, account, feed, kind, state ORDER BY account, company, feed, kind, state"
	cs, err := collect(ctx, s.reader(), func(rows *sql.Rows) (c queue.Count, err error) {
		var oldest string
		if err := rows.Scan(&c.Account, &c.Company, &c.Feed, &c.Kind, &c.State, &c.Entries, &oldest); err != nil {
			return c, err
		}
		c.Oldest, err = time.Parse(layout, oldest)
		return c, err
	}, query, f.args...)
	return cs, opError(ctx, "count entries", err)
}

// SaveQueue implements [queue.Store].
func (s *Store) SaveQueue(ctx context.Context, c queue.Change) error {
	return s.save(ctx, "save queue", func(p *plan) error {
		for _, w := range c.Orders {
			if err := write(p, w); err != nil {
				return err
			}
		}
		for _, b := range c.Batches {
			if err := putBatch(p, b); err != nil {
				return err
			}
		}
		for _, e := range c.Events {
			p.add(log(e.Order, e))
		}
		return entries.put(p, c.Entries...)
	})
}
