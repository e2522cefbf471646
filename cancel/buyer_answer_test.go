package cancel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// reads reads the first order at Amazon, which must work.
func (s *shop) reads() []cancel.BuyerRequest {
	s.t.Helper()
	rs, err := s.ReadOrder(s.t.Context(), first)
	require.NoError(s.t, err)
	s.deliver()
	return rs
}

// notice is an ORDER_CHANGE notification about the first order.
func notice(at time.Time, items ...string) string {
	var flags []string
	for _, item := range items {
		flags = append(flags, fmt.Sprintf(`{"OrderItemId":%q,"SellerSKU":"X","Quantity":1,"IsBuyerRequestedCancel":true}`, item))
	}
	return fmt.Sprintf(`{"NotificationVersion":"1.0","NotificationType":"ORDER_CHANGE","PayloadVersion":"1.0","EventTime":"2026-03-02T00:00:00Z",
		"Payload":{"OrderChangeNotification":{"NotificationLevel":"OrderItemLevel","SellerId":%q,"AmazonOrderId":%q,"OrderChangeType":"BuyerRequestedChange",
		"OrderChangeTrigger":{"TimeOfOrderChange":%q,"ChangeReason":"Buyer Requested Cancel"},
		"Summary":{"MarketplaceId":"ATVPDKIKX0DER","OrderStatus":"Unshipped","OrderItems":[%s]}}}}`,
		account.Merchant, first.Number, at.UTC().Format(time.RFC3339Nano), strings.Join(flags, ","))
}

func (s *shop) notified(at time.Time, items ...string) {
	s.t.Helper()
	_, err := s.ImportNotification(s.t.Context(), account, []byte(notice(at, items...)))
	require.NoError(s.t, err)
	s.deliver()
}

func TestAcceptTheWholeOrder(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug), asks(tray)))
	c := s.accepts()[0]
	assert.Equal(t, amazon.ReasonBuyerCancelled, c.Reason)
	assert.False(t, c.Part)
	assert.Equal(t, "anna", c.Requested.By)
	for _, r := range s.wishes() {
		assert.Equal(t, cancel.RequestAccepted, r.State)
		assert.Equal(t, c.ID, r.Entry)
	}
	o := s.order(so1)
	assert.Equal(t, order.StatusOnHold, o.Status)
	require.Len(t, o.Holds, 1)
	assert.Equal(t, order.HeldByCancellation, o.Holds[0].Owner)
	assert.Equal(t, order.StatusInProcess, c.Before, "what was before our hold")
	assert.Empty(t, s.alerted(), "nothing is stale")

	again := s.accepts()
	require.Len(t, again, 1)
	assert.Equal(t, c.ID, again[0].ID)
	es, err := s.store.Entries(t.Context(), queue.EntryQuery{})
	require.NoError(t, err)
	assert.Len(t, es, 1)
	assert.Equal(t, amazon.CancelFeed, es[0].Feed)
}

// Accept splits the item off and frees the rest.
func TestAcceptAnItem(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(tray)))
	cs := s.accepts()
	require.Len(t, cs, 1)
	part := order.ID{Company: "acme", Number: "SO-1-1"}
	assert.Equal(t, part, cs[0].HostOrder)
	assert.True(t, cs[0].Part)
	assert.Equal(t, []order.LineQuantity{{Item: tray, Quantity: 1}}, cs[0].Units)

	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
	assert.Empty(t, s.order(so1).Holds)
	assert.True(t, s.pass(first).Of(so1).May, "the rest is free")
	assert.False(t, s.pass(first).Of(part).May)
	assert.Equal(t, order.StatusOnHold, s.order(part).Status)
	require.Len(t, s.order(part).Holds, 1)
	assert.Equal(t, order.HeldByCancellation, s.order(part).Holds[0].Owner)
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[tray].State)
	assert.Empty(t, s.alerted())
	assert.Equal(t, cs[0].ID, s.accepts()[0].ID)
}

func TestAcceptSplitsToANumber(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(tray)))
	cs, err := s.Accept(t.Context(), cancel.AcceptRequest{Order: first, SplitTo: "SO-99", By: "anna"})
	require.NoError(t, err)
	assert.Equal(t, "SO-99", cs[0].HostOrder.Number)
}

