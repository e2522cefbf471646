// Package shop is a small order-management system, the host of the examples: its
// orders, its stock and its merchants' settings are tables of its own in its own
// SQLite database. The library reaches them through two small interfaces,
// order.Book and settings.Source.
package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"

	_ "modernc.org/sqlite" // the library brings no driver

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// Shop is the host's tables.
type Shop struct{ db *sql.DB }

var (
	_ order.Book      = Shop{}
	_ settings.Source = Shop{}
)

// Open opens a database file, or a database in memory when there is no file. The
// pragmas are the host's to set; those here are what the library wants of every
// connection: immediate transactions and durable commits.
func Open(file string) (*sql.DB, error) {
	const wanted = "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	if file != "" {
		return sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+wanted)
	}
	db, err := sql.Open("sqlite", "file::memory:"+wanted)
	if err == nil {
		db.SetMaxOpenConns(1) // each connection would have a database of its own
	}
	return db, err
}

// New creates the host's tables where they are not there yet.
func New(ctx context.Context, db *sql.DB) (Shop, error) {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS orders (
			company TEXT NOT NULL, number TEXT NOT NULL,
			account TEXT NOT NULL, amazon_number TEXT NOT NULL,
			payment TEXT NOT NULL DEFAULT 'Charged', notes TEXT NOT NULL DEFAULT '',
			seq INTEGER NOT NULL DEFAULT 0, -- of the last effect applied
			body TEXT NOT NULL,
			PRIMARY KEY (company, number)
		);
		CREATE INDEX IF NOT EXISTS orders_amazon ON orders (account, amazon_number);
		CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, units INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS switches (
			company TEXT NOT NULL, name TEXT NOT NULL, is_on INTEGER NOT NULL,
			PRIMARY KEY (company, name)
		);`)
	return Shop{db}, err
}

// Add enters orders; those already there stay as they are.
func (s Shop) Add(ctx context.Context, orders ...order.Order) error {
	for _, o := range orders {
		if err := order.Check(o); err != nil {
			return err
		}
		if err := insert(ctx, s.db, o); err != nil {
			return err
		}
	}
	return nil
}

// All lists every order, by its number.
func (s Shop) All(ctx context.Context) ([]order.Order, error) {
	return s.query(ctx, `SELECT body FROM orders ORDER BY number`)
}

// Orders implements [order.Book].
func (s Shop) Orders(ctx context.Context, ids []order.AmazonID) ([]order.Order, error) {
	var found []order.Order
	asked := map[order.AmazonID]bool{}
	for _, id := range ids {
		if asked[id] {
			continue
		}
		asked[id] = true
		orders, err := s.query(ctx, `SELECT body FROM orders WHERE account = ? AND amazon_number = ? ORDER BY number`, id.Account, id.Number)
		if err != nil {
			return nil, err
		}
		found = append(found, orders...)
	}
	return found, nil
}

func (s Shop) query(ctx context.Context, query string, args ...any) ([]order.Order, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
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

// Payment is the payment status of an order, as the library has told it.
func (s Shop) Payment(ctx context.Context, id order.ID) (status order.PaymentStatus, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT payment FROM orders WHERE company = ? AND number = ?`, id.Company, id.Number).Scan(&status)
	return status, err
}

// Ship counts all units of an order as shipped, and completes it.
func (s Shop) Ship(ctx context.Context, id order.ID) error {
	return s.change(ctx, id, func(o *order.Order) {
		for i := range o.Lines {
			l := &o.Lines[i]
			l.Shipped = l.Ordered - l.Cancelled
		}
		o.Status = order.StatusCompleted
	})
}

// change changes an order in a transaction.
func (s Shop) change(ctx context.Context, id order.ID, change func(*order.Order)) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	o, _, err := read(ctx, tx, id)
	if err != nil {
		return err
	}
	change(&o)
	if err := update(ctx, tx, o); err != nil {
		return err
	}
	return tx.Commit()
}

// Stock is how many units of a SKU are on the shelf.
func (s Shop) Stock(ctx context.Context, sku string) (units int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(sum(units), 0) FROM stock WHERE sku = ?`, sku).Scan(&units)
	return units, err
}

// Stocked counts a SKU's first units; one that was counted before keeps what it has.
func (s Shop) Stocked(ctx context.Context, sku string, units int) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO stock (sku, units) VALUES (?, ?) ON CONFLICT DO NOTHING`, sku, units)
	return err
}

// Switch switches a setting of a company on or off.
func (s Shop) Switch(ctx context.Context, company order.CompanyID, name settings.Name, on bool) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO switches (company, name, is_on) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET is_on = excluded.is_on`, company, name, on)
	return err
}

// Settings implements [settings.Source].
func (s Shop) Settings(ctx context.Context, company order.CompanyID) (settings.Settings, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, is_on FROM switches WHERE company = ?`, company)
	if err != nil {
		return settings.Settings{}, err
	}
	defer rows.Close()
	values := settings.Values{}
	for rows.Next() {
		var name settings.Name
		var on bool
		if err := rows.Scan(&name, &on); err != nil {
			return settings.Settings{}, err
		}
		values[name] = on
	}
	return settings.Resolve(nil, values), rows.Err()
}
