package cancel_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// unshipped is an unshipped-orders report: of each row the order, the item, the flag
// and the reason.
func unshipped(rows ...[4]string) string {
	return report("is-buyer-requested-cancellation", rows...)
}

func report(column string, rows ...[4]string) string {
	lines := []string{"order-id\torder-item-id\tpurchase-date\tquantity-to-ship\t" + column + "\tbuyer-requested-cancel-reason"}
	for _, r := range rows {
		lines = append(lines, strings.Join([]string{r[0], r[1], "2026-03-01T10:00:00+00:00", "1", r[2], r[3]}, "\t"))
	}
	return strings.Join(lines, "\n") + "\n"
}

// asks is a row in which the buyer wishes to cancel an item of the first order.
func asks(item string) [4]string { return [4]string{first.Number, item, "true", "Changed mind."} }

// imports imports an order report, which must work.
func (s *shop) imports(file string) cancel.OrdersImported {
	s.t.Helper()
	return s.importsAt(file, time.Time{})
}

func (s *shop) importsAt(file string, asOf time.Time) cancel.OrdersImported {
	s.t.Helper()
	in, err := s.ImportOrders(s.t.Context(), account, "", amazon.ReportMeta{Name: "orders.txt", AsOf: asOf}, strings.NewReader(file))
	require.NoError(s.t, err)
	assert.Empty(s.t, in.BadRows)
	s.deliver()
	return in
}

// wishes are the wishes about the first order, by item.
func (s *shop) wishes() map[string]cancel.BuyerRequest {
	s.t.Helper()
	rs, err := s.BuyerRequests(s.t.Context(), cancel.RequestQuery{Orders: []order.AmazonID{first}})
	require.NoError(s.t, err)
	of := map[string]cancel.BuyerRequest{}
	for _, r := range rs {
		of[r.Item] = r
	}
	return of
}

// alerted are the keys of the alerts, up to the order that they are about.
func (s *shop) alerted() []string {
	s.t.Helper()
	as, err := s.store.Alerts(s.t.Context(), order.AlertQuery{})
	require.NoError(s.t, err)
	keys := []string{}
	for _, a := range as {
		keys = append(keys, strings.Split(a.Key, "/")[0])
	}
	return keys
}

// accepts grants wishes about the first order, which must work.
func (s *shop) accepts(items ...string) []cancel.Cancellation {
	s.t.Helper()
	cs, err := s.Accept(s.t.Context(), cancel.AcceptRequest{Order: first, Items: items, By: "anna", Why: "The buyer asked."})
	require.NoError(s.t, err)
	s.deliver()
	return cs
}

func (s *shop) declines(items ...string) {
	s.t.Helper()
	_, err := s.Decline(s.t.Context(), first, "anna", "It is packed.", items...)
	require.NoError(s.t, err)
	s.deliver()
}

func handOver(s *shop) {
	require.NoError(s.t, s.pass(first).HandOver(s.t.Context(), s.store, order.Stamp{By: "dock", At: morning}))
}