// Items that several host orders carry take a cancellation in each.
func TestAcceptInSeveralHostOrders(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, part)
	s.imports(unshipped(asks(mug)))
	cs := s.accepts()
	require.Len(t, cs, 2)
	assert.Equal(t, so1b, cs[0].HostOrder, "which needs no split")
	assert.Equal(t, "SO-1-1", cs[1].HostOrder.Number, "the mug of the rest is split off")
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	assert.True(t, s.pass(first).Of(so1).May)
	assert.Empty(t, s.alerted())
}

// All of an Amazon order that was split is cancelled together.
func TestAcceptAllHostOrders(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: tray, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, part)
	s.imports(unshipped(asks(mug), asks(tray)))
	cs := s.accepts()
	require.Len(t, cs, 1)
	assert.False(t, cs[0].Part)
	assert.ElementsMatch(t, []string{mug, tray}, cs[0].Items)
	for _, id := range []order.ID{so1, so1b} {
		assert.Equal(t, order.StatusOnHold, s.order(id).Status)
		require.Len(t, s.order(id).Holds, 1)
		assert.Equal(t, order.HeldByCancellation, s.order(id).Holds[0].Owner)
	}
	assert.Empty(t, s.alerted())
}

// The buyer asks for one item after the other, until nothing is left to ship: what
// waits in parts is cancelled as the whole that it is now.
func TestAcceptOneItemAfterTheOther(t *testing.T) {
	for _, policy := range []settings.OnBuyerRequest{settings.BuyerRequestHolds, settings.BuyerRequestAccepted} {
		t.Run(string(policy), func(t *testing.T) {
			s := open(t, settings.Policy{OnBuyerRequest: policy}, paid(so1, first))
			s.notified(morning, tray)
			part := s.accepts(tray)[0]
			s.deliver()
			s.notified(morning.Add(time.Minute), tray, mug)
			whole := s.accepts(mug)[0]
			s.deliver()
			assert.False(t, whole.Part)
			assert.ElementsMatch(t, []string{mug, tray}, whole.Items)
			assert.Equal(t, queue.EntryWithdrawn, s.entry(part.ID).State)
			for _, r := range s.wishes() {
				assert.Equal(t, cancel.RequestAccepted, r.State)
				assert.Equal(t, whole.ID, r.Entry)
			}
			for _, id := range []order.ID{so1, part.HostOrder} {
				o := s.order(id)
				assert.Equal(t, order.StatusOnHold, o.Status)
				require.Len(t, o.Holds, 1)
				assert.Equal(t, order.HeldByCancellation, o.Holds[0].Owner)
				assert.False(t, s.pass(first).Of(id).May)
			}
			assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
			assert.NotContains(t, s.alerted(), "stale")
			s.move(whole.ID, queue.EntryWithdrawn)
			s.declines()
			for _, o := range s.book.orders {
				assert.Equal(t, order.StatusInProcess, o.Status)
			}
		})
	}
}

// Where the host shows the parts as Cancelled since the request, a person takes them back
// first: together they could only be cancelled once it shows what they were.
func TestAcceptTheLastItemWhereTheOthersAreCancelled(t *testing.T) {
	s := open(t, settings.Policy{CancelledAt: settings.CancelledWhenRequested}, paid(so1, first))
	s.notified(morning, tray)
	part := s.accepts(tray)[0]
	s.deliver()
	s.notified(morning.Add(time.Minute), tray, mug)
	_, err := s.Accept(t.Context(), cancel.AcceptRequest{Order: first, By: "anna"})
	require.ErrorIs(t, err, cancel.ErrNothingLeft)
	require.Equal(t, queue.EntryQueued, s.entry(part.ID).State)

	require.NoError(t, s.queue.Withdraw(t.Context(), "anna", "together", part.ID))
	s.deliver()
	cs := s.accepts()
	s.deliver()
	require.Len(t, cs, 1)
	assert.False(t, cs[0].Part)
	for _, o := range s.book.orders {
		assert.Equal(t, order.StatusCancelled, o.Status)
	}
	assert.NotContains(t, s.alerted(), "stale")
}

// A part that the seller cancels for a reason of their own stays as it is.
func TestAcceptBesideAPartOfTheSellers(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	r := aMug()
	r.Split[0].Quantity = 2
	c := s.issue(r)
	s.deliver()
	s.deliver()
	s.imports(unshipped(asks(tray)))
	_, err := s.Accept(t.Context(), cancel.AcceptRequest{Order: first, By: "anna"})
	require.ErrorIs(t, err, cancel.ErrNothingLeft)
	assert.Equal(t, queue.EntryQueued, s.entry(c.ID).State)
	assert.Equal(t, cancel.Undecided, s.wishes()[tray].State)
}

func TestAcceptRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*shop)
		items  []string
		by     string
		says   string
		is     error
	}{
		{"no wish at all", func(*shop) {}, nil, "anna", "no wish of the buyer is undecided", store.ErrNotFound},
		{"no wish about this item", func(s *shop) { s.imports(unshipped(asks(mug))) }, []string{tray}, "anna", "no wish of the buyer about item " + tray, store.ErrNotFound},
		{"a declined one that is not named", func(s *shop) { s.imports(unshipped(asks(mug))); s.declines() }, nil, "anna", "undecided", store.ErrNotFound},
		{"nobody", func(s *shop) { s.imports(unshipped(asks(mug))) }, nil, "", "say by whom", nil},
		{"what has shipped", func(s *shop) { s.imports(unshipped(asks(mug))); s.ship(so1) }, nil, "anna", "nothing of these items waits", cancel.ErrShipped},
		{"what was handed over", func(s *shop) { handOver(s); s.imports(unshipped(asks(mug), asks(tray))) }, []string{mug, tray}, "anna", "handed over", cancel.ErrHandedOver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			tt.before(s)
			version := s.ledger(first).Version
			_, err := s.Accept(t.Context(), cancel.AcceptRequest{Order: first, Items: tt.items, By: tt.by})
			require.ErrorContains(t, err, tt.says)
			require.ErrorIs(t, err, cmpOr(tt.is, err))
			assert.Equal(t, version, s.ledger(first).Version)
		})
	}
}

func cmpOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Somebody may change his mind, as long as the order is here.
func TestAcceptWhatWasDeclined(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug), asks(tray)))
	s.declines()
	cs := s.accepts(mug, tray)
	require.Len(t, cs, 1)
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	_, err := s.Decline(t.Context(), first, "anna", "", mug)
	assert.ErrorContains(t, err, "withdraw cancellation")
}

// The cancellation of what the buyer asked for never counts against the seller.
func TestCancellationOfAWishNamesTheBuyer(t *testing.T) {
	for _, tt := range []struct {
		name string
		then func(*shop)
	}{
		{"undecided", func(*shop) {}},
		{"declined", func(s *shop) { s.declines() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.imports(unshipped(asks(mug)))
			tt.then(s)
			_, err := s.Issue(t.Context(), ask(first))
			require.ErrorIs(t, err, cancel.ErrBuyerAsked)
			r := ask(first)
			r.Reason = amazon.ReasonBuyerCancelled
			c := s.issue(r)
			assert.Equal(t, c.ID, s.wishes()[mug].Entry, "it grants the wish")
		})
	}
	t.Run("another item is not the buyer's", func(t *testing.T) {
		s := open(t, settings.Policy{}, paid(so1, first))
		s.imports(unshipped(asks(mug)))
		r := ask(first)
		r.Split, r.SplitTo, r.HostOrder = []order.LineQuantity{{Item: tray, Quantity: 1}}, "SO-2", so1
		s.issue(r)
		assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
	})
}

// A wish that comes while the order is being cancelled for the seller's own reason
// keeps that from being sent.
func TestWishMeetsACancellation(t *testing.T) {
	for _, tt := range []struct {
		reason amazon.Reason
		state  cancel.RequestState
		aside  string
		alerts []string
	}{
		{amazon.ReasonNoInventory, cancel.Undecided, "withdraw this one first", []string{"buyer-reason"}},
		{amazon.ReasonBuyerCancelled, cancel.RequestAccepted, "", []string{}},
	} {
		t.Run(string(tt.reason), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			r := ask(first)
			r.Reason, r.Acknowledge = tt.reason, []cancel.CautionCode{cancel.CautionNoBuyerRequest}
			c := s.issue(r)
			s.deliver()
			s.imports(unshipped(asks(mug)))
			assert.Equal(t, tt.state, s.wishes()[mug].State)
			assert.Equal(t, tt.alerts, s.alerted())
			p, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
			require.NoError(t, err)
			assert.Equal(t, tt.aside == "", p[0].Aside == nil)
			assert.Contains(t, fmt.Sprintf("%+v", p[0].Aside), tt.aside)

			s.move(c.ID, queue.EntryWithdrawn)
			s.deliver()
			assert.Equal(t, cancel.Undecided, s.wishes()[mug].State, "the wish stands")
			assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
			require.Len(t, s.order(so1).Holds, 1)
			assert.Equal(t, order.HeldByBuyer, s.order(so1).Holds[0].Owner)
			assert.NotContains(t, s.alerted(), "stale")
			s.declines()
			assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
		})
	}
}

