package refund_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func (s *shop) prepare(ids ...queue.EntryID) []queue.Prepared {
	s.t.Helper()
	var es []queue.Entry
	for _, id := range ids {
		es = append(es, s.entry(id))
	}
	ps, err := s.Prepare(s.t.Context(), es)
	require.NoError(s.t, err)
	return ps
}

// write saves postings that are not of a refund here.
func (s *shop) write(ps ...order.Posting) {
	s.t.Helper()
	w := order.Writes{Order: sold, Version: s.ledger().Version, Postings: ps}
	require.NoError(s.t, s.store.SaveRefunds(s.t.Context(), []refund.Change{{Writes: w}}))
}

func TestPrepareMakesOneMessageForEachLine(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(both("k")).ID
	message := func(item, suffix, amount string) queue.PreparedMessage {
		return queue.PreparedMessage{Part: item, Message: amazon.Adjustment{
			Order: sold.Number, Item: item, AdjustmentID: string(id) + suffix,
			Reason: amazon.RefundCustomerReturn, Currency: "USD", Amounts: principal(amount),
		}}
	}
	want := []queue.Prepared{{
		Entry: id, Order: order.Writes{Order: sold, Version: 1},
		Messages: []queue.PreparedMessage{message(lamp, "-1-1", "12"), message(mug, "-2-1", "4")},
	}}
	assert.Empty(t, cmp.Diff(want, s.prepare(id)))
	assert.EqualValues(t, 1, s.ledger().Version, "it only reads")

	// What has its answer is not sent again, and the next attempt has its number.
	s.apply(s.sent(id, queue.EntryNeedsDecision, accepted(lamp), unknown(mug)))
	want[0].Order.Version, want[0].Messages = 2, []queue.PreparedMessage{message(mug, "-2-2", "4")}
	assert.Empty(t, cmp.Diff(want, s.prepare(id)))
}

func TestPrepareLeavesOutWhatIsNoRefund(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	ps, err := s.Prepare(t.Context(), []queue.Entry{{ID: "RFNONE", Order: sold}})
	require.NoError(t, err)
	assert.Empty(t, ps)
}

// What the host can put right waits; where money is not as it should be, a
// person looks.
func TestPrepareSetsAsideWhatChanged(t *testing.T) {
	lines := func(edit func(*order.Line)) func(*shop) {
		return func(s *shop) { edit(&s.book.orders[0].Lines[0]) }
	}
	whole := func(edit func(*order.Order)) func(*shop) {
		return func(s *shop) { edit(&s.book.orders[0]) }
	}
	for _, tt := range []struct {
		name   string
		change func(*shop)
		state  queue.State
		why    string
	}{
		{"the order vanished", func(s *shop) { s.book.orders = nil }, queue.EntryQueued, "the host's order book does not have the order any more"},
		{"the item vanished", whole(func(o *order.Order) { o.Lines = o.Lines[1:] }), queue.EntryQueued, "item " + lamp + " is in none of the host's orders any more"},
		{"the order is broken", whole(func(o *order.Order) { o.Lines = nil }), queue.EntryQueued, "order acme/SO-1: no lines"},
		{"Amazon fulfils it", whole(func(o *order.Order) { o.Fulfilment = order.ByAmazon }), queue.EntryQueued, "order is fulfilled by Amazon"},
		{"the currency is another", whole(func(o *order.Order) { o.Currency = "EUR" }), queue.EntryQueued, "another currency: EUR where the ledger of acme-us/111-1234567-1234567 has USD"},
		{"it is not shipped after all", lines(func(l *order.Line) { l.Shipped = 0 }), queue.EntryAwaitingShipment, "units are not confirmed as shipped"},
		{"less was charged", lines(func(l *order.Line) { l.Promotions = principal("21.01") }), queue.EntryQueued,
			"item " + lamp + ": Principal is overdrawn: 0.01 USD more is posted and reserved than the order says was charged"},
		{"the reservation is gone", func(s *shop) {
			l := s.ledger()
			s.write(l.Void(order.Cause{Kind: order.CauseRefund, ID: l.Postings[len(l.Postings)-1].Cause.ID}, lamp, order.Stamp{})...)
		}, queue.EntryNeedsDecision, "item " + lamp + ": nothing is reserved where the refund has Principal 12.00 USD"},
		{"Amazon refunded it by itself", func(s *shop) {
			s.write(order.Posting{
				Order: sold, Seq: len(s.ledger().Postings) + 1, Item: lamp, Component: order.Principal, Balance: order.Posted,
				Amount: dec("18.01"), Currency: "USD", Cause: order.Cause{Kind: order.CauseAmazon, ID: "A1"},
			})
		}, queue.EntryQueued, "item " + lamp + ": Principal is overdrawn: 0.01 USD more is posted and reserved than the order says was charged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			id := s.issue(exactly("k", "12.00")).ID
			require.Nil(t, s.prepare(id)[0].Aside)
			tt.change(s)
			aside := s.prepare(id)[0].Aside
			require.NotNil(t, aside)
			assert.Equal(t, tt.state, aside.State)
			assert.Contains(t, aside.Why, tt.why)
			assert.True(t, aside.NotBefore.IsZero())
		})
	}
}

