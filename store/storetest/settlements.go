package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund/settlement"
)

func settlementRow(n int) settlement.Settlement {
	return settlement.Settlement{
		ID: settlement.ID{Account: "SELLER-US", Number: fmt.Sprintf("1%010d", n)}, Company: "company",
		Report: amazon.ReportMeta{ID: "50001", Type: "ATypeOfTheFuture", Name: "settlement.txt", AsOf: at(n), ContentType: "text/plain; charset=Cp1252"},
		Start:  at(n), End: at(n + 1), Deposit: at(n + 2), Currency: "KWD",
		Total: digits("12345678901234567890.10"), Sum: digits("-0.001"), Rows: 58_000, Bad: 1, Done: true, Imported: stamp(n),
	}
}

var settlementNoun = noun[settlement.Settlement]{
	name: "settlements", row: settlementRow, alone: true,
	version: func(s *settlement.Settlement) *int64 { return &s.Version },
	spoil:   func(s *settlement.Settlement) { s.Report.Name, s.Imported.Why = "spoilt", "spoilt" },
	read: func(ctx context.Context, st takeback.Store, rows []settlement.Settlement) ([]settlement.Settlement, error) {
		var q settlement.Query
		for _, s := range rows {
			q.IDs = append(q.IDs, s.ID)
		}
		return st.Settlements(ctx, q)
	},
	save: func(ctx context.Context, st takeback.Store, rows []settlement.Settlement, _ []order.Writes) error {
		return st.SaveSettlement(ctx, rows[0])
	},
}

