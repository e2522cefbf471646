package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

// write raises the head row of an Amazon order and appends what belongs to it.
func write(p *plan, w order.Writes) error {
	account, number := string(w.Order.Account), w.Order.Number
	raise := step{
		stmt: "UPDATE takeback_heads SET version = version + 1 WHERE account = ? AND number = ? AND version = ?",
		args: []any{account, number, w.Version},
		none: fmt.Errorf("order %s read at version %d: %w", w.Order, w.Version, store.ErrConflict),
	}
	if w.Version == 0 {
		raise.stmt = "INSERT INTO takeback_heads (account, number, version) VALUES (?, ?, ? + 1) ON CONFLICT DO NOTHING"
	}
	p.add(raise)

	for _, c := range w.Postings {
		p.add(step{
			stmt: `INSERT INTO takeback_postings
			(account, number, seq, item, component, balance, amount, currency, cause_kind, cause_id, done_by, done_at, why)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			args: []any{account, number, c.Seq, c.Item, string(c.Component), string(c.Balance), amount(c.Amount), string(c.Currency),
				string(c.Cause.Kind), c.Cause.ID, c.By, instant(c.At), c.Why},
			none: fmt.Errorf("order %s: posting %d is there already: %w", w.Order, c.Seq, store.ErrConflict),
		})
	}

	for _, e := range w.Effects {
		body, err := json.Marshal(rowcopy.Of(e))
		if err != nil {
			return fmt.Errorf("effect %s: %w", e.Key, err)
		}
		p.add(step{
			stmt: `INSERT INTO takeback_effects (key, company, host_order, seq, kind, body)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			args: []any{e.Key, string(e.Order.Company), e.Order.Number, e.Seq, string(e.Kind), string(body)},
			none: fmt.Errorf("effect %s is there already: %w", e.Key, store.ErrConflict),
		})
	}

	for _, e := range w.Events {
		p.add(log(w.Order, e))
	}
	return nil
}

// log appends to the journal of an Amazon order, no row with a lower number than the
// last one.
func log(id order.AmazonID, e order.Event) step {
	s := step{
		stmt: `INSERT INTO takeback_events (account, number, seq, kind, subject, text, value_before, value_after, key, role, done_by, done_at, why, open)
		VALUES (?1, ?2, max(?3, (SELECT coalesce(max(seq), 0) FROM takeback_events WHERE account = ?1 AND number = ?2)),
			?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0) ON CONFLICT DO NOTHING`,
		args: []any{string(id.Account), id.Number, e.Seq, string(e.Kind), e.Subject, e.Text, e.Before, e.After, e.Key, string(e.For), e.By, instant(e.At), e.Why},
	}
	switch {
	case e.Key == "":
	case e.Kind == order.EventAlert:
		s.then = []step{{
			stmt: `UPDATE takeback_events SET open = 1 WHERE key = ?1 AND key <> ''
			AND NOT EXISTS (SELECT 1 FROM takeback_events WHERE key = ?2 AND key <> '' AND kind = 'Closed')`,
			args: []any{e.Key, order.ClosedKey(e.Key)},
		}}
	case e.Kind == order.EventClosed:
		s.then = []step{{
			stmt: "UPDATE takeback_events SET open = 0 WHERE key = ? AND key <> ''",
			args: []any{strings.TrimPrefix(e.Key, order.ClosedKey(""))},
		}}
	}
	return s
}

// Ledgers implements [refund.Store], [cancel.Store] and [rma.Store].
func (s *Store) Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error) {
	if len(ids) == 0 {
		return nil, ctx.Err()
	}
	var f filter
	f.orders(ids)

	// Versions first: when somebody saves between the two statements, the ledger
	// has an old version and the new postings, and a decision on it conflicts.
	query, args := f.query("SELECT account, number, version FROM takeback_heads", "account, number", 0)
	heads, err := collect(ctx, s.reader(), func(rows *sql.Rows) (l order.Ledger, err error) {
		err = rows.Scan(&l.Order.Account, &l.Order.Number, &l.Version)
		return l, err
	}, query, args...)
	if err != nil {
		return nil, opError(ctx, "read ledgers", err)
	}
	query, args = f.query(`SELECT account, number, seq, item, component, balance, amount, currency,
		cause_kind, cause_id, done_by, done_at, why FROM takeback_postings`, "account, number, seq", 0)
	postings, err := collect(ctx, s.reader(), func(rows *sql.Rows) (p order.Posting, err error) {
		var at string
		if err := rows.Scan(&p.Order.Account, &p.Order.Number, &p.Seq, &p.Item, &p.Component, &p.Balance, &p.Amount, &p.Currency,
			&p.Cause.Kind, &p.Cause.ID, &p.By, &at, &p.Why); err != nil {
			return p, err
		}
		p.At, err = time.Parse(layout, at)
		return p, err
	}, query, args...)
	if err != nil {
		return nil, opError(ctx, "read ledgers", err)
	}
	postingsOf := map[order.AmazonID][]order.Posting{}
	for _, p := range postings {
		postingsOf[p.Order] = append(postingsOf[p.Order], p)
	}
	ledgers := map[order.AmazonID]order.Ledger{}
	for _, l := range heads {
		l.Postings = postingsOf[l.Order]
		ledgers[l.Order] = l
	}
	out := make([]order.Ledger, len(ids))
	for i, id := range ids {
		out[i] = order.Ledger{Order: id, Version: ledgers[id].Version, Postings: slices.Clone(ledgers[id].Postings)}
	}
	return out, nil
}