// What a wish does to the order, by how the host's order stands.
func TestBuyerRequestHolds(t *testing.T) {
	held := []order.HoldOwner{order.HeldByBuyer}
	for _, tt := range []struct {
		name   string
		order  func(*order.Order)
		before func(*shop)

		state  cancel.RequestState
		status order.Status
		holds  []order.HoldOwner
		may    bool
		alerts []string
	}{
		{name: "Unshipped and InProcess: OnHold", state: cancel.Undecided, status: order.StatusOnHold, holds: held, alerts: []string{}},
		{
			name: "the same with a dropship that is None", order: func(o *order.Order) { o.Dropship = order.DropshipNone },
			state: cancel.Undecided, status: order.StatusOnHold, holds: held, alerts: []string{},
		},
		{
			name: "and one that is Pending", order: func(o *order.Order) { o.Dropship = order.DropshipPending },
			state: cancel.Undecided, status: order.StatusOnHold, holds: held, alerts: []string{},
		},
		{
			name: "the supplier has it: note and alert", order: func(o *order.Order) { o.Dropship = "Sent" },
			state: cancel.RequestTooLate, status: order.StatusInProcess, may: true, alerts: []string{"buyer-late"},
		},
		{
			name: "OnHold by somebody else: our hold beside theirs",
			order: func(o *order.Order) {
				o.Status, o.Holds = order.StatusOnHold, []order.Hold{{Owner: order.HeldByHost, Why: "address"}}
			},
			state: cancel.Undecided, status: order.StatusOnHold, holds: []order.HoldOwner{order.HeldByHost, order.HeldByBuyer}, alerts: []string{"buyer-status"},
		},
		{
			name: "ProblemOrder: held and told, and stays one", order: func(o *order.Order) { o.Status = order.StatusProblemOrder },
			state: cancel.Undecided, status: order.StatusProblemOrder, holds: held, alerts: []string{"buyer-status"},
		},
		{
			name: "Completed: note and alert", order: func(o *order.Order) { o.Status = order.StatusCompleted },
			state: cancel.RequestTooLate, status: order.StatusCompleted, may: true, alerts: []string{"buyer-late"},
		},
		{
			name: "shipped: note and alert", order: func(o *order.Order) { o.Lines[0].Shipped, o.Lines[1].Shipped = 2, 1 },
			state: cancel.RequestTooLate, status: order.StatusInProcess, may: true, alerts: []string{"buyer-late"},
		},
		{
			name: "partially shipped: note and alert", order: func(o *order.Order) { o.Lines[0].Shipped = 1 },
			state: cancel.RequestTooLate, status: order.StatusInProcess, may: true, alerts: []string{"buyer-late"},
		},
		{
			name: "handed over at the gate: reported, not swallowed", before: handOver,
			state: cancel.RequestTooLate, status: order.StatusInProcess, may: true, alerts: []string{"buyer-late"},
		},
		{
			name: "cancelled already: nothing is left to do", order: func(o *order.Order) { o.Status = order.StatusCancelled },
			state: cancel.RequestOver, status: order.StatusCancelled, alerts: []string{},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := paid(so1, first)
			if tt.order != nil {
				tt.order(&o)
			}
			s := open(t, settings.Policy{}, o)
			if tt.before != nil {
				tt.before(s)
			}
			assert.Equal(t, 1, s.imports(unshipped(asks(mug))).New)

			r := s.wishes()[mug]
			assert.Equal(t, tt.state, r.State)
			assert.Equal(t, so1, r.HostOrder)
			assert.Equal(t, tt.status, s.order(so1).Status)
			var holds []order.HoldOwner
			for _, h := range s.order(so1).Holds {
				holds = append(holds, h.Owner)
			}
			assert.Equal(t, tt.holds, holds)
			assert.Equal(t, tt.may, s.pass(first).May)
			assert.Equal(t, tt.alerts, s.alerted())
		})
	}
}

// The buyer's reason stands in the notes of the order, held or not, and nowhere in
// the journal.
func TestBuyerRequestNotes(t *testing.T) {
	for _, tt := range []struct {
		name, status, reason, want string
	}{
		{"held", string(order.StatusInProcess), "Found it cheaper somewhere else.", "Cancel Reason: Found it cheaper somewhere else. The buyer asked to cancel item 11400000000001."},
		{"too late", string(order.StatusCompleted), "Changed mind", "Cancel Reason: Changed mind. The buyer asked to cancel item 11400000000001 too late."},
		{"without a reason", string(order.StatusInProcess), "", "Cancel Reason: not given. The buyer asked to cancel item 11400000000001."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := paid(so1, first)
			o.Status = order.Status(tt.status)
			s := open(t, settings.Policy{}, o)
			_, err := s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, strings.NewReader(unshipped([4]string{first.Number, mug, "true", tt.reason})))
			require.NoError(t, err)
			var notes []string
			for _, e := range s.deliver() {
				if e.Kind == order.EffectNote {
					notes = append(notes, e.Note.Text)
				}
			}
			assert.Equal(t, []string{tt.want}, notes)
			es, err := s.store.Events(t.Context(), first)
			require.NoError(t, err)
			for _, e := range es {
				assert.NotContains(t, e.Text, "cheaper")
			}
		})
	}
}

