package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/order"
)

// book is the host's own order book: a table of its own in its own database,
// which the library reaches through the two methods of order.Book.
type book struct{ db *sql.DB }

var _ order.Book = book{}

func newBook(ctx context.Context, db *sql.DB) (book, error) {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS orders (
			company TEXT NOT NULL, number TEXT NOT NULL,
			account TEXT NOT NULL, amazon_number TEXT NOT NULL,
			payment TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '',
			seq INTEGER NOT NULL DEFAULT 0, -- of the last effect applied
			body TEXT NOT NULL,
			PRIMARY KEY (company, number)
		);
		CREATE INDEX IF NOT EXISTS orders_amazon ON orders (account, amazon_number);`)
	return book{db}, err
}

// add enters orders; those already there stay as they are.
func (b book) add(ctx context.Context, orders []order.Order) error {
	for _, o := range orders {
		if err := order.Check(o); err != nil {
			return err
		}
		body, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if _, err := b.db.ExecContext(ctx, `INSERT INTO orders (company, number, account, amazon_number, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			o.ID.Company, o.ID.Number, o.Amazon.Account, o.Amazon.Number, body); err != nil {
			return err
		}
	}
	return nil
}

// all lists every order.
func (b book) all(ctx context.Context) ([]order.Order, error) {
	return b.query(ctx, `SELECT body FROM orders ORDER BY number`)
}

// Orders implements order.Book.
func (b book) Orders(ctx context.Context, ids []order.AmazonID) ([]order.Order, error) {
	var found []order.Order
	asked := map[order.AmazonID]bool{}
	for _, id := range ids {
		if asked[id] {
			continue
		}
		asked[id] = true
		orders, err := b.query(ctx, `SELECT body FROM orders WHERE account = ? AND amazon_number = ?`, id.Account, id.Number)
		if err != nil {
			return nil, err
		}
		found = append(found, orders...)
	}
	return found, nil
}

func (b book) query(ctx context.Context, query string, args ...any) ([]order.Order, error) {
	rows, err := b.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []order.Order
	for rows.Next() {
		var body []byte
		var o order.Order
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &o); err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	return found, rows.Err()
}

// ApplyOrder implements order.Book: the order row, and the number of the last
// effect that it has seen, change in one transaction.
func (b book) ApplyOrder(ctx context.Context, e order.Effect) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var body []byte
	var seen int64
	err = tx.QueryRowContext(ctx, `SELECT body, seq FROM orders WHERE company = ? AND number = ?`, e.Order.Company, e.Order.Number).Scan(&body, &seen)
	if errors.Is(err, sql.ErrNoRows) || err == nil && seen >= e.Seq {
		return nil
	}
	if err != nil {
		return err
	}
	var o order.Order
	if err := json.Unmarshal(body, &o); err != nil {
		return err
	}

	payment, note := "", ""
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) {
			return fmt.Errorf("order %s is %s: %w", o.ID, o.Status, order.ErrStale)
		}
		o.Status = e.Status.To
	case order.EffectHold:
		o.Holds = append(o.Holds, *e.Hold)
	case order.EffectRelease:
		o.Holds = slices.DeleteFunc(o.Holds, func(h order.Hold) bool { return h.Owner == e.Release.Owner })
	case order.EffectPayment:
		payment = string(e.Payment.Status)
	case order.EffectNote:
		note = e.Note.Text + "\n"
	case order.EffectRMA:
		note = "RMA " + e.RMA.Number + " for Amazon's " + e.RMA.OrderSourceNumber + "\n"
	}
	if body, err = json.Marshal(o); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET body = ?, seq = ?, notes = notes || ?, payment = coalesce(nullif(?, ''), payment) WHERE company = ? AND number = ?`,
		body, e.Seq, note, payment, o.ID.Company, o.ID.Number); err != nil {
		return err
	}
	return tx.Commit()
}