func settlementList() list[settlement.Settlement, settlement.Query] {
	var rows []settlement.Settlement
	for i, p := range places {
		s := settlementRow(p.id)
		host, ord := spread(i)
		s.Company, s.ID.Account = host.Company, ord.Account
		s.Start, s.Currency = p.at, []order.Currency{"USD", "CAD", "MXN"}[i%3]
		rows = append(rows, s)
	}
	// Three have one start: by account, then by number.
	rows[1].ID, rows[2].ID = settlement.ID{Account: "SELLER-0", Number: "2"}, settlement.ID{Account: "SELLER-0", Number: "3"}
	rows[3].ID = settlement.ID{Account: "SELLER-1", Number: "1"}
	host, ord := spread(0)
	_, other := spread(1)
	return list[settlement.Settlement, settlement.Query]{
		name: "settlements", rows: rows, match: settlement.Query.Match,
		version: func(s *settlement.Settlement) *int64 { return &s.Version },
		read: func(ctx context.Context, st takeback.Store, q settlement.Query) ([]settlement.Settlement, error) {
			return st.Settlements(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, s settlement.Settlement) error {
			return st.SaveSettlement(t.Context(), s)
		},
		page: func(q settlement.Query, after *settlement.Settlement, limit int) settlement.Query {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) settlement.Query {
			var q settlement.Query
			for i := range n {
				q.IDs = append(q.IDs, settlement.ID{Account: "unknown", Number: fmt.Sprint(i)})
			}
			for i, s := range rows {
				q.IDs[(i+1)*n/(len(rows)+1)] = s.ID
			}
			return q
		},
		queries: []named[settlement.Query]{
			{"all", settlement.Query{}},
			{"IDs", settlement.Query{IDs: []settlement.ID{rows[2].ID, rows[7].ID, {Account: rows[7].ID.Account, Number: "unknown"}}}},
			{"Company", settlement.Query{Company: host.Company}},
			{"Accounts", settlement.Query{Accounts: []order.AccountID{ord.Account, "unknown", ord.Account}}},
			{"several Accounts", settlement.Query{Accounts: []order.AccountID{other.Account, ord.Account}}},
			{"Currencies", settlement.Query{Currencies: []order.Currency{"USD", "MXN"}}},
			{"together", settlement.Query{Company: host.Company, Accounts: []order.AccountID{ord.Account}, Currencies: []order.Currency{"USD", "MXN"}}},
		},
	}
}

func bookingRow(n int) settlement.Booking {
	return settlement.Booking{
		ID: fmt.Sprintf("SELLER-US/1/%03d", n), Company: "company", Order: amazonOrder(n), Settlement: settlementRow(1).ID,
		Rows: []int{7, 9}, Kind: "Refund - Reversal", Item: "12345678901234", SKU: "SKU-1",
		AdjustmentID: "amzn1:crow:+/ab", MerchantAdjustmentID: "1234567890123456789", PostedAt: at(n), Currency: "KWD",
		Amounts:            order.Amounts{order.Principal: digits("12345678901234567890.10"), "AComponentOfTheFuture": digits("-0.001")},
		CommissionReturned: digits("9.63"), CommissionKept: digits("-1.930"), OtherFees: digits("0.29"), WithheldTax: digits("-1"), Net: digits("-52.01"),
		Match: "AMatchOfTheFuture", Refund: "RF001", RefundItem: "12345678901234",
		Difference: order.Amounts{order.Tax: digits("0.10")}, Matched: stamp(n),
	}
}

var bookingNoun = noun[settlement.Booking]{
	name: "bookings", row: bookingRow,
	version: func(b *settlement.Booking) *int64 { return &b.Version },
	spoil: func(b *settlement.Booking) {
		b.Rows[0] = 0
		b.Amounts[order.Principal] = decimal.Zero
		b.Difference[order.Tax] = decimal.Zero
	},
	about: func(b settlement.Booking) order.AmazonID { return b.Order },
	read: func(ctx context.Context, st takeback.Store, rows []settlement.Booking) ([]settlement.Booking, error) {
		var q settlement.BookingQuery
		for _, b := range rows {
			q.IDs = append(q.IDs, b.ID)
		}
		return st.Bookings(ctx, q)
	},
	save: func(ctx context.Context, st takeback.Store, rows []settlement.Booking, ws []order.Writes) error {
		var cs []settlement.Change
		for i, b := range rows {
			cs = append(cs, settlement.Change{Bookings: []settlement.Booking{b}, Writes: ws[i]})
		}
		return st.SaveBookings(ctx, cs)
	},
}

func bookingList() list[settlement.Booking, settlement.BookingQuery] {
	var rows []settlement.Booking
	for i, p := range places {
		b := bookingRow(p.id)
		host, ord := spread(i)
		b.Company, b.Order = host.Company, ord
		b.PostedAt, b.Match = p.at, []settlement.Match{settlement.MatchSettled, settlement.MatchDoubled, "Future"}[i%3]
		b.Settlement = settlement.ID{Account: ord.Account, Number: fmt.Sprint(i % 4 / 2)}
		rows = append(rows, b)
	}
	rows[9].Settlement.Account = "another" // than that of its order
	id := func(b settlement.Booking) string { return b.ID }
	host, ord := spread(0)
	_, other := spread(1)
	matches := []settlement.Match{"Future", settlement.MatchSettled, "Future"}
	settled := []settlement.ID{rows[0].Settlement, rows[9].Settlement, {Account: "unknown", Number: "0"}, rows[0].Settlement}
	return list[settlement.Booking, settlement.BookingQuery]{
		name: "bookings", rows: rows, match: settlement.BookingQuery.Match,
		version: func(b *settlement.Booking) *int64 { return &b.Version },
		read: func(ctx context.Context, st takeback.Store, q settlement.BookingQuery) ([]settlement.Booking, error) {
			return st.Bookings(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, b settlement.Booking) error {
			return st.SaveBookings(t.Context(), []settlement.Change{{Bookings: []settlement.Booking{b}, Writes: writes(t, st, b.Order)[0]}})
		},
		page: func(q settlement.BookingQuery, after *settlement.Booking, limit int) settlement.BookingQuery {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) settlement.BookingQuery { return settlement.BookingQuery{IDs: fillIDs(rows, id, n)} },
		queries: []named[settlement.BookingQuery]{
			{"all", settlement.BookingQuery{}},
			{"IDs", settlement.BookingQuery{IDs: []string{rows[2].ID, rows[7].ID, "unknown"}}},
			{"Company", settlement.BookingQuery{Company: host.Company}},
			{"Accounts", settlement.BookingQuery{Accounts: []order.AccountID{ord.Account, "unknown", ord.Account}}},
			{"several Accounts", settlement.BookingQuery{Accounts: []order.AccountID{other.Account, ord.Account}}},
			{"Orders", settlement.BookingQuery{Orders: []order.AmazonID{ord, other}}},
			{"Settlements", settlement.BookingQuery{Settlements: settled}},
			{"Settlements of an order", settlement.BookingQuery{Settlements: settled, Orders: []order.AmazonID{ord}}},
			{"Matches", settlement.BookingQuery{Matches: matches}},
			{"Matches of accounts", settlement.BookingQuery{Matches: matches, Accounts: []order.AccountID{ord.Account, other.Account}}},
			{"Matches of a company", settlement.BookingQuery{Matches: matches, Company: host.Company}},
			{"together", settlement.BookingQuery{Company: host.Company, Accounts: []order.AccountID{ord.Account}, Settlements: settled, Matches: matches}},
		},
	}
}