// What was accepted and then withdrawn or rejected has to be decided again.
func TestDroppedCancellationLeavesTheWish(t *testing.T) {
	for _, dropped := range []queue.State{queue.EntryWithdrawn, queue.EntryRejected} {
		t.Run(string(dropped), func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			s.imports(unshipped(asks(mug), asks(tray)))
			c := s.accepts()[0]
			s.move(c.ID, dropped)
			s.deliver()
			assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
			assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
			assert.False(t, s.pass(first).May)
			assert.Equal(t, []string{"buyer-again", "buyer-again"}, s.alerted())

			renewed := s.accepts()[0]
			assert.NotEqual(t, c.ID, renewed.ID)
			assert.Equal(t, order.StatusInProcess, renewed.Before)
			assert.Equal(t, renewed.ID, s.wishes()[mug].Entry)
			assert.Equal(t, order.StatusOnHold, s.order(so1).Status)
		})
	}
}

// The host's order book need not show what was asked of it for the next decision to be
// right.
func TestDeclineBeforeTheBookShowsTheDrop(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(tray)))
	c := s.accepts()[0]
	s.deliver()
	s.move(c.ID, queue.EntryWithdrawn)
	_, err := s.Decline(t.Context(), first, "anna", "It is packed.")
	require.NoError(t, err)
	s.deliver()
	s.deliver()
	for _, id := range []order.ID{so1, c.HostOrder} {
		assert.Equal(t, order.StatusInProcess, s.order(id).Status)
		assert.Empty(t, s.order(id).Holds)
	}
	assert.True(t, s.pass(first).May)
	assert.Equal(t, []string{"buyer-again"}, s.alerted())
}

func TestRetryAcceptsAgain(t *testing.T) {
	s := open(t, settings.Policy{CancelledAt: settings.CancelledWhenRequested}, paid(so1, first))
	s.imports(unshipped(asks(mug), asks(tray)))
	c := s.accepts()[0]
	s.move(c.ID, queue.EntryRejected)
	s.move(c.ID, queue.EntryQueued)
	s.deliver()
	assert.Equal(t, c.ID, s.wishes()[mug].Entry)
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[tray].State)
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.NotContains(t, s.alerted(), "stale")
}

// Who opens the gate after a refusal ships, and so declines.
func TestOpeningTheGateDeclines(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug), asks(tray)))
	s.move(s.accepts()[0].ID, queue.EntryRefused, refusal)
	s.deliver()
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	require.NoError(t, s.Open(t.Context(), first, "anna", "It ships."))
	s.deliver()
	assert.Equal(t, cancel.RequestDeclined, s.wishes()[mug].State)
	assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
	assert.True(t, s.pass(first).May)
}

