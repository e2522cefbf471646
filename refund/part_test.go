package refund_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// splitMug splits a mug that was not shipped off and asks to cancel it.
func (s *shop) splitMug() queue.EntryID {
	s.t.Helper()
	one := []order.LineQuantity{{Item: mug, Quantity: 1}}
	c, err := s.cancels().Issue(s.t.Context(), cancel.Request{Order: sold, Split: one, SplitTo: "SO-1-B", Reason: amazon.ReasonNoInventory, By: "ben"})
	require.NoError(s.t, err)
	rest, part, err := order.Split(s.book.orders[0], "SO-1-B", one)
	require.NoError(s.t, err)
	s.book.orders = []order.Order{rest, part}
	return c.ID
}

func (s *shop) cancels() *cancel.Service {
	s.t.Helper()
	c, err := cancel.New(cancel.Config{
		Store: s.store, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{}, Now: func() time.Time { return s.clock() },
	})
	require.NoError(s.t, err)
	return c
}

// cancelled has the queue say what became of a cancellation.
func (s *shop) cancelled(e queue.Entry) {
	s.t.Helper()
	require.NoError(s.t, s.cancels().Apply(s.t.Context(), []queue.Entry{e}))
}

// What becomes of the part, and so whether what Amazon shows of a mug is explained.
func parts(s *shop) map[string]func(queue.EntryID) queue.Entry {
	return map[string]func(queue.EntryID) queue.Entry{
		"waits":      func(id queue.EntryID) queue.Entry { return s.decided(id, queue.EntryAwaitingShipment) },
		"was sent":   func(id queue.EntryID) queue.Entry { return s.sent(id, queue.EntryUnknownResult, unknown(mug)) },
		"accepted":   func(id queue.EntryID) queue.Entry { return s.sent(id, queue.EntryAccepted, accepted(mug)) },
		"refused":    func(id queue.EntryID) queue.Entry { return s.sent(id, queue.EntryRefused, refused(mug)) },
		"in Central": func(id queue.EntryID) queue.Entry { return s.decided(id, queue.EntrySettledOutside) },
	}
}

// Amazon pays for a part that is cancelled. That keeps no refund of the other units
// back, neither when it is asked for nor when it is sent.
func TestWhatWasPaidForACancelledPart(t *testing.T) {
	once := func(b *refund.Booked) { b.Item, b.SKU = mug, "MUG" }
	for name, tt := range map[string]struct {
		part     string
		booked   []refund.Booked
		finances []amazon.FinancialRefund
		found    []string
	}{
		"in a settlement":                      {"accepted", []refund.Booked{row("S1/7", "10.00", once)}, nil, nil},
		"in Amazon's books":                    {"accepted", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, nil},
		"in both":                              {"accepted", []refund.Booked{row("S1/7", "10.00", once)}, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, nil},
		"done another way":                     {"in Central", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, nil},
		"before Amazon has answered":           {"was sent", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, nil},
		"twice":                                {"accepted", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour), booked("MUG", "10.00", 2*time.Hour)}, []string{"R1"}},
		"another amount":                       {"accepted", nil, []amazon.FinancialRefund{booked("MUG", "9.00", time.Hour)}, []string{"R1"}},
		"long before":                          {"accepted", []refund.Booked{row("S1/7", "10.00", once, func(b *refund.Booked) { b.PostedAt = noon.Add(-3 * day) })}, nil, []string{"S1/7"}},
		"a part that Amazon was not told of":   {"waits", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, []string{"R1"}},
		"a part that Amazon did not carry out": {"refused", nil, []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}, []string{"R1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, policy(warnOfRefunded), newOrder())
			s.cancelled(parts(s)[tt.part](s.splitMug()))
			s.showing(tt.booked...)
			s.watch(&accounting{booked: tt.finances})
			r := ask(refund.Ask{Item: mug, Amounts: principal("2.00")})
			r.Key, r.Look = "k", true
			assert.Equal(t, tt.found, s.draft(r).Refund.Seen)
		})
	}
}