// Events implements [order.Journal].
func (s *Store) Events(ctx context.Context, id order.AmazonID) ([]order.Event, error) {
	es, err := collect(ctx, s.reader(), func(rows *sql.Rows) (e order.Event, err error) {
		e.Order = id
		var at string
		if err := rows.Scan(&e.Seq, &e.Kind, &e.Subject, &e.Text, &e.Before, &e.After, &e.Key, &e.For, &e.By, &at, &e.Why); err != nil {
			return e, err
		}
		e.At, err = time.Parse(layout, at)
		return e, err
	}, "SELECT seq, kind, subject, text, value_before, value_after, key, role, done_by, done_at, why FROM takeback_events WHERE account = ? AND number = ? ORDER BY seq, id",
		string(id.Account), id.Number)
	return es, opError(ctx, "read events", err)
}

// Alerts implements [order.Journal] and [queue.Store].
func (s *Store) Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error) {
	var f filter
	in(&f, "a.key", q.Keys)
	if len(q.Orders) > 0 {
		f.few("(a.account, a.number) IN (SELECT value ->> 'Account', value ->> 'Number' FROM json_each(?))", jsonText(q.Orders))
	}
	if f.and("a.kind = 'Alert' AND a.key <> ''"); !q.Closed {
		f.and("a.open = 1")
	}
	if len(q.Accounts) > 0 {
		f.and("+a.account"+isListed, jsonText(q.Accounts))
	}
	f.after("a.done_at, a.key", q.After.At, q.After.Key)
	query, args := f.query(`SELECT a.account, a.number, a.seq, a.kind, a.subject, a.text, a.value_before, a.value_after, a.key, a.role, a.done_by, a.done_at, a.why,
		coalesce(c.done_by, ''), coalesce(c.done_at, ''), coalesce(c.why, '')
		FROM takeback_events AS a LEFT JOIN takeback_events AS c ON c.key = 'closed/' || a.key AND c.key <> '' AND c.kind = 'Closed'`, "a.done_at, a.key", q.Limit)
	as, err := collect(ctx, s.reader(), func(rows *sql.Rows) (a order.Alert, err error) {
		var at, closed string
		if err := rows.Scan(&a.Order.Account, &a.Order.Number, &a.Seq, &a.Kind, &a.Subject, &a.Text, &a.Before, &a.After, &a.Key, &a.For, &a.By, &at, &a.Why,
			&a.Closed.By, &closed, &a.Closed.Why); err != nil {
			return a, err
		}
		if closed != "" {
			if a.Closed.At, err = time.Parse(layout, closed); err != nil {
				return a, err
			}
		}
		a.At, err = time.Parse(layout, at)
		return a, err
	}, query, args...)
	return as, opError(ctx, "read alerts", err)
}

// Effects implements [order.Outbox].
func (s *Store) Effects(ctx context.Context, now time.Time, limit int) ([]order.Effect, error) {
	es, err := collect(ctx, s.reader(), func(rows *sql.Rows) (e order.Effect, err error) {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return e, err
		}
		return e, json.Unmarshal(body, &e)
	}, `SELECT e.body
		FROM takeback_effects AS first INDEXED BY takeback_effects_waiting
		CROSS JOIN takeback_effects AS e INDEXED BY takeback_effects_open ON e.done = 0 AND e.company = first.company AND e.host_order = first.host_order
		WHERE first.done = 0 AND first.not_before <= ? AND NOT EXISTS (
			SELECT 1 FROM takeback_effects AS p INDEXED BY takeback_effects_open
			WHERE p.done = 0 AND p.company = first.company AND p.host_order = first.host_order AND (p.seq, p.id) < (first.seq, first.id))
		ORDER BY first.id, e.seq, e.id LIMIT ?`, instant(now), max(limit, 0))
	return es, opError(ctx, "read effects", err)
}

// SaveEffects implements [order.Outbox].
func (s *Store) SaveEffects(ctx context.Context, outcomes []order.EffectOutcome) error {
	return s.save(ctx, "save effects", func(p *plan) error {
		for _, o := range outcomes {
			record := step{
				stmt: "UPDATE takeback_effects SET done = ?, not_before = ?, error = ? WHERE key = ? AND done = 0",
				args: []any{o.Done, instant(o.NotBefore), o.Err, o.Key},
			}
			if o.Alert != nil {
				record.then = []step{log(o.Alert.Order, *o.Alert)}
			}
			p.add(record)
		}
		return nil
	})
}

// amount is a decimal with all its digits, also the zeros at its end.
func amount(d decimal.Decimal) string { return d.StringFixed(max(0, -d.Exponent())) }