// OnBuyerRequest AutoAccept.
func TestAutoAccept(t *testing.T) {
	auto := settings.Policy{OnBuyerRequest: settings.BuyerRequestAccepted}
	t.Run("the whole order", func(t *testing.T) {
		s := open(t, auto, paid(so1, first))
		s.imports(unshipped(asks(mug), asks(tray)))
		r := s.wishes()[mug]
		assert.Equal(t, cancel.RequestAccepted, r.State)
		assert.Equal(t, "policy", r.Decided.By)
		assert.Equal(t, queue.EntryQueued, s.entry(r.Entry).State)
		assert.Empty(t, s.alerted())
	})
	t.Run("a part", func(t *testing.T) {
		s := open(t, auto, paid(so1, first))
		s.notified(morning, tray)
		assert.Equal(t, cancel.RequestAccepted, s.wishes()[tray].State)
		assert.Equal(t, 1, s.order(order.ID{Company: "acme", Number: "SO-1-1"}).Lines[0].Ordered)
	})
	t.Run("what appears later", func(t *testing.T) {
		s := open(t, auto)
		s.imports(unshipped(asks(mug), asks(tray)))
		s.book.orders = append(s.book.orders, paid(so1, first))
		s.step(time.Hour)
		assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	})
	t.Run("what cannot be cancelled is held and told", func(t *testing.T) {
		twin := paid(so1, first)
		twin.Lines[1].SKU = "MUG-BLUE"
		s := open(t, auto, twin)
		file := "amazon-order-id\torder-status\tsku\tis-buyer-requested-cancellation\n" + first.Number + "\tUnshipped\tMUG-BLUE\ttrue\n"
		s.imports(file)
		s.imports(file)
		assert.Equal(t, cancel.Undecided, s.wishes()[""].State)
		assert.Equal(t, []string{"buyer-item", "buyer-policy"}, s.alerted())
		assert.False(t, s.pass(first).May)
	})
	t.Run("too late is too late", func(t *testing.T) {
		o := paid(so1, first)
		o.Status = order.StatusCompleted
		s := open(t, auto, o)
		s.imports(unshipped(asks(mug)))
		assert.Equal(t, cancel.RequestTooLate, s.wishes()[mug].State)
	})
}

func TestNotificationsOfOthers(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	for _, tt := range []struct{ name, body, says string }{
		{"another seller's", strings.ReplaceAll(notice(morning, mug), account.Merchant, "A2OTHER"), `seller "A2OTHER"`},
		{"no notification", "nothing", "invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.ImportNotification(t.Context(), account, []byte(tt.body))
			assert.ErrorContains(t, err, tt.says)
		})
	}
	_, err := s.ImportNotification(t.Context(), account, []byte(strings.ReplaceAll(notice(morning, mug), "BuyerRequestedChange", "OrderStatusChange")))
	require.NoError(t, err)
	assert.Empty(t, s.wishes())
	assert.Zero(t, s.ledger(first).Version)
}

func TestReadOrderWithoutOrders(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	_, err := s.at(nil, morning).ReadOrder(t.Context(), first)
	require.ErrorContains(t, err, "no Orders")
	_, err = s.ReadOrder(t.Context(), order.AmazonID{Account: "nobody", Number: first.Number})
	require.ErrorIs(t, err, store.ErrNotFound)
}

// Whatever comes in which order, and how often: the same wishes, clocks and holds.
func TestSightingsConverge(t *testing.T) {
	type sighting func(*shop)
	reasons := []string{"", "Changed mind", "Ordered twice"}
	rapid.Check(t, func(r *rapid.T) {
		var seen []sighting
		for i := range rapid.IntRange(1, 6).Draw(r, "sightings") {
			item := rapid.SampledFrom([]string{mug, tray}).Draw(r, fmt.Sprint("item", i))
			reason := rapid.SampledFrom(reasons).Draw(r, fmt.Sprint("reason", i))
			at := morning.Add(-time.Duration(rapid.IntRange(0, 30).Draw(r, fmt.Sprint("hours", i))) * time.Hour)
			seen = append(seen, rapid.SampledFrom([]sighting{
				func(s *shop) { s.importsAt(unshipped([4]string{first.Number, item, "true", reason}), at) },
				func(s *shop) { s.importsAt(unshipped([4]string{first.Number, item, "false", reason}), at) },
				func(s *shop) { s.notified(at, item) },
				func(s *shop) {
					s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderUnshipped, UpdatedAt: at, Items: []amazon.ItemState{{ID: item, RequestedBy: amazon.ActorBuyer, RequestedReason: reason}}}
					s.reads()
				},
			}).Draw(r, fmt.Sprint("source", i)))
		}
		other := rapid.Permutation(seen).Draw(r, "another order")
		other = append(other, rapid.SampledFrom(seen).Draw(r, "again"))
		run := func(seen []sighting) (rs []cancel.BuyerRequest, o order.Order) {
			s := open(t, settings.Policy{}, paid(so1, first))
			for _, see := range seen {
				see(s)
			}
			for _, w := range s.wishes() {
				w.Version = 0
				rs = append(rs, w)
			}
			slices.SortFunc(rs, func(a, b cancel.BuyerRequest) int { return strings.Compare(a.Item, b.Item) })
			o = s.order(so1)
			for i := range o.Holds {
				o.Holds[i].Since = time.Time{}
			}
			return rs, o
		}
		wantWishes, wantOrder := run(seen)
		wishes, o := run(other)
		if diff := cmp.Diff(wantWishes, wishes); diff != "" {
			r.Fatalf("wishes differ:\n%s", diff)
		}
		if diff := cmp.Diff(wantOrder, o); diff != "" {
			r.Fatalf("orders differ:\n%s", diff)
		}
	})
}