// What a settlement took for the part is explained by it, whatever it comes to, and
// nothing else is.
func TestWhatASettlementTookForACancelledPart(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.splitMug()
	s.cancelled(parts(s)["accepted"](id))
	books := s.showing(row("S1/7", "9.00", func(b *refund.Booked) { b.Item, b.SKU, b.Cancellation = mug, "MUG", id }))
	r := ask(refund.Ask{Item: mug, Units: 1})
	r.Key = "k"
	back := s.issue(r).ID
	assert.Nil(t, s.prepare(back)[0].Aside)

	books.booked = append(books.booked, row("S1/9", "10.00", func(b *refund.Booked) { b.Item, b.SKU = mug, "MUG" }))
	aside := s.prepare(back)[0].Aside
	require.NotNil(t, aside, "the part has its booking already")
	assert.Contains(t, aside.Why, "S1/9")
	assert.NotContains(t, aside.Why, "S1/7")
}

// A refund whose answer was lost is not taken for paid because the part was.
func TestACancelledPartIsNoProofOfARefund(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	s.cancelled(parts(s)["accepted"](s.splitMug()))
	r := ask(refund.Ask{Item: mug, Units: 1})
	r.Key = "k"
	id := s.issue(r).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	s.clock = func() time.Time { return noon.Add(2 * day) }
	books := &accounting{booked: []amazon.FinancialRefund{booked("MUG", "10.00", time.Hour)}}
	s.watch(books)
	assert.Empty(t, s.testify(id).Results)
	books.booked = append(books.booked, booked("MUG", "10.00", 2*time.Hour))
	assert.Len(t, s.testify(id).Results, 1)
}

// The units that are not cancelled have their whole price, though the host leaves the
// cancelled ones on their line: at once, and when they are gone.
func TestTheOtherUnitsOfACancelledPart(t *testing.T) {
	three := newOrder()
	three.Lines[1].Ordered, three.Lines[1].Charges = 3, principal("30.00")
	for name, o := range map[string]order.Order{"the other one is shipped": newOrder(), "one more waits": three} {
		for part := range parts(nil) {
			if part == "refused" {
				continue
			}
			t.Run(name+", the part "+part, func(t *testing.T) {
				s := newShop(t, settings.Settings{}, o)
				s.cancelled(parts(s)[part](s.splitMug()))
				for _, a := range []refund.Ask{{Item: mug, Units: 1}, {Item: mug, Amounts: principal("10.00")}} {
					assert.Equal(t, "Principal 10", s.draft(ask(a)).Total.String())
				}
				_, err := s.Draft(t.Context(), ask(refund.Ask{Item: mug, Amounts: principal("10.01")}))
				require.Error(t, err)
				_, err = s.Draft(t.Context(), ask(refund.Ask{Item: mug, Units: 2}))
				require.Error(t, err)

				r := ask(refund.Ask{Item: mug, Amounts: principal("10.00")})
				r.Key = "k"
				assert.Nil(t, s.prepare(s.issue(r).ID)[0].Aside)
			})
		}
	}
}

// A split moves no money: whatever becomes of a refund, both host orders show how that
// of the Amazon order stands.
func TestBothHostOrdersShowTheMoney(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	s.splitMug()
	r := s.issue(s.confirm(ask(refund.Ask{Item: lamp, Units: 1})))
	issued := s.payments()
	assert.Equal(t, map[string]order.PaymentStatus{"SO-1": order.PaymentCharged, "SO-1-B": order.PaymentCharged}, issued)
	require.NoError(t, s.Apply(t.Context(), []queue.Entry{s.sent(r.ID, queue.EntryAccepted, accepted(lamp))}))
	assert.Equal(t, map[string]order.PaymentStatus{"SO-1": order.PartialRefund, "SO-1-B": order.PartialRefund}, s.payments())
}

// payments are what the host orders were last told about their money.
func (s *shop) payments() map[string]order.PaymentStatus {
	s.t.Helper()
	es, err := s.store.Effects(s.t.Context(), noon.AddDate(1, 0, 0), 1000)
	require.NoError(s.t, err)
	shown := map[string]order.PaymentStatus{}
	for _, e := range es {
		if e.Kind == order.EffectPayment {
			shown[e.Order.Number] = e.Payment.Status
		}
	}
	return shown
}