// A notification gives no reason: it is noted when a report does, whatever was decided
// meanwhile, but for a wish that was declined.
func TestBuyerReasonIsLearntLate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		policy  settings.OnBuyerRequest
		between func(*shop)
		want    string
	}{
		{"undecided", settings.BuyerRequestHolds, func(*shop) {}, "Cancel Reason: Changed mind. The buyer asked to cancel item 11400000000001."},
		{"accepted by policy", settings.BuyerRequestAccepted, func(*shop) {}, "Cancel Reason: Changed mind. The buyer asked to cancel item 11400000000001."},
		{"too late", settings.BuyerRequestHolds, handOver, "Cancel Reason: Changed mind. The buyer asked to cancel item 11400000000001 too late."},
		{"declined", settings.BuyerRequestHolds, func(s *shop) { s.notified(morning, mug); s.declines() }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{OnBuyerRequest: tt.policy}, paid(so1, first))
			tt.between(s)
			s.notified(morning, mug)
			_, err := s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, strings.NewReader(unshipped(asks(mug))))
			require.NoError(t, err)
			assert.Equal(t, tt.want, notes(s.deliver()))
		})
	}
}

// Missing is not false, and only a yes is a wish.
func TestOnlyYesIsAWish(t *testing.T) {
	for _, tt := range []struct {
		column, flag string
		wishes       int
		noColumn     bool
	}{
		{"is-buyer-requested-cancellation", "true", 1, false},
		{"is-buyer-requested-cancellation", "TRUE", 1, false},
		{"is-buyer-requested-cancelation", "True", 1, false}, // as Amazon's help misspells it
		{"is-buyer-requested-cancellation", "false", 0, false},
		{"is-buyer-requested-cancellation", "", 0, false},
		{"is-iba", "true", 0, true},
	} {
		t.Run(tt.column+"="+tt.flag, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			in := s.imports(report(tt.column, [4]string{first.Number, mug, tt.flag, "Changed mind"}))
			assert.Equal(t, tt.wishes, in.New)
			assert.Equal(t, 1, in.Rows)
			assert.Len(t, s.wishes(), tt.wishes)
			assert.Equal(t, tt.noColumn, in.NoColumn)
			assert.Equal(t, tt.wishes == 0, s.pass(first).May)
		})
	}
}

func TestMissingColumnIsToldOnceForEachAccount(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	in := s.imports(report("is-iba", asks(mug)))
	assert.Contains(t, in.Advice, "Add or remove order report columns")
	head := s.ledger(order.AmazonID{Account: account.ID}).Version
	s.imports(report("is-iba", asks(tray)))
	as, err := s.store.Alerts(t.Context(), order.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, as, 1)
	assert.Equal(t, "buyer-column/acme-us", as[0].Key)
	assert.Equal(t, order.Administrator, as[0].For)
	assert.Contains(t, as[0].Text, "Buyer Requested Cancel")
	assert.Equal(t, head, s.ledger(order.AmazonID{Account: account.ID}).Version, "nothing is saved again")
}

func TestSameReportTwiceChangesNothing(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	file := unshipped(asks(mug), asks(tray))
	assert.Equal(t, 2, s.imports(file).New)
	version, wishes := s.ledger(first).Version, s.wishes()
	in := s.imports(file)
	assert.Equal(t, 2, in.Unchanged)
	assert.Zero(t, in.New+in.Updated)
	assert.Equal(t, version, s.ledger(first).Version)
	assert.Equal(t, wishes, s.wishes())
}

