package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/order"
)

// ApplyOrder implements [order.Book]: what an effect changes, and the number of the
// last effect that the order has seen, change in one transaction.
func (s Shop) ApplyOrder(ctx context.Context, e order.Effect) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	o, seen, err := read(ctx, tx, e.Order)
	if err != nil {
		return fmt.Errorf("order %s: %w", e.Order, err) // it comes again: the order may still be split off
	}
	if seen >= e.Seq {
		return nil
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
	case order.EffectSplit:
		if o, err = split(ctx, tx, o, *e.Split); err != nil {
			return err
		}
	case order.EffectShipping:
		note = "Amazon shows it as " + string(e.Shipping.To) + "\n" // the shop counts its own parcels
	case order.EffectStock:
		if err := move(ctx, tx, *e.Stock); err != nil {
			return err
		}
	case order.EffectPayment:
		payment = string(e.Payment.Status)
	case order.EffectNote:
		note = e.Note.Text + "\n"
	case order.EffectRMA:
		note = "RMA " + e.RMA.Number + " for Amazon's " + e.RMA.OrderSourceNumber + " is " + e.RMA.Status + "\n"
	}
	if err := update(ctx, tx, o); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET seq = ?, notes = notes || ?, payment = coalesce(nullif(?, ''), payment) WHERE company = ? AND number = ?`,
		e.Seq, note, payment, o.ID.Company, o.ID.Number); err != nil {
		return err
	}
	return tx.Commit()
}

// split makes a new order of units of another, and answers what is left of that.
func split(ctx context.Context, tx *sql.Tx, o order.Order, off order.SplitOff) (order.Order, error) {
	rest, part, err := order.Split(o, off.To, off.Lines)
	if errors.Is(err, order.ErrSplit) {
		return o, fmt.Errorf("%w: %w", order.ErrStale, err) // it was shipped meanwhile
	}
	if err != nil {
		return o, err
	}
	var taken bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM orders WHERE company = ? AND number = ?)`, part.ID.Company, part.ID.Number).Scan(&taken); err != nil {
		return o, err
	}
	if taken {
		return o, fmt.Errorf("%w: there is an order %s", order.ErrStale, part.ID)
	}
	return rest, insert(ctx, tx, part)
}

func move(ctx context.Context, tx *sql.Tx, m order.StockMove) error {
	set := `units + excluded.units`
	if m.Zero {
		set, m.Quantity = `0`, 0
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO stock (sku, units) VALUES (?, ?) ON CONFLICT DO UPDATE SET units = `+set, m.SKU, m.Quantity)
	return err
}

func read(ctx context.Context, tx *sql.Tx, id order.ID) (o order.Order, seq int64, err error) {
	var body []byte
	if err := tx.QueryRowContext(ctx, `SELECT body, seq FROM orders WHERE company = ? AND number = ?`, id.Company, id.Number).Scan(&body, &seq); err != nil {
		return o, 0, err
	}
	return o, seq, json.Unmarshal(body, &o)
}

// insert enters an order, unless it is there already. The connection is a pool or a
// transaction.
func insert(ctx context.Context, on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, o order.Order,
) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = on.ExecContext(ctx, `INSERT INTO orders (company, number, account, amazon_number, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		o.ID.Company, o.ID.Number, o.Amazon.Account, o.Amazon.Number, body)
	return err
}

func update(ctx context.Context, tx *sql.Tx, o order.Order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE orders SET body = ? WHERE company = ? AND number = ?`, body, o.ID.Company, o.ID.Number)
	return err
}
