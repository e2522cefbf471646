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

var entries = newTable("takeback_entries", 1,
	[]string{"id", "kind", "feed", "company", "host_order", "account", "number", "amount", "currency",
		"state", "not_before", "queued_at", "selected", "search"},
	"queued_at, id",
	func(e queue.Entry) []any {
		return []any{string(e.ID), string(e.Kind), string(e.Feed), string(e.HostOrder.Company), e.HostOrder.Number,
			string(e.Order.Account), e.Order.Number, amount(e.Amount.Amount), string(e.Amount.Currency),
			string(e.State), instant(e.NotBefore), instant(e.QueuedAt), e.Selection != nil, e.SearchText()}
	},
	func(e *queue.Entry) *int64 { return &e.Version })

// Entries implements [queue.Store].
func (s *Store) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	if q.Batch != "" {
		f.few("id IN (SELECT entry FROM takeback_entry_batches WHERE batch = ?)", string(q.Batch))
	}
	f.company(q.Company)
	among(&f, "account", q.Accounts)
	among(&f, "kind", q.Kinds)
	among(&f, "feed", q.Feeds)
	in(&f, "state", q.States)
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
		f.and("not_before <= ?", instant(q.ReadyBy))
	}
	if q.Selected {
		f.and("selected = 1")
	}
	f.after(entries.order, q.After.QueuedAt, string(q.After.ID))
	es, err := entries.list(ctx, s.reader(), f, q.Limit)
	return es, opError(ctx, "read entries", err)
}

// putEntries puts entries, and beside each the batches that it belongs to.
func putEntries(ctx context.Context, q querier, es []queue.Entry) error {
	for _, e := range es {
		if err := entries.put(ctx, q, e); err != nil {
			return err
		}
		if _, err := exec(ctx, q, "DELETE FROM takeback_entry_batches WHERE entry = ?", string(e.ID)); err != nil {
			return err
		}
		for _, b := range e.Batches() {
			if _, err := exec(ctx, q, "INSERT INTO takeback_entry_batches (entry, batch) VALUES (?, ?) ON CONFLICT DO NOTHING",
				string(e.ID), string(b)); err != nil {
				return err
			}
		}
	}
	return nil
}

var batches = newTable("takeback_batches", 1,
	[]string{"id", "company", "account", "feed", "state", "document_number", "due", "applied", "created_at"},
	"created_at, id",
	func(b queue.Batch) []any {
		return []any{string(b.ID), string(b.Company), string(b.Account), string(b.Feed), string(b.State),
			string(b.DocumentNumber), instant(b.Due), b.Applied, instant(b.Created.At)}
	},
	func(b *queue.Batch) *int64 { return &b.Version })

// Batches implements [queue.Store].
func (s *Store) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	var f filter
	in(&f, "id", q.IDs)
	in(&f, "document_number", q.DocumentNumbers)
	if q.Unapplied {
		f.few("applied = 0")
	}
	f.company(q.Company)
	among(&f, "account", q.Accounts)
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
func putBatch(ctx context.Context, q querier, b queue.Batch) error {
	messages, document, report := b.Messages, b.Document, b.Report
	b.Messages, b.Document, b.Report = nil, nil, nil
	if err := batches.put(ctx, q, b); err != nil {
		return err
	}
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
	_, err := exec(ctx, q, `INSERT INTO takeback_documents (batch, messages, document, report) VALUES (?, ?, ?, ?)
		ON CONFLICT (batch) DO UPDATE SET messages = coalesce(excluded.messages, messages),
			document = coalesce(excluded.document, document), report = coalesce(excluded.report, report)`,
		string(b.ID), mapped, document, report)
	return err
}

// Lanes implements [queue.Store].
func (s *Store) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	ls, err := collect(ctx, s.reader(), func(rows *sql.Rows) (l queue.Lane, err error) {
		var ready string
		if err := rows.Scan(&l.Account, &l.Feed, &l.State, &ready); err != nil {
			return l, err
		}
		l.Ready, err = time.Parse(layout, ready)
		return l, err
	}, "SELECT account, feed, state, min(not_before) FROM takeback_entries WHERE state"+isListed+
		" GROUP BY account, feed, state ORDER BY account, feed, state", jsonText(states))
	return ls, opError(ctx, "read lanes", err)
}

// Counts implements [queue.Store].
func (s *Store) Counts(ctx context.Context, company order.CompanyID) ([]queue.Count, error) {
	cs, err := collect(ctx, s.reader(), func(rows *sql.Rows) (c queue.Count, err error) {
		var oldest string
		if err := rows.Scan(&c.Account, &c.Company, &c.Feed, &c.Kind, &c.State, &c.Entries, &oldest); err != nil {
			return c, err
		}
		c.Oldest, err = time.Parse(layout, oldest)
		return c, err
	}, `SELECT account, company, feed, kind, state, count(*), min(queued_at) FROM takeback_entries WHERE company = ?1 OR ?1 = ''
		GROUP BY account, company, feed, kind, state ORDER BY account, company, feed, kind, state`, string(company))
	return cs, opError(ctx, "count entries", err)
}

// SaveQueue implements [queue.Store].
func (s *Store) SaveQueue(ctx context.Context, c queue.Change) error {
	return s.save(ctx, "save queue", func(q querier) error {
		for _, w := range c.Orders {
			if err := write(ctx, q, w); err != nil {
				return err
			}
		}
		for _, b := range c.Batches {
			if err := putBatch(ctx, q, b); err != nil {
				return err
			}
		}
		for _, e := range c.Events {
			if err := log(ctx, q, e.Order, e); err != nil {
				return err
			}
		}
		return putEntries(ctx, q, c.Entries)
	})
}