// A wish about one item holds every host order of the Amazon order that can be.
func TestRequestOnOneItemHoldsTheWholeOrder(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: tray, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, part)
	s.imports(unshipped(asks(tray)))
	assert.Equal(t, so1b, s.wishes()[tray].HostOrder)
	for _, id := range []order.ID{so1, so1b} {
		assert.Equal(t, order.StatusOnHold, s.order(id).Status)
		assert.False(t, s.pass(first).Of(id).May)
	}
	s.declines()
	for _, id := range []order.ID{so1, so1b} {
		assert.Equal(t, order.StatusInProcess, s.order(id).Status)
		assert.Empty(t, s.order(id).Holds)
	}
	assert.True(t, s.pass(first).May)
}

// Nothing may ship while a wish is undecided, whatever the host has done with the
// hold.
func TestUndecidedWishClosesTheGate(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	before := s.pass(first)
	s.imports(unshipped(asks(mug)))
	s.book.orders[0].Holds, s.book.orders[0].Status = nil, order.StatusInProcess
	assert.Equal(t, []string{"the buyer asked to cancel item 11400000000001: accept or decline it"}, s.pass(first).Why)
	assert.ErrorIs(t, before.HandOver(t.Context(), s.store, order.Stamp{By: "dock", At: morning}), store.ErrConflict)
}

func TestDecline(t *testing.T) {
	for _, tt := range []struct {
		name    string
		between func(*shop)
		items   []string
		status  order.Status
		holds   int
		may     bool
	}{
		{"all: the hold is released and the status returns", func(*shop) {}, nil, order.StatusInProcess, 0, true},
		{"one of two: the other still holds", func(*shop) {}, []string{mug}, order.StatusOnHold, 1, false},
		{"one after the other", func(s *shop) { s.declines(tray) }, []string{mug}, order.StatusInProcess, 0, true},
		{"somebody changed the status meanwhile", func(s *shop) { s.book.orders[0].Status = order.StatusProblemOrder }, nil, order.StatusProblemOrder, 0, true},
		{
			"somebody holds it meanwhile",
			func(s *shop) {
				s.book.orders[0].Holds = append(s.book.orders[0].Holds, order.Hold{Owner: order.HeldByHost, Why: "address"})
			},
			nil, order.StatusOnHold, 1, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.imports(unshipped(asks(mug), asks(tray)))
			tt.between(s)
			s.declines(tt.items...)
			r := s.wishes()[mug]
			assert.Equal(t, cancel.RequestDeclined, r.State)
			assert.Equal(t, "anna", r.Decided.By)
			assert.Equal(t, tt.status, s.order(so1).Status)
			assert.Len(t, s.order(so1).Holds, tt.holds)
			assert.Equal(t, tt.may, s.pass(first).May)
			assert.Empty(t, s.alerted())

			version := s.ledger(first).Version
			s.declines(tt.items...)
			assert.Equal(t, version, s.ledger(first).Version, "declining again changes nothing")
		})
	}
}

