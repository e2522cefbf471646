package sqlite

import (
	"context"
	"slices"

	"github.com/takebackhq/takeback/refund/settlement"
)

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
	f := search{limit: q.Limit}
	f.named.settlements(q.IDs)
	if len(q.Accounts) > 0 {
		f.by("takeback_settlements_of_account", oneOf("account", q.Accounts...))
	}
	among(&f.rest, "account", q.Accounts)
	among(&f.rest, "currency", q.Currencies)
	f.rest.company(q.Company)
	f.rest.after(settlements.order, q.After.Start, string(q.After.ID.Account), q.After.ID.Number)
	ss, err := settlements.find(ctx, s.reader(), f)
	return ss, opError(ctx, "read settlements", err)
}

// SaveSettlement implements [settlement.Store].
func (s *Store) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	return s.save(ctx, "save settlement", func(p *plan) error { return settlements.put(p, row) })
}

var bookings = newTable("takeback_bookings", 1,
	[]string{"id"},
	[]string{"company", "account", "number", "settlement", "settlement_account", "result", "posted_at"},
	"posted_at, id",
	func(b settlement.Booking) []any {
		return []any{b.ID, string(b.Company), string(b.Order.Account), b.Order.Number,
			b.Settlement.Number, string(b.Settlement.Account), string(b.Match), instant(b.PostedAt)}
	},
	func(b *settlement.Booking) *int64 { return &b.Version })

// Bookings implements [settlement.Store].
func (s *Store) Bookings(ctx context.Context, q settlement.BookingQuery) ([]settlement.Booking, error) {
	f := search{limit: q.Limit}
	in(&f.named, "id", q.IDs)
	f.named.orders(q.Orders)
	accounts, matches := oneOf("account", q.Accounts...), oneOf("result", q.Matches...)
	switch {
	case len(q.Settlements) > 0:
		f.among("takeback_bookings_of_settlement", inSettlements(q.Settlements))
		f.rest.and("("+f.rest.wide("settlement_account")+", "+f.rest.wide("settlement")+")"+arePairs, jsonText(q.Settlements))
	case len(q.Accounts) > 0 && len(q.Matches) > 0:
		f.by("takeback_bookings_by_result", accounts, matches)
	case len(q.Accounts) > 0:
		f.by("takeback_bookings_of_account", accounts)
	case q.Company != "" && len(q.Matches) > 0:
		f.by("takeback_bookings_by_company_result", oneOf("company", q.Company), matches)
	}
	among(&f.rest, "result", q.Matches)
	among(&f.rest, "account", q.Accounts)
	f.rest.company(q.Company)
	f.rest.after(bookings.order, q.After.PostedAt, q.After.ID)
	bs, err := bookings.find(ctx, s.reader(), f)
	return bs, opError(ctx, "read bookings", err)
}

// inSettlements are the stretches of the index of settlements that have the bookings
// of these.
func inSettlements(ids []settlement.ID) []filter {
	var parts []filter
	for _, id := range ids {
		part := stretches(oneOf("settlement_account", id.Account), oneOf("settlement", id.Number))
		if !slices.ContainsFunc(parts, func(f filter) bool { return slices.Equal(f.args, part[0].args) }) {
			parts = append(parts, part...)
		}
	}
	if len(parts) > maxStretches {
		return nil
	}
	return parts
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
