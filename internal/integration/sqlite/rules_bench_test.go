package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
)

// What reads of returns, wishes, bookings and open refunds cost beside 100,000 rows
// of each, all of the account that is asked about: a page of 100, at the end of the
// list too.
func BenchmarkReadsBeside100000(b *testing.B) {
	const rows = 100_000
	st, _ := openStore(b, newFile(b))
	at := func(n int) order.Stamp { return order.Stamp{By: "import", At: day.Add(time.Duration(n) * time.Second)} }
	id := func(n int) order.AmazonID { return order.AmazonID{Account: "us", Number: fmt.Sprint(n)} }
	host := func(n int) order.ID { return order.ID{Company: "acme", Number: fmt.Sprint("SO-", n)} }
	const atOnce = 10_000
	for from := 0; from < rows; from += atOnce {
		var returns []rma.Change
		var wishes []cancel.Change
		var booked []settlement.Change
		for n := from; n < from+atOnce; n++ {
			w := order.Writes{Order: id(n)}
			returns = append(returns, rma.Change{Writes: w, Returns: []rma.Return{{
				ID: rma.ID(fmt.Sprintf("RT%06d", n)), Company: "acme", Order: id(n), State: rma.ReturnUnmatched, First: at(n),
			}}})
			w.Version++
			wishes = append(wishes, cancel.Change{Writes: w, Requests: []cancel.BuyerRequest{{
				Order: id(n), Item: "1", HostOrder: host(n), State: cancel.Undecided, Deadline: at(n).At, LookAt: at(n).At,
			}}})
			w.Version++
			booked = append(booked, settlement.Change{Writes: w, Bookings: []settlement.Booking{{
				ID: fmt.Sprintf("us/1/%06d", n), Company: "acme", Order: id(n), Settlement: settlement.ID{Account: "us", Number: "1"},
				Match: settlement.MatchUnknownOrder, PostedAt: at(n).At,
			}}, Refunds: []refund.Refund{{
				ID: queue.EntryID(fmt.Sprintf("RF%06d", n)), HostOrder: host(n), Order: id(n), Issued: at(n), Lines: []refund.Line{{Outcome: refund.LinePosted}},
			}}})
		}
		require.NoError(b, st.SaveRMAs(b.Context(), returns))
		require.NoError(b, st.SaveCancellations(b.Context(), wishes))
		require.NoError(b, st.SaveBookings(b.Context(), booked))
	}
	accounts, last := []order.AccountID{"us"}, at(rows-101).At
	for _, read := range []struct {
		name string
		read func() (int, error)
	}{
		{"returns", func() (int, error) {
			rs, err := st.Returns(b.Context(), rma.ReturnQuery{Accounts: accounts, States: []rma.ReturnState{rma.ReturnUnmatched, rma.ReturnAmbiguous}, Limit: 100,
				After: rma.Cursor{CreatedAt: last, ID: "RT099899"}})
			return len(rs), err
		}},
		{"wishes", func() (int, error) {
			rs, err := st.BuyerRequests(b.Context(), cancel.RequestQuery{Company: "acme", States: []cancel.RequestState{cancel.Undecided}, Limit: 100})
			return len(rs), err
		}},
		{"wishes due", func() (int, error) {
			rs, err := st.BuyerRequests(b.Context(), cancel.RequestQuery{LookBy: day.Add(99 * time.Second), Limit: 100})
			return len(rs), err
		}},
		{"bookings", func() (int, error) {
			bs, err := st.Bookings(b.Context(), settlement.BookingQuery{Settlements: []settlement.ID{{Account: "us", Number: "1"}}, Limit: 100,
				After: settlement.BookingCursor{PostedAt: last, ID: "us/1/099899"}})
			return len(bs), err
		}},
		{"bookings of unknown orders", func() (int, error) {
			bs, err := st.Bookings(b.Context(), settlement.BookingQuery{Accounts: accounts, Matches: []settlement.Match{settlement.MatchUnknownOrder}, Limit: 100})
			return len(bs), err
		}},
		{"open refunds", func() (int, error) {
			rs, err := st.Refunds(b.Context(), refund.Query{Accounts: accounts, Open: true, Limit: 100, After: refund.Cursor{IssuedAt: last, ID: "RF099899"}})
			return len(rs), err
		}},
	} {
		b.Run(read.name, func(b *testing.B) {
			for b.Loop() {
				n, err := read.read()
				require.NoError(b, err)
				require.Equal(b, 100, n)
			}
		})
	}
}
