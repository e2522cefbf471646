package refund_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := refund.New(refund.Config{Settings: settings.Fixed{}})
	assert.ErrorContains(t, err, "Store, Book, Accounts and Settings")
}

// One save writes the refund, its reservation, its entry, and what the host's
// order shall show.
func TestIssue(t *testing.T) {
	s := newShop(t, settings.Settings{Queue: true}, newOrder())
	r := exactly("k1", "12.00")
	r.Comment = "scratched"
	issued := s.issue(r)

	assert.Empty(t, cmp.Diff(issued, s.refund(issued.ID)), "what is answered is what is stored")
	assert.Equal(t, "host/k1", issued.Key)
	assert.Equal(t, int64(1), s.ledger().Version)
	assert.Empty(t, cmp.Diff(principal("12.00"), s.ledger().Held(issued.Cause(), lamp)))
	asked := order.Stamp{By: "ann", At: noon, Why: "scratched"}
	assert.Empty(t, cmp.Diff(queue.Entry{
		ID: issued.ID, Version: 1, Kind: queue.KindRefund, Feed: amazon.RefundFeed,
		HostOrder: order.ID{Company: "acme", Number: "SO-1"}, Order: sold,
		Amount: order.Money{Amount: dec("12.00"), Currency: "USD"}, Label: "LAMP",
		State: queue.EntryQueued, Mode: settings.Manual, QueuedAt: noon, Requested: asked, Changed: asked,
	}, s.entry(issued.ID)))
	assert.Empty(t, cmp.Diff(order.Payment{
		Status: order.PaymentCharged, Pending: dec("12"), Currency: "USD",
	}, s.payment()), "the money is pending until Amazon has accepted the refund")
	require.Len(t, s.events(), 1)
	assert.Equal(t, "refund "+string(issued.ID), s.events()[0].Subject)
	assert.Equal(t, asked, s.events()[0].Stamp)
}

func TestIssueNeedsAKeyOrAToken(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	_, err := s.Issue(t.Context(), exactly("", "5.00"))
	require.ErrorIs(t, err, refund.ErrUnconfirmed)

	s.issue(exactly("k", "5.00"))
	s.issue(s.confirm(exactly("", "5.00")))
}

func TestIssueKnowsNoOrder(t *testing.T) {
	s := newShop(t, settings.Settings{})
	_, err := s.Issue(t.Context(), exactly("k", "5.00"))
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.Refund(t.Context(), "RF404")
	require.ErrorIs(t, err, store.ErrNotFound)
	assert.ErrorContains(t, err, "RF404")
}

// A double click, a retried call: the first refund, and nothing saved.
func TestARepeatMeetsTheFirst(t *testing.T) {
	for _, tt := range []struct {
		name    string
		confirm func(*shop, refund.Request) refund.Request
	}{
		{"the host's key", func(_ *shop, r refund.Request) refund.Request { r.Key = "k"; return r }},
		{"a confirmed token", (*shop).confirm},
		{"a confirmed token of an RMA", func(s *shop, r refund.Request) refund.Request { r.RMA = "RM1"; return s.confirm(r) }},
		{"both", func(s *shop, r refund.Request) refund.Request { r.Key = "k"; return s.confirm(r) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			r := tt.confirm(s, ask(refund.Ask{Item: lamp, Units: 3}))
			first := s.issue(r)
			head := s.ledger().Version

			again := r
			again.By, again.Comment = "bob", "again"
			d := s.draft(again)
			assert.True(t, d.Existing)
			require.NoError(t, d.Save(t.Context(), s.store))
			assert.Empty(t, cmp.Diff(first, s.issue(again)))
			assert.Equal(t, head, s.ledger().Version, "nothing was saved")

			s.apply(s.sent(first.ID, queue.EntryAccepted, accepted(lamp)))
			assert.True(t, s.draft(again).Existing, "whatever became of it")
		})
	}
}