// A declined wish is remembered per item.
func TestDeclinedWishHoldsNothingAgain(t *testing.T) {
	later := morning.Add(3 * time.Hour)
	for _, tt := range []struct {
		name  string
		again func(*shop)
		item  string
		want  cancel.RequestState
	}{
		{"the flag stays true", func(s *shop) { s.importsAt(unshipped(asks(mug)), later) }, mug, cancel.RequestDeclined},
		{"with the reason in other letters", func(s *shop) { s.imports(unshipped([4]string{first.Number, mug, "true", "changed  MIND."})) }, mug, cancel.RequestDeclined},
		{"without a reason", func(s *shop) { s.imports(unshipped([4]string{first.Number, mug, "true", ""})) }, mug, cancel.RequestDeclined},
		{"the order changed at Amazon later, for whatever cause", func(s *shop) {
			s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderUnshipped, UpdatedAt: later, Items: []amazon.ItemState{{ID: mug, RequestedBy: amazon.ActorBuyer, RequestedReason: "Changed mind."}}}
			s.reads()
		}, mug, cancel.RequestDeclined},
		{"a notification from before the decision", func(s *shop) { s.notified(morning.Add(-time.Hour), mug) }, mug, cancel.RequestDeclined},
		{"a notification of a later change", func(s *shop) { s.notified(later, mug) }, mug, cancel.Undecided},
		{"another reason", func(s *shop) { s.imports(unshipped([4]string{first.Number, mug, "true", "Ordered twice"})) }, mug, cancel.Undecided},
		{"another item", func(s *shop) { s.imports(unshipped(asks(mug), asks(tray))) }, tray, cancel.Undecided},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.imports(unshipped(asks(mug)))
			s.declines()
			tt.again(s)
			assert.Equal(t, tt.want, s.wishes()[tt.item].State)
			assert.Equal(t, tt.want == cancel.RequestDeclined, s.pass(first).May)
			assert.Equal(t, tt.want == cancel.Undecided, s.order(so1).Status == order.StatusOnHold)
		})
	}
}

// A notification tells of every item that the buyer ever asked about: what is new is the
// item that none told of before.
func TestNotificationOfAnotherItem(t *testing.T) {
	for _, tt := range []struct {
		name string
		seen func(*shop)
	}{
		{"both by notification", func(s *shop) { s.notified(morning, mug) }},
		{"the declined one by a report", func(s *shop) { s.imports(unshipped(asks(mug))) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			tt.seen(s)
			s.declines()
			later := s.now.Add(time.Hour)
			for range 2 { // the same one comes again
				s.notified(later, mug, tray)
				assert.Equal(t, cancel.RequestDeclined, s.wishes()[mug].State)
				assert.Equal(t, cancel.Undecided, s.wishes()[tray].State)
			}
			c := s.accepts()
			require.Len(t, c, 1)
			assert.Equal(t, []string{tray}, c[0].Items, "the rest ships")
			assert.True(t, s.pass(first).Of(so1).May)

			s.notified(later.Add(time.Hour), mug, tray)
			assert.Equal(t, cancel.Undecided, s.wishes()[mug].State, "now it can only be the mug")
		})
	}
}

// Another wish has a clock of its own.
func TestNewWishHasANewDeadline(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.notified(morning.Add(-24*time.Hour), mug)
	assert.Equal(t, morning.Add(24*time.Hour), s.wishes()[mug].Deadline)
	s.declines()
	later := s.now.Add(time.Hour).Truncate(time.Second)
	s.notified(later, mug)
	r := s.wishes()[mug]
	assert.Equal(t, later.Add(48*time.Hour), r.Deadline)
	assert.Equal(t, 2, r.Wish)
	assert.Len(t, r.Seen, 2, "what was seen before is kept")
	assert.Equal(t, later, r.Evidence().At)
}