// A wish about what Amazon has shown as cancelled asks for nothing more.
func TestWishAboutWhatIsCancelled(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderCancelled}
	s.reads()
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	s.notified(morning, mug)
	assert.Equal(t, cancel.RequestOver, s.wishes()[mug].State)
	assert.True(t, s.wishes()[mug].LookAt.IsZero())
	assert.Empty(t, s.alerted())
}

// Two cancellations of one Amazon order that end together.
func TestWishesFollowSeveralEntriesAtOnce(t *testing.T) {
	rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(t, err)
	rest, other, err := order.Split(rest, "SO-1-C", []order.LineQuantity{{Item: mug, Quantity: 1}})
	require.NoError(t, err)
	s := open(t, settings.Policy{}, rest, part, other)
	s.imports(unshipped(asks(mug)))
	cs := s.accepts()
	require.Len(t, cs, 2)
	es := []queue.Entry{s.moved(cs[0].ID, queue.EntryRejected), s.moved(cs[1].ID, queue.EntryRejected)}
	require.NoError(t, s.Apply(t.Context(), es))
	s.deliver()
	assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
	es = []queue.Entry{s.moved(cs[0].ID, queue.EntryQueued), s.moved(cs[1].ID, queue.EntryQueued)}
	require.NoError(t, s.Apply(t.Context(), es))
	s.deliver()
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	assert.True(t, s.pass(first).Of(so1).May)
	assert.NotContains(t, s.alerted(), "stale")
}

// A wish about units in two host orders stands again when either is not cancelled.
func TestEitherPartLeavesTheWish(t *testing.T) {
	for i := range 2 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			rest, part, err := order.Split(paid(so1, first), "SO-1-B", []order.LineQuantity{{Item: mug, Quantity: 1}})
			require.NoError(t, err)
			rest, other, err := order.Split(rest, "SO-1-C", []order.LineQuantity{{Item: mug, Quantity: 1}})
			require.NoError(t, err)
			s := open(t, settings.Policy{}, rest, part, other)
			s.imports(unshipped(asks(mug)))
			c := s.accepts()[i]
			s.move(c.ID, queue.EntryRejected)
			s.deliver()
			assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
			assert.False(t, s.pass(first).Of(c.HostOrder).May)
			s.accepts()
			assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
		})
	}
}

// The host need not have heard that a cancellation was taken back when something else is
// decided about its order.
func TestDecidedBeforeTheBookShowsTheOrderAgain(t *testing.T) {
	for _, at := range []settings.CancelledAt{settings.CancelledWhenAccepted, settings.CancelledWhenRequested} {
		for name, then := range map[string]func(s *shop, withdraw func()){
			"a wish that came before is declined": func(s *shop, withdraw func()) {
				s.imports(unshipped(asks(mug)))
				withdraw()
				s.declines()
			},
			"a wish that came after is declined": func(s *shop, withdraw func()) {
				withdraw()
				s.imports(unshipped(asks(mug)))
				s.declines()
			},
			"another wish comes after one that was declined": func(s *shop, withdraw func()) {
				withdraw()
				s.imports(unshipped(asks(mug)))
				_, err := s.Decline(s.t.Context(), first, "anna", "It is packed.")
				require.NoError(s.t, err)
				_, err = s.ImportOrders(s.t.Context(), account, "", amazon.ReportMeta{Name: "orders.txt"}, strings.NewReader(unshipped(asks(tray))))
				require.NoError(s.t, err)
				accepted, err := s.Accept(s.t.Context(), cancel.AcceptRequest{Order: first, Items: []string{tray, mug}, By: "anna"})
				require.NoError(s.t, err)
				s.deliver()
				s.move(accepted[0].ID, queue.EntryWithdrawn)
				s.declines()
			},
			"another cancellation is asked for and taken back": func(s *shop, withdraw func()) {
				withdraw()
				r := ask(first)
				r.Key = "another"
				c := s.issue(r)
				s.deliver()
				s.move(c.ID, queue.EntryWithdrawn)
			},
		} {
			t.Run(string(at)+" "+name, func(t *testing.T) {
				s := open(t, settings.Policy{CancelledAt: at}, paid(so1, first))
				c := s.issue(ask(first))
				s.deliver()
				then(s, func() { s.move(c.ID, queue.EntryWithdrawn) })
				s.deliver()
				assert.Equal(t, order.StatusInProcess, s.order(so1).Status)
				assert.Empty(t, s.order(so1).Holds)
				assert.NotContains(t, s.alerted(), "stale")
			})
		}
	}
}