// The content is compared as values: 5 is 5.00.
func TestAKeyBelongsToOneContent(t *testing.T) {
	elsewhere := newOrder()
	elsewhere.ID.Number, elsewhere.Amazon.Number = "SO-2", "222-7654321-7654321"
	s := newShop(t, settings.Settings{}, newOrder(), elsewhere)
	first := s.issue(exactly("k", "5.00"))
	assert.Equal(t, first.ID, s.issue(exactly("k", "5")).ID)

	for i, change := range []func(*refund.Request){
		func(r *refund.Request) { r.Lines[0].Amounts = principal("5.01") },
		func(r *refund.Request) { r.Lines[0].Units = 1 },
		func(r *refund.Request) { r.Lines = append(r.Lines, refund.Ask{Item: mug, Units: 1}) },
		func(r *refund.Request) { r.Reason = amazon.ReasonPriceError },
		func(r *refund.Request) { r.Origin, r.Lines[0].Amounts = refund.FromGoodwill, goodwill("5.00") },
		func(r *refund.Request) { r.Lines[0].Fees = order.Amounts{order.LabelCost: dec("1")} },
		func(r *refund.Request) { r.SurplusAs = order.ReturnShipping },
		func(r *refund.Request) { r.RMA = "RM1" },
		func(r *refund.Request) { r.Order = elsewhere.Amazon },
	} {
		r := exactly("k", "5.00")
		change(&r)
		_, err := s.Issue(t.Context(), r)
		assert.ErrorIs(t, err, refund.ErrKeyReused, i)
		assert.ErrorContains(t, err, string(first.ID))
	}
	assert.Equal(t, int64(1), s.ledger().Version)
}

func TestTwoHonestRefundsOfFive(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	first := s.issue(s.confirm(exactly("", "5.00")))
	second := s.issue(s.confirm(exactly("", "5.00")))
	assert.NotEqual(t, first.ID, second.ID)
	assert.Empty(t, cmp.Diff(principal("20.00"), order.Amounts{order.Principal: s.ledger().Left(lamp)[order.Principal]}))
}

// When Amazon refused the first, the balances are what they were before it. What
// somebody sees and confirms then is a second refund, not the refused one.
func TestAnEqualRefundAfterARefusalIsAnother(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	confirmed := s.confirm(exactly("", "5.00"))
	first := s.issue(confirmed)
	s.apply(s.sent(first.ID, queue.EntryRefused, refused(lamp)))

	again, err := s.Issue(t.Context(), confirmed)
	require.ErrorIs(t, err, refund.ErrEnded, "a repeat says that nothing will be paid")
	assert.Equal(t, first.ID, again.ID)
	assert.NotEmpty(t, s.draft(confirmed).Warnings)

	second := s.issue(s.confirm(exactly("", "5.00")))
	assert.NotEqual(t, first.ID, second.ID)
	assert.Equal(t, refund.LineOpen, second.Lines[0].Outcome)
}

func TestATokenIsGoodForWhatWasShown(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	shown := s.confirm(exactly("", "5.00"))

	changed := shown
	changed.Lines = []refund.Ask{{Item: lamp, Amounts: principal("6.00")}}
	_, err := s.Issue(t.Context(), changed)
	require.ErrorIs(t, err, store.ErrConflict, "other content than was shown")

	meanwhile := s.issue(exactly("k", "1.00"))
	_, err = s.Issue(t.Context(), shown)
	require.ErrorIs(t, err, store.ErrConflict, "other balances than were shown")

	s.apply(s.sent(meanwhile.ID, queue.EntryAccepted, accepted(lamp)))
	shown = s.confirm(exactly("", "5.00"))
	first := s.issue(shown)
	changed.Token = shown.Token
	_, err = s.Issue(t.Context(), changed)
	require.ErrorIs(t, err, store.ErrConflict, "the token confirmed another content")
	assert.ErrorContains(t, err, string(first.ID))
}

// The ordinal of an RMA's refund is the one that was shown, not counted again.
func TestRefundsOfAnRMAAreNumbered(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	unit := ask(refund.Ask{Item: lamp, Units: 1, Returned: 2})
	unit.RMA = "RM1"

	one := s.confirm(unit)
	first := s.issue(one)
	assert.Equal(t, "rma/RM1/1", first.Key)
	assert.Equal(t, refund.FromRMA, first.Origin)
	two := s.confirm(unit)
	assert.Contains(t, fmt.Sprint(s.draft(unit).Warnings), string(first.ID), "the person sees the first one")
	second := s.issue(two)
	assert.Equal(t, "rma/RM1/2", second.Key)
	assert.Equal(t, 2, second.Ordinal)

	assert.Equal(t, first.ID, s.issue(one).ID)
	assert.Equal(t, second.ID, s.issue(two).ID)
	_, err := s.Draft(t.Context(), unit)
	assert.ErrorIs(t, err, order.ErrOver, "two units come back, and both are refunded")
}