func TestPrepareStillSendsWhenTheChangeLeavesRoom(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	s.book.orders[0].Lines[0].Promotions = principal("21.00")
	p := s.prepare(id)[0]
	assert.Nil(t, p.Aside)
	assert.Len(t, p.Messages, 1)
}

// The same entries again are of versions that are gone: nothing is posted or told
// twice, and what is new among them is saved.
func TestApplyRepeatedChangesNothing(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	first, second := s.issue(exactly("k1", "12.00")).ID, s.issue(exactly("k2", "5.00")).ID
	paid := s.sent(first, queue.EntryAccepted, accepted(lamp))
	s.apply(paid)
	before, events := s.ledger(), s.events()

	assert.ErrorIs(t, s.Apply(t.Context(), []queue.Entry{paid}), store.ErrConflict)
	assert.Empty(t, cmp.Diff(before, s.ledger()))
	assert.Empty(t, cmp.Diff(events, s.events()))

	err := s.Apply(t.Context(), []queue.Entry{paid, s.sent(second, queue.EntryRefused, refused(lamp))})
	assert.ErrorIs(t, err, store.ErrConflict)
	assert.Equal(t, before.Version+1, s.ledger().Version)
	assert.Equal(t, "12.00", s.ledger().Total(order.Posted).StringFixed(2))
	assert.True(t, s.ledger().Total(order.Reserved).IsZero())
	assert.Equal(t, refund.LineVoided, s.refund(second).Lines[0].Outcome)
}

// Two refunds of one order are settled in one save, the second on what the first
// one leaves.
func TestApplySettlesTwoRefundsOfAnOrder(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	first, second := s.issue(exactly("k1", "12.00")).ID, s.issue(exactly("k2", "5.00")).ID
	counted := &busyStore{Store: s.store}
	service, err := refund.New(refund.Config{Store: counted, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{}})
	require.NoError(t, err)
	require.NoError(t, service.Apply(t.Context(), []queue.Entry{
		s.sent(first, queue.EntryAccepted, accepted(lamp)), s.sent(second, queue.EntryAccepted, accepted(lamp)),
	}))
	assert.Equal(t, 1, counted.saves)
	assert.Equal(t, "17.00", s.ledger().Total(order.Posted).StringFixed(2))
	assert.Equal(t, "17", s.payment().Refunded.String())
	assert.Len(t, s.events(), 4)
}

func TestApplyOfNoRefund(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	err := s.Apply(t.Context(), []queue.Entry{{ID: "RFNONE", Order: sold}})
	assert.ErrorIs(t, err, store.ErrNotFound)
	assert.ErrorContains(t, err, "RFNONE")
}

// An order book that cannot be read is no order that vanished.
func TestPrepareWithoutTheOrderBook(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	service, err := refund.New(refund.Config{Store: s.store, Book: closedBook{}, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{}})
	require.NoError(t, err)
	ps, err := service.Prepare(t.Context(), []queue.Entry{s.entry(id)})
	require.ErrorIs(t, err, errClosed)
	assert.ErrorContains(t, err, "order book")
	assert.Empty(t, ps)
}

type closedBook struct{ order.Book }

var errClosed = errors.New("closed")

func (closedBook) Orders(context.Context, []order.AmazonID) ([]order.Order, error) {
	return nil, errClosed
}