// What the state of an order at Amazon means for a wish.
func TestWishIsOver(t *testing.T) {
	all := func(status string) string {
		return "amazon-order-id\tlast-updated-date\torder-status\tsku\tfulfillment-channel\n" +
			first.Number + "\t2026-03-02T08:00:00+00:00\t" + status + "\tMUG-BLUE\tMerchant\n"
	}
	for _, tt := range []struct {
		name   string
		seen   func(*shop)
		state  cancel.RequestState
		status order.Status
	}{
		{"cancelled, says the report", func(s *shop) { assert.Equal(t, 1, s.imports(all("Cancelled")).Cancelled) }, cancel.RequestOver, order.StatusCancelled},
		{"spelled otherwise", func(s *shop) { s.imports(all("Canceled")) }, cancel.RequestOver, order.StatusCancelled},
		{"shipped, says the report", func(s *shop) { s.imports(all("Shipped")) }, cancel.RequestOver, order.StatusInProcess},
		{"still open", func(s *shop) { s.imports(all("Unshipped")) }, cancel.Undecided, order.StatusOnHold},
		{"cancelled by the buyer, says the order", func(s *shop) {
			s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderCancelled, Items: []amazon.ItemState{{ID: mug, Ordered: 2, CancelledBy: amazon.ActorBuyer}}}
			s.reads()
		}, cancel.RequestOver, order.StatusCancelled},
		{"the item alone is cancelled", func(s *shop) {
			s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderUnshipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, CancelledBy: amazon.ActorBuyer}}}
			s.reads()
		}, cancel.RequestOver, order.StatusInProcess},
		{"the item alone has shipped", func(s *shop) {
			s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderPartiallyShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Fulfilled: 2}}}
			s.reads()
		}, cancel.RequestOver, order.StatusInProcess},
		{"a person marks the order", func(s *shop) {
			require.NoError(s.t, s.MarkCancelled(s.t.Context(), first, "anna", ""))
			s.deliver()
		}, cancel.RequestAccepted, order.StatusCancelled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.imports(unshipped(asks(mug)))
			tt.seen(s)
			assert.Equal(t, tt.state, s.wishes()[mug].State)
			assert.Equal(t, tt.status, s.order(so1).Status)
			assert.Equal(t, tt.state == cancel.Undecided, len(s.order(so1).Holds) == 1)
			assert.NotContains(t, s.alerted(), "stale")
		})
	}
}

// A wish that comes with an order that Amazon shows as shipped holds nothing.
func TestWishAfterShipping(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports("amazon-order-id\tlast-updated-date\torder-status\tsku\tis-buyer-requested-cancellation\n" +
		first.Number + "\t2026-03-02T08:00:00+00:00\tShipped\tMUG-BLUE\ttrue\n")
	assert.Equal(t, cancel.RequestTooLate, s.wishes()[mug].State)
	assert.Equal(t, []string{"buyer-late"}, s.alerted())
	assert.Empty(t, s.order(so1).Holds)
}

// An all-orders report names SKUs alone.
func TestWishWithoutAnItem(t *testing.T) {
	twin := paid(so1, first)
	twin.Lines[1].SKU = "MUG-BLUE"
	for _, tt := range []struct {
		name   string
		order  order.Order
		item   string
		alerts []string
	}{
		{"one line has the SKU", paid(so1, first), mug, []string{}},
		{"two have it: a person says which", twin, "", []string{"buyer-item"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, tt.order)
			s.imports("amazon-order-id\tlast-updated-date\torder-status\tsku\tis-buyer-requested-cancellation\n" +
				first.Number + "\t2026-03-02T08:00:00+00:00\tUnshipped\tMUG-BLUE\ttrue\n")
			require.Contains(t, s.wishes(), tt.item)
			assert.Equal(t, cancel.Undecided, s.wishes()[tt.item].State)
			assert.Equal(t, tt.alerts, s.alerted())
			assert.Equal(t, order.StatusOnHold, s.order(so1).Status)

			cs := s.accepts(mug)
			require.Len(t, cs, 1)
			assert.Equal(t, []string{mug}, cs[0].Items)
			assert.Equal(t, cancel.RequestAccepted, s.wishes()[tt.item].State)
		})
	}
}

func TestUnnamedItemHasToBeNamed(t *testing.T) {
	twin := paid(so1, first)
	twin.Lines[1].SKU = "MUG-BLUE"
	s := open(t, settings.Policy{}, twin)
	s.imports("amazon-order-id\torder-status\tsku\tis-buyer-requested-cancellation\n" + first.Number + "\tUnshipped\tMUG-BLUE\ttrue\n")
	_, err := s.Accept(t.Context(), cancel.AcceptRequest{Order: first, By: "anna"})
	assert.ErrorContains(t, err, "say which, in Items")
	s.declines()
	assert.True(t, s.pass(first).May)
}

