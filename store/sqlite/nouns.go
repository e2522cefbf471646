package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

var refunds = newTable("takeback_refunds", 1,
	[]string{"id", "host_order", "origin", "key", "currency"},
	[]string{"open", "company", "account", "number", "rma", "issued_at"},
	"issued_at, id",
	func(r refund.Refund) []any {
		return []any{string(r.ID), r.HostOrder.Number, string(r.Origin), r.Key, string(r.Currency),
			r.Open(), string(r.HostOrder.Company), string(r.Order.Account), r.Order.Number, r.RMA, instant(r.Issued.At)}
	},
	func(r *refund.Refund) *int64 { return &r.Version })

// Refunds implements [refund.Store].
func (s *Store) Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error) {
	f := search{limit: q.Limit}
	in(&f.named, "id", q.IDs)
	f.named.orders(q.Orders)
	if q.RMA != "" {
		f.named.few("rma = ?", q.RMA)
	}
	switch {
	case len(q.Accounts) > 0 && q.Open:
		f.by("takeback_refunds_open", oneOf("account", q.Accounts...))
	case len(q.Accounts) > 0:
		f.by("takeback_refunds_of_account", oneOf("account", q.Accounts...))
	case q.Company != "" && q.Open:
		f.by("takeback_refunds_open_of_company", oneOf("company", q.Company))
	}
	if q.Open {
		f.rest.and("open = 1")
	}
	among(&f.rest, "account", q.Accounts)
	f.rest.company(q.Company)
	f.rest.after(refunds.order, q.After.IssuedAt, string(q.After.ID))
	rs, err := refunds.find(ctx, s.reader(), f)
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
	f := search{limit: q.Limit}
	f.named.orders(q.Orders)
	f.named.wantedBy("look_at", q.LookBy)
	states := oneOf("state", q.States...)
	switch {
	case q.Company != "" && len(q.States) > 0:
		f.by("takeback_requests_by_company_state", oneOf("company", q.Company), states)
	case len(q.States) > 0:
		f.by("takeback_requests_by_state", states)
	}
	among(&f.rest, "state", q.States)
	f.rest.company(q.Company)
	f.rest.after(requests.order, q.After.Deadline, string(q.After.Key.Order.Account), q.After.Key.Order.Number, q.After.Key.Item)
	rs, err := requests.find(ctx, s.reader(), f)
	return rs, opError(ctx, "read buyer requests", err)
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
	f := search{limit: q.Limit}
	in(&f.named, "id", q.IDs)
	f.named.orders(q.Orders)
	f.named.hostOrders(q.HostOrders)
	f.named.wantedBy("look_at", q.LookBy)
	if q.Company != "" && len(q.Statuses) > 0 {
		f.by("takeback_rmas_by_status", oneOf("company", q.Company), oneOf("status", q.Statuses...))
	}
	among(&f.rest, "status", q.Statuses)
	f.rest.company(q.Company)
	f.rest.after(rmas.order, q.After.CreatedAt, string(q.After.ID))
	rs, err := rmas.find(ctx, s.reader(), f)
	return rs, opError(ctx, "read RMAs", err)
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
	f := search{limit: q.Limit}
	in(&f.named, "id", q.IDs)
	f.named.orders(q.Orders)
	states := oneOf("state", q.States...)
	switch {
	case len(q.Accounts) > 0 && len(q.States) > 0:
		f.by("takeback_returns_by_state", oneOf("account", q.Accounts...), states)
	case len(q.Accounts) > 0:
		f.by("takeback_returns_of_account", oneOf("account", q.Accounts...))
	case q.Company != "" && len(q.States) > 0:
		f.by("takeback_returns_by_company_state", oneOf("company", q.Company), states)
	}
	among(&f.rest, "account", q.Accounts)
	among(&f.rest, "state", q.States)
	f.rest.company(q.Company)
	f.rest.after(returns.order, q.After.CreatedAt, string(q.After.ID))
	rs, err := returns.find(ctx, s.reader(), f)
	return rs, opError(ctx, "read returns", err)
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
