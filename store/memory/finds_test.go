package memory_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store/memory"
)

// kept is a noun whose rows are saved, saved anew and asked for.
type kept[T, Q any] struct {
	row     func(t *rapid.T) T
	name    func(T) string
	version func(*T) *int64
	order   func(T) (time.Time, string)
	query   func(t *rapid.T) Q
	match   func(Q, T) bool
	limit   func(Q) int
	save    func(st *memory.Store, row T) error
	read    func(st *memory.Store, q Q) ([]T, error)
}

// check saves rows in any order, and compares what queries answer with what they say.
func (k kept[T, Q]) check(t *rapid.T) {
	st, rows := memory.New(), map[string]T{}
	for range rapid.IntRange(0, 60).Draw(t, "saves") {
		row := k.row(t)
		*k.version(&row) = 0
		if there, ok := rows[k.name(row)]; ok {
			*k.version(&row) = *k.version(&there)
		}
		require.NoError(t, k.save(st, row))
		*k.version(&row)++
		rows[k.name(row)] = row
	}
	for range 10 {
		q := k.query(t)
		want := slices.DeleteFunc(slices.Collect(maps.Values(rows)), func(row T) bool { return !k.match(q, row) })
		slices.SortFunc(want, func(a, b T) int {
			at, name := k.order(a)
			bt, other := k.order(b)
			return cmp.Or(at.Compare(bt), strings.Compare(name, other))
		})
		if n := k.limit(q); n > 0 && n < len(want) {
			want = want[:n]
		}
		got, err := k.read(st, q)
		require.NoError(t, err)
		assert.Empty(t, gocmp.Diff(want, got, cmpopts.EquateEmpty()), "%+v", q)
	}
}

func drawnOrder(t *rapid.T) order.AmazonID {
	return order.AmazonID{Account: drawnAccount(t), Number: fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "number"))}
}

func drawnTime(t *rapid.T, of string) time.Time {
	if n := rapid.IntRange(0, 4).Draw(t, of); n > 0 {
		return noon.Add(time.Duration(n))
	}
	return time.Time{}
}

// some draws a list of what one draw gives, which is often empty.
func some[T any](t *rapid.T, of string, draw func(*rapid.T) T) []T {
	var out []T
	for range max(0, rapid.IntRange(-2, 2).Draw(t, of)) {
		out = append(out, draw(t))
	}
	return out
}

func one[T any](of string, values ...T) func(*rapid.T) T {
	return func(t *rapid.T) T { return rapid.SampledFrom(values).Draw(t, of) }
}

func drawnID(t *rapid.T) string { return fmt.Sprint("ID", rapid.IntRange(0, 20).Draw(t, "ID")) }

func drawnLimit(t *rapid.T) int { return rapid.IntRange(0, 5).Draw(t, "limit") }

var company = one[order.CompanyID]("company", "", "acme", "other")

// saveOn is the version of the head that a save about an order is on.
func saveOn(st *memory.Store, t *rapid.T, id order.AmazonID) order.Writes {
	ls, err := st.Ledgers(t.Context(), []order.AmazonID{id})
	require.NoError(t, err)
	return order.Writes{Order: id, Version: ls[0].Version}
}

func TestReturnsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := one("state", rma.ReturnUnmatched, rma.ReturnMatched, rma.ReturnAmbiguous)
		kept[rma.Return, rma.ReturnQuery]{
			row: func(t *rapid.T) rma.Return {
				return rma.Return{ID: rma.ID(drawnID(t)), Company: company(t), Order: drawnOrder(t), State: state(t), First: order.Stamp{At: drawnTime(t, "first")}}
			},
			name:    func(r rma.Return) string { return string(r.ID) },
			version: func(r *rma.Return) *int64 { return &r.Version },
			order:   func(r rma.Return) (time.Time, string) { return r.First.At, string(r.ID) },
			query: func(t *rapid.T) rma.ReturnQuery {
				return rma.ReturnQuery{
					Company: company(t), Accounts: some(t, "accounts", drawnAccount), Orders: some(t, "orders", drawnOrder), States: some(t, "states", state), Limit: drawnLimit(t),
				}
			},
			match: rma.ReturnQuery.Match, limit: func(q rma.ReturnQuery) int { return q.Limit },
			save: func(st *memory.Store, r rma.Return) error {
				return st.SaveRMAs(t.Context(), []rma.Change{{Returns: []rma.Return{r}, Writes: saveOn(st, t, r.Order)}})
			},
			read: func(st *memory.Store, q rma.ReturnQuery) ([]rma.Return, error) { return st.Returns(t.Context(), q) },
		}.check(t)
	})
}

func TestWishesAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := one("state", cancel.Undecided, cancel.RequestOver, cancel.RequestDeclined)
		kept[cancel.BuyerRequest, cancel.RequestQuery]{
			row: func(t *rapid.T) cancel.BuyerRequest {
				return cancel.BuyerRequest{
					Order: drawnOrder(t), Item: drawnID(t), HostOrder: order.ID{Company: company(t)}, State: state(t),
					Deadline: drawnTime(t, "deadline"), LookAt: drawnTime(t, "look at"),
				}
			},
			name:    func(r cancel.BuyerRequest) string { return r.Order.String() + " " + r.Item },
			version: func(r *cancel.BuyerRequest) *int64 { return &r.Version },
			order: func(r cancel.BuyerRequest) (time.Time, string) {
				return r.Deadline, r.Order.String() + " " + r.Item
			},
			query: func(t *rapid.T) cancel.RequestQuery {
				return cancel.RequestQuery{
					Company: company(t), Orders: some(t, "orders", drawnOrder), States: some(t, "states", state), LookBy: drawnTime(t, "look by"), Limit: drawnLimit(t),
				}
			},
			match: cancel.RequestQuery.Match, limit: func(q cancel.RequestQuery) int { return q.Limit },
			save: func(st *memory.Store, r cancel.BuyerRequest) error {
				return st.SaveCancellations(t.Context(), []cancel.Change{{Requests: []cancel.BuyerRequest{r}, Writes: saveOn(st, t, r.Order)}})
			},
			read: func(st *memory.Store, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
				return st.BuyerRequests(t.Context(), q)
			},
		}.check(t)
	})
}

func TestBookingsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		match := one("match", settlement.MatchSettled, settlement.MatchUnknownOrder)
		of := func(t *rapid.T) settlement.ID {
			return settlement.ID{Account: drawnAccount(t), Number: one("settlement", "1", "2")(t)}
		}
		kept[settlement.Booking, settlement.BookingQuery]{
			row: func(t *rapid.T) settlement.Booking {
				return settlement.Booking{ID: drawnID(t), Company: company(t), Order: drawnOrder(t), Settlement: of(t), Match: match(t), PostedAt: drawnTime(t, "posted")}
			},
			name:    func(b settlement.Booking) string { return b.ID },
			version: func(b *settlement.Booking) *int64 { return &b.Version },
			order:   func(b settlement.Booking) (time.Time, string) { return b.PostedAt, b.ID },
			query: func(t *rapid.T) settlement.BookingQuery {
				return settlement.BookingQuery{
					Company: company(t), Accounts: some(t, "accounts", drawnAccount), Orders: some(t, "orders", drawnOrder),
					Settlements: some(t, "settlements", of), Matches: some(t, "matches", match), Limit: drawnLimit(t),
				}
			},
			match: settlement.BookingQuery.Match, limit: func(q settlement.BookingQuery) int { return q.Limit },
			save: func(st *memory.Store, b settlement.Booking) error {
				return st.SaveBookings(t.Context(), []settlement.Change{{Bookings: []settlement.Booking{b}, Writes: saveOn(st, t, b.Order)}})
			},
			read: func(st *memory.Store, q settlement.BookingQuery) ([]settlement.Booking, error) {
				return st.Bookings(t.Context(), q)
			},
		}.check(t)
	})
}

func TestRefundsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rmaOf, outcome := one("RMA", "", "RM1", "RM2"), one("outcome", refund.LineOpen, refund.LinePosted, refund.LineVoided)
		proof := one("proof", refund.Unproven, refund.Settled, refund.Missing)
		kept[refund.Refund, refund.Query]{
			row: func(t *rapid.T) refund.Refund {
				return refund.Refund{
					ID: queue.EntryID(drawnID(t)), HostOrder: order.ID{Company: company(t)}, Order: drawnOrder(t), RMA: rmaOf(t),
					Lines: []refund.Line{{Outcome: outcome(t), Proof: proof(t)}}, Issued: order.Stamp{At: drawnTime(t, "issued")},
				}
			},
			name:    func(r refund.Refund) string { return string(r.ID) },
			version: func(r *refund.Refund) *int64 { return &r.Version },
			order:   func(r refund.Refund) (time.Time, string) { return r.Issued.At, string(r.ID) },
			query: func(t *rapid.T) refund.Query {
				return refund.Query{
					Company: company(t), Orders: some(t, "orders", drawnOrder), RMA: rmaOf(t), Accounts: some(t, "accounts", drawnAccount),
					Open: rapid.Bool().Draw(t, "open"), Limit: drawnLimit(t),
				}
			},
			match: refund.Query.Match, limit: func(q refund.Query) int { return q.Limit },
			save: func(st *memory.Store, r refund.Refund) error {
				return st.SaveRefunds(t.Context(), []refund.Change{{Refunds: []refund.Refund{r}, Writes: saveOn(st, t, r.Order)}})
			},
			read: func(st *memory.Store, q refund.Query) ([]refund.Refund, error) { return st.Refunds(t.Context(), q) },
		}.check(t)
	})
}