// A wish about an order that the host does not have yet is not lost.
func TestUnknownOrder(t *testing.T) {
	s := open(t, settings.Policy{})
	in := s.imports(unshipped(asks(mug)))
	assert.Equal(t, 1, in.New)
	assert.Equal(t, 1, in.Unmatched)
	assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
	assert.Equal(t, order.ID{Company: "acme"}, s.wishes()[mug].HostOrder)
	assert.Equal(t, []string{"buyer-unknown"}, s.alerted())

	s.step(time.Hour)
	assert.Equal(t, cancel.Undecided, s.wishes()[mug].State, "it is not there yet")

	s.book.orders = append(s.book.orders, paid(so1, first))
	assert.False(t, s.pass(first).May, "at once")
	s.step(time.Hour)
	s.deliver()
	assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
	assert.Equal(t, so1, s.wishes()[mug].HostOrder)
	s.declines()
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
}

func TestUnknownOrderAppearsBeforeTheNextImport(t *testing.T) {
	s := open(t, settings.Policy{})
	s.imports(unshipped(asks(mug)))
	s.book.orders = append(s.book.orders, paid(so1, first))
	s.imports(unshipped(asks(mug)))
	assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
}

func TestWishesThatAreNotTheMerchants(t *testing.T) {
	byAmazon, other := paid(so1, first), paid(so1, first)
	byAmazon.Fulfilment, other.ID.Company = order.ByAmazon, "bolt"
	for _, tt := range []struct {
		name  string
		order order.Order
		why   string
	}{
		{"Amazon ships it", byAmazon, "the order is fulfilled by Amazon"},
		{"another company's", other, "the order belongs to another company than the account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, tt.order)
			assert.Equal(t, map[string]int{tt.why: 1}, s.imports(unshipped(asks(mug))).Skipped)
			assert.Empty(t, s.wishes())
			s.imports("amazon-order-id\torder-status\tsku\n" + first.Number + "\tCancelled\tMUG-BLUE\n")
			assert.Equal(t, order.StatusInProcess, s.book.orders[0].Status)
			assert.Zero(t, s.ledger(first).Version)
		})
	}
}

// Every change of a wish tells who, when, and from what to what.
func TestBuyerRequestAudit(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug)))
	s.declines()
	es, err := s.store.Events(t.Context(), first)
	require.NoError(t, err)
	type row struct{ by, before, after string }
	var rows []row
	for _, e := range es {
		assert.False(t, e.At.IsZero())
		assert.Equal(t, "buyer request "+mug, e.Subject)
		rows = append(rows, row{e.By, e.Before, e.After})
	}
	assert.Equal(t, []row{
		{"order report orders.txt", "", ""},
		{"order report orders.txt", "", "Undecided"},
		{"anna", "Undecided", "Declined"},
	}, rows)
	assert.Equal(t, "It is packed.", es[2].Why)
}

// generous is an order book that gives more than it is asked for.
type generous struct{ *shelf }

func (g generous) Orders(context.Context, []order.AmazonID) ([]order.Order, error) {
	return g.orders, nil
}

func TestWishesWithAGenerousBook(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	c, err := cancel.New(cancel.Config{
		Store: s.store, Book: generous{s.book}, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{}, Now: s.tick,
	})
	require.NoError(t, err)
	_, err = c.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, strings.NewReader(unshipped(asks(mug))))
	require.NoError(t, err)
	s.deliver()
	assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
	assert.Equal(t, order.StatusInProcess, s.order(so2).Status)
}

// An order that the host splits while a wish is undecided is held in both parts, and
// the journal says so.
func TestWishHoldsWhatIsSplitOffLater(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: tray, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug)))
	s.book.orders = []order.Order{rest, part}
	s.step(49 * time.Hour)
	es, err := s.store.Events(t.Context(), first)
	require.NoError(t, err)
	var held []string
	for _, e := range es {
		if strings.HasSuffix(e.Subject, ": held") {
			held = append(held, e.Before+" became "+e.After)
		}
	}
	assert.Equal(t, []string{"SO-1 became SO-1, SO-1-B"}, held)
}
