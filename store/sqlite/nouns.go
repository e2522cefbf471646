package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

var refunds = newTable("takeback_refunds", 1,
	[]string{"id", "host_order", "origin", "key", "currency", "open"},
	[]string{"company", "account", "number", "rma", "issued_at"},
	"issued_at, id",
	func(r refund.Refund) []any {
		return []any{string(r.ID), r.HostOrder.Number, string(r.Origin), r.Key, string(r.Currency), r.Open(),
			string(r.HostOrder.Company), string(r.Order.Account), r.Order.Number, r.RMA, instant(r.Issued.At)}
	},
	func(r *refund.Refund) *int64 { return &r.Version })

// Refunds implements [refund.Store].
func (s *Store) Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	if q.RMA != "" {
		f.few("rma = ?", q.RMA)
	}
	if q.Open {
		f.few("open = 1")
	}
	among(&f, "account", q.Accounts)
	f.company(q.Company)
	f.after(refunds.order, q.After.IssuedAt, string(q.After.ID))
	rs, err := refunds.list(ctx, s.reader(), f, q.Limit)
	return rs, opError(ctx, "read refunds", err)
}

// SaveRefunds implements [refund.Store].
func (s *Store) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	return s.save(ctx, "save refunds", func(p *plan) error {
		for _, c := range cs {
			if err := write(p, c.Writes); err != nil {
				return err
			}
			if err := refunds.put(p, c.Refunds...); err != nil {
				return err
			}
			if err := entries.put(p, c.Entries...); err != nil {
				return err
			}
		}
		return nil
	})
}

var cancellations = newTable("takeback_cancellations", 1,
	[]string{"id", "key", "outcome", "look_at"},
	[]string{"company", "host_order", "account", "number", "requested_at"},
	"requested_at, id",
	func(c cancel.Cancellation) []any {
		return []any{string(c.ID), c.Key, string(c.Outcome), wanted(c.LookAt),
			string(c.HostOrder.Company), c.HostOrder.Number, string(c.Order.Account), c.Order.Number, instant(c.Requested.At)}
	},
	func(c *cancel.Cancellation) *int64 { return &c.Version })

// Cancellations implements [cancel.Store].
func (s *Store) Cancellations(ctx context.Context, q cancel.Query) ([]cancel.Cancellation, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	f.hostOrders(q.HostOrders)
	f.wantedBy("look_at", q.LookBy)
	f.company(q.Company)
	f.after(cancellations.order, q.After.RequestedAt, string(q.After.ID))
	cs, err := cancellations.list(ctx, s.reader(), f, q.Limit)
	return cs, opError(ctx, "read cancellations", err)
}

var gates = newTable("takeback_gates", 2,
	[]string{"company", "host_order", "account", "number", "handed_over", "opened"}, nil,
	"company, host_order",
	func(g cancel.Gate) []any {
		return []any{string(g.HostOrder.Company), g.HostOrder.Number, string(g.Order.Account), g.Order.Number,
			instant(g.HandedOver.At), instant(g.Opened.At)}
	},
	func(g *cancel.Gate) *int64 { return &g.Version })

// Gates implements [cancel.Store].
func (s *Store) Gates(ctx context.Context, ids []order.ID) ([]cancel.Gate, error) {
	if len(ids) == 0 {
		return nil, ctx.Err()
	}
	var f filter
	f.hostOrders(ids)
	gs, err := gates.list(ctx, s.reader(), f, 0)
	return gs, opError(ctx, "read gates", err)
}

// SaveCancellations implements [cancel.Store].
func (s *Store) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	return s.save(ctx, "save cancellations", func(p *plan) error {
		for _, c := range cs {
			if err := write(p, c.Writes); err != nil {
				return err
			}
			if err := cancellations.put(p, c.Cancellations...); err != nil {
				return err
			}
			if err := gates.put(p, c.Gates...); err != nil {
				return err
			}
			if err := requests.put(p, c.Requests...); err != nil {
				return err
			}
			if err := entries.put(p, c.Entries...); err != nil {
				return err
			}
		}
		return nil
	})
}

var rmas = newTable("takeback_rmas", 1,
	[]string{"id", "source_rma", "status", "look_at"},
	[]string{"company", "host_order", "account", "number", "created_at"},
	"created_at, id",
	func(r rma.RMA) []any {
		return []any{string(r.ID), r.OrderSourceRMANumber, string(r.Status), wanted(r.LookAt),
			string(r.HostOrder.Company), r.HostOrder.Number, string(r.Order.Account), r.Order.Number, instant(r.Created.At)}
	},
	func(r *rma.RMA) *int64 { return &r.Version })

// RMAs implements [rma.Store].
func (s *Store) RMAs(ctx context.Context, q rma.Query) ([]rma.RMA, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	f.hostOrders(q.HostOrders)
	f.wantedBy("look_at", q.LookBy)
	f.company(q.Company)
	in(&f, "status", q.Statuses)
	f.after(rmas.order, q.After.CreatedAt, string(q.After.ID))
	rs, err := rmas.list(ctx, s.reader(), f, q.Limit)
	return rs, opError(ctx, "read RMAs", err)
}

// SaveRMAs implements [rma.Store].
func (s *Store) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	return s.save(ctx, "save RMAs", func(p *plan) error {
		for _, c := range cs {
			if err := write(p, c.Writes); err != nil {
				return err
			}
			if err := rmas.put(p, c.RMAs...); err != nil {
				return err
			}
			if err := returns.put(p, c.Returns...); err != nil {
				return err
			}
		}
		return nil
	})
}