// Two people are shown the same RMA; the second to confirm has not seen the
// first one's refund.
func TestAnRMARefundThatSomebodyElseIssued(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	one, two := ask(refund.Ask{Item: lamp, Units: 1}), ask(refund.Ask{Item: lamp, Units: 2})
	one.RMA, two.RMA = "RM1", "RM1"
	one, two = s.confirm(one), s.confirm(two)
	s.issue(one)
	_, err := s.Issue(t.Context(), two)
	assert.ErrorIs(t, err, store.ErrConflict)
	assert.ErrorContains(t, err, "RM1")
}

func TestOverRefundIsConfirmedAndRecorded(t *testing.T) {
	s := newShop(t, settings.Settings{AllowOverRefund: true}, newOrder())
	r := exactly("k", "70.00")
	r.OverRefund = true
	_, err := s.Issue(t.Context(), r)
	require.ErrorIs(t, err, refund.ErrUnconfirmed, "a key alone does not show that somebody saw the draft")
	assert.Zero(t, s.ledger().Version)

	issued := s.issue(s.confirm(r))
	assert.Equal(t, "6.5", issued.Surplus.String())
	assert.Empty(t, cmp.Diff(principal("30.00").Plus(goodwill("40.00")), s.ledger().Held(issued.Cause(), lamp)))
	assert.Equal(t, "-6.5", s.ledger().LeftTotal().String())
	last := s.events()[len(s.events())-1]
	assert.Equal(t, "over-refund of 6.50 USD", last.Text)
	assert.Equal(t, "ann", last.By)
}

func TestSaveWritesOnce(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	d := s.draft(exactly("k", "5.00"))
	require.NoError(t, d.Save(t.Context(), s.store))
	assert.ErrorIs(t, d.Save(t.Context(), s.store), store.ErrConflict)
	assert.Equal(t, int64(1), s.ledger().Version)
	assert.Error(t, refund.Draft{}.Save(t.Context(), s.store), "a draft that answered an error")
}

// What a caller does to a draft that it was shown does not change what is saved.
func TestSaveWritesWhatWasDecided(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	r := exactly("k", "5.00")
	d := s.draft(r)
	d.Refund.Lines[0].Amounts[order.Principal] = dec("500.00")
	d.Refund.Lines[0].Item = mug
	r.Lines[0].Amounts[order.Principal] = dec("600.00")
	require.NoError(t, d.Save(t.Context(), s.store))

	stored := s.refund(d.Refund.ID)
	assert.Equal(t, "5.00 USD", stored.Total().String())
	assert.Equal(t, lamp, stored.Lines[0].Item)
	assert.Empty(t, cmp.Diff(principal("5.00"), stored.Asked[0].Amounts))
}

func TestSaveConflictsWhenTheOrderMoved(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	r := s.confirm(exactly("", "5.00"))
	d := s.draft(r)
	s.write()
	require.ErrorIs(t, d.Save(t.Context(), s.store), store.ErrConflict)
	assert.Empty(t, s.ledger().Postings, "nothing was saved")
	require.NoError(t, s.draft(r).Save(t.Context(), s.store), "drafted again with the same token")
}

// The order is read after the head of its ledger: an order as it was before
// somebody else's save must not correct the charges that came with it.
func TestIssueReadsTheHeadFirst(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	grown := newOrder()
	grown.Lines[0].Charges = grown.Lines[0].Charges.Plus(principal("9.00"))
	s.book.during = func() {
		s.book.mu.Lock()
		s.book.orders = []order.Order{grown}
		s.book.mu.Unlock()
		s.issue(exactly("theirs", "39.00"))
	}
	ours := ask(refund.Ask{Item: lamp, Amounts: order.Amounts{order.Tax: dec("1.00")}})
	ours.Key = "ours"
	s.issue(ours)
	assert.Empty(t, cmp.Diff(grown.Lines[0].Paid(), s.ledger().Sum(order.Charged, lamp)))
}