// While some units of an item are being cancelled for the seller's reason, that Amazon
// cancelled the others in the buyer's name does not end the wish: the rest would go out
// under a reason that counts against the seller.
func TestWishIsNotOverWhileUnitsOfItAreBeingCancelled(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	seller := s.issue(aMug())
	s.deliver()
	s.imports(unshipped(asks(mug)))
	buyer := s.accepts()[0]
	s.deliver()
	s.ship(so1)

	s.move(buyer.ID, queue.EntryAccepted, queue.Result{Part: mug, Verdict: amazon.VerdictAccepted})
	s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderPartiallyShipped, Items: []amazon.ItemState{{ID: mug, Ordered: 2, Unfulfilled: 1}}}
	s.step(time.Hour)
	require.Equal(t, cancel.Confirmed, s.read(buyer.ID).Proof)
	assert.Equal(t, cancel.RequestAccepted, s.wishes()[mug].State)
	p, err := s.Prepare(t.Context(), []queue.Entry{s.entry(seller.ID)})
	require.NoError(t, err)
	require.NotNil(t, p[0].Aside)
	assert.Contains(t, p[0].Aside.Why, "withdraw this one first")

	s.move(seller.ID, queue.EntryWithdrawn)
	s.deliver()
	assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)
	assert.Equal(t, amazon.ReasonBuyerCancelled, s.accepts()[0].Reason)
}

// An order that the host does not have can be declined, and one that Amazon ships is
// Amazon's.
func TestUnknownOrderIsDecidedOrAmazons(t *testing.T) {
	s := open(t, settings.Policy{})
	s.imports(unshipped(asks(mug)))
	s.declines()
	assert.Equal(t, cancel.RequestDeclined, s.wishes()[mug].State)
	assert.True(t, s.wishes()[mug].LookAt.IsZero())

	s.imports(unshipped(asks(tray)))
	o := paid(so1, first)
	o.Fulfilment = order.ByAmazon
	s.book.orders = append(s.book.orders, o)
	s.step(time.Hour)
	assert.Equal(t, cancel.RequestOver, s.wishes()[tray].State)
	assert.Empty(t, s.order(so1).Holds)
}

// busy is a store in which somebody else is faster a few times.
type busy struct {
	*memory.Store
	conflicts int
}

func (b *busy) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	if b.conflicts > 0 {
		b.conflicts--
		return fmt.Errorf("head: %w", store.ErrConflict)
	}
	return b.Store.SaveCancellations(ctx, cs)
}

// A conflict has the decision made again, ten times at most.
func TestWishesAfterConflicts(t *testing.T) {
	st := &busy{Store: memory.New()}
	c, err := cancel.New(cancel.Config{
		Store: st, Book: &shelf{orders: []order.Order{paid(so1, first)}}, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{},
		Now: func() time.Time { return morning },
	})
	require.NoError(t, err)
	imports := func() error {
		in, err := c.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, strings.NewReader(unshipped(asks(mug), asks(tray))))
		assert.True(t, err != nil || in.New == 2, "counted once")
		return err
	}
	st.conflicts = 10
	require.ErrorIs(t, imports(), store.ErrConflict)
	st.conflicts = 9
	require.NoError(t, imports())

	decline := func() error { _, err := c.Decline(t.Context(), first, "anna", "", mug); return err }
	st.conflicts = 10
	require.ErrorIs(t, decline(), store.ErrConflict)
	st.conflicts = 9
	require.NoError(t, decline())

	accept := func() error {
		_, err := c.Accept(t.Context(), cancel.AcceptRequest{Order: first, By: "anna"})
		return err
	}
	st.conflicts = 10
	require.ErrorIs(t, accept(), store.ErrConflict)
	st.conflicts = 9
	require.NoError(t, accept())
}