var returns = newTable("takeback_returns", 1,
	[]string{"id"},
	[]string{"state", "company", "account", "number", "first_at"},
	"first_at, id",
	func(r rma.Return) []any {
		return []any{string(r.ID), string(r.State), string(r.Company), string(r.Order.Account), r.Order.Number, instant(r.First.At)}
	},
	func(r *rma.Return) *int64 { return &r.Version })

// Returns implements [rma.Store].
func (s *Store) Returns(ctx context.Context, q rma.ReturnQuery) ([]rma.Return, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	in(&f, "state", q.States)
	among(&f, "account", q.Accounts)
	f.company(q.Company)
	f.after(returns.order, q.After.CreatedAt, string(q.After.ID))
	rs, err := returns.list(ctx, s.reader(), f, q.Limit)
	return rs, opError(ctx, "read returns", err)
}

var requests = newTable("takeback_requests", 3,
	[]string{"account", "number", "item", "look_at"},
	[]string{"company", "state", "deadline"},
	"deadline, account, number, item",
	func(r cancel.BuyerRequest) []any {
		return []any{string(r.Order.Account), r.Order.Number, r.Item, wanted(r.LookAt),
			string(r.HostOrder.Company), string(r.State), instant(r.Deadline)}
	},
	func(r *cancel.BuyerRequest) *int64 { return &r.Version })

// BuyerRequests implements [cancel.Store].
func (s *Store) BuyerRequests(ctx context.Context, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
	var f filter
	f.orders(q.Orders)
	f.wantedBy("look_at", q.LookBy)
	among(&f, "state", q.States)
	f.company(q.Company)
	rs, err := requests.list(ctx, s.reader(), f, q.Limit)
	return rs, opError(ctx, "read buyer requests", err)
}

var settlements = newTable("takeback_settlements", 2,
	[]string{"account", "settlement"},
	[]string{"company", "currency", "start_at"},
	"start_at, account, settlement",
	func(s settlement.Settlement) []any {
		return []any{string(s.ID.Account), s.ID.Number, string(s.Company), string(s.Currency), instant(s.Start)}
	},
	func(s *settlement.Settlement) *int64 { return &s.Version })

// Settlements implements [settlement.Store].
func (s *Store) Settlements(ctx context.Context, q settlement.Query) ([]settlement.Settlement, error) {
	var f filter
	f.settlements(q.IDs)
	among(&f, "account", q.Accounts)
	among(&f, "currency", q.Currencies)
	f.company(q.Company)
	ss, err := settlements.list(ctx, s.reader(), f, q.Limit)
	return ss, opError(ctx, "read settlements", err)
}

// SaveSettlement implements [settlement.Store].
func (s *Store) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	return s.save(ctx, "save settlement", func(p *plan) error { return settlements.put(p, row) })
}

var bookings = newTable("takeback_bookings", 1,
	[]string{"id"},
	[]string{"company", "account", "number", "settlement", "result", "posted_at"},
	"posted_at, id",
	func(b settlement.Booking) []any {
		return []any{b.ID, string(b.Company), string(b.Order.Account), b.Order.Number, b.Settlement.Number, string(b.Match), instant(b.PostedAt)}
	},
	func(b *settlement.Booking) *int64 { return &b.Version })

// Bookings implements [settlement.Store].
func (s *Store) Bookings(ctx context.Context, q settlement.BookingQuery) ([]settlement.Booking, error) {
	var f filter
	in(&f, "id", q.IDs)
	f.orders(q.Orders)
	f.settlements(q.Settlements)
	among(&f, "result", q.Matches)
	among(&f, "account", q.Accounts)
	f.company(q.Company)
	f.after(bookings.order, q.After.PostedAt, q.After.ID)
	bs, err := bookings.list(ctx, s.reader(), f, q.Limit)
	return bs, opError(ctx, "read bookings", err)
}

// SaveBookings implements [settlement.Store].
func (s *Store) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	return s.save(ctx, "save bookings", func(p *plan) error {
		for _, c := range cs {
			if err := write(p, c.Writes); err != nil {
				return err
			}
			if err := bookings.put(p, c.Bookings...); err != nil {
				return err
			}
			if err := refunds.put(p, c.Refunds...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Cells implements [store.Cells].
func (s *Store) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	if len(names) == 0 {
		return nil, ctx.Err()
	}
	var f filter
	in(&f, "name", names)
	query, args := f.query("SELECT name, version, data FROM takeback_cells", "name", 0)
	cs, err := collect(ctx, s.reader(), func(rows *sql.Rows) (c store.Cell, err error) {
		err = rows.Scan(&c.Name, &c.Version, &c.Data)
		return c, err
	}, query, args...)
	return cs, opError(ctx, "read cells", err)
}

// SaveCell implements [store.Cells].
func (s *Store) SaveCell(ctx context.Context, c store.Cell) error {
	stmt := "UPDATE takeback_cells SET data = ?2, version = version + 1 WHERE name = ?1 AND version = ?3"
	if c.Version == 0 {
		stmt = "INSERT INTO takeback_cells (name, data, version) VALUES (?1, ?2, ?3 + 1) ON CONFLICT DO NOTHING"
	}
	return s.save(ctx, "save cell", func(p *plan) error {
		p.add(step{stmt: stmt, args: []any{c.Name, c.Data, c.Version},
			none: fmt.Errorf("cell %q read at version %d: %w", c.Name, c.Version, store.ErrConflict)})
		return nil
	})
}