// A charge that the host corrects is followed, and shows in the balances.
func TestIssueFollowsCorrectedCharges(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	s.issue(exactly("k1", "30.00"))
	_, err := s.Issue(t.Context(), exactly("k2", "1.00"))
	require.ErrorIs(t, err, order.ErrOver)

	s.book.orders[0].Lines[0].Promotions = nil
	s.issue(exactly("k2", "3.00"))
	assert.Empty(t, cmp.Diff(principal("33.00"), order.Amounts{order.Principal: s.ledger().Sum(order.Charged, lamp)[order.Principal]}))
}

// Law 5, under load: whatever is issued at once, no reservation is granted beyond
// what is left, at any moment.
func TestReservationsNeverExceedCharges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newShop(t, settings.Settings{}, newOrder())
		requests := []refund.Request{exactly("fits alone", "0.01")}
		for i := range rapid.IntRange(2, 12).Draw(rt, "requests") {
			r := refund.Request{Order: sold, Reason: amazon.ReasonCustomerReturn, By: "ann", Key: fmt.Sprint(i)}
			for _, item := range rapid.Permutation([]string{lamp, mug}).Draw(rt, "items")[:rapid.IntRange(1, 2).Draw(rt, "lines")] {
				r.Lines = append(r.Lines, rapid.OneOf(
					rapid.Custom(func(rt *rapid.T) refund.Ask {
						return refund.Ask{Item: item, Units: rapid.IntRange(1, 2).Draw(rt, "units"), Shipping: rapid.Bool().Draw(rt, "shipping")}
					}),
					rapid.Custom(func(rt *rapid.T) refund.Ask {
						return refund.Ask{Item: item, Amounts: order.Amounts{
							rapid.SampledFrom([]order.Component{order.Principal, order.Tax, order.Goodwill}).Draw(rt, "component"): decimal.New(rapid.Int64Range(1, 4000).Draw(rt, "amount"), -2),
						}}
					}),
				).Draw(rt, "ask"))
			}
			requests = append(requests, r)
		}

		issued := make([]error, len(requests))
		var wg sync.WaitGroup
		for i, r := range requests {
			wg.Go(func() { _, issued[i] = s.Issue(t.Context(), r) })
		}
		wg.Wait()

		saved := 0
		for _, err := range issued {
			if err == nil {
				saved++
			}
			assert.True(rt, err == nil || errors.Is(err, order.ErrOver) || errors.Is(err, refund.ErrNotShipped) || errors.Is(err, store.ErrConflict), "%v", err)
		}
		l := s.ledger()
		assert.Equal(rt, int64(saved), l.Version, "each refund is one save")
		assert.NotZero(rt, saved, "what comes first fits")
		for n := range l.Postings {
			at := order.Ledger{Order: sold, Postings: l.Postings[:n+1]}
			if l.Postings[n].Balance == order.Charged {
				continue // the charges come line by line
			}
			assert.False(rt, at.LeftTotal().IsNegative(), "after posting %d", n+1)
			for _, item := range at.Items() {
				for c, left := range at.Left(item) {
					assert.False(rt, c.Charged() && left.IsNegative(), "%s of %s after posting %d", c, item, n+1)
				}
			}
		}
	})
}

// Of drafts that were made on one version exactly one is saved.
func TestOneSaveWinsAVersion(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	drafts := make([]refund.Draft, 16)
	for i := range drafts {
		drafts[i] = s.draft(exactly(fmt.Sprint(i), "1.00"))
	}
	saved := make([]error, len(drafts))
	var wg sync.WaitGroup
	for i, d := range drafts {
		wg.Go(func() { saved[i] = d.Save(t.Context(), s.store) })
	}
	wg.Wait()

	lost := slices.DeleteFunc(saved, func(err error) bool { return err == nil })
	assert.Len(t, lost, len(drafts)-1)
	for _, err := range lost {
		assert.ErrorIs(t, err, store.ErrConflict)
	}
	assert.Equal(t, "1", s.ledger().Total(order.Reserved).String())
	all, err := s.Refunds(t.Context(), refund.Query{Orders: []order.AmazonID{sold}})
	require.NoError(t, err)
	assert.Len(t, all, 1)
}
