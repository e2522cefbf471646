package refund_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// settlements are what settlements showed of the order.
type settlements struct {
	booked   []refund.Booked
	recorded []queue.EntryID
	err      error
}

func (b *settlements) Booked(_ context.Context, id order.AmazonID) ([]refund.Booked, error) {
	if id != sold {
		return nil, errors.New("asked for another order")
	}
	return b.booked, b.err
}

func (b *settlements) Recorded(_ context.Context, r refund.Refund) error {
	b.recorded = append(b.recorded, r.ID)
	return b.err
}

// showing has settlements show these bookings.
func (s *shop) showing(bs ...refund.Booked) *settlements {
	s.t.Helper()
	books := &settlements{booked: bs}
	s.with(func(c *refund.Config) { c.Books = books })
	return books
}

// row is a booking of the lamps an hour after noon.
func row(name, amount string, change ...func(*refund.Booked)) refund.Booked {
	b := refund.Booked{Name: name, Item: lamp, SKU: "LAMP", Amounts: principal(amount), Currency: "USD", PostedAt: noon.Add(time.Hour)}
	for _, c := range change {
		c(&b)
	}
	return b
}

var warnOfRefunded = settings.Policy{AlreadyRefunded: settings.AlreadyRefundedWarn}

// What settlements show and no refund of ours explains is named, by policy as an
// error or as a caution that somebody must have read.
func TestWhatWentBackAlready(t *testing.T) {
	of := func(id queue.EntryID) func(*refund.Booked) { return func(b *refund.Booked) { b.Refund = id } }
	for _, tt := range []struct {
		name   string
		booked []refund.Booked
		found  []string
	}{
		{"nothing", nil, nil},
		{"the same item", []refund.Booked{row("S1/7", "12.00")}, []string{"12.00 USD", "LAMP", "2026-11-02T13:00:00Z", "S1/7"}},
		{"the same product under a changed item ID", []refund.Booked{row("S1/7", "12.00", func(b *refund.Booked) { b.Item = "77777777777777" })}, []string{"S1/7"}},
		{"no product at all", []refund.Booked{row("S1/7", "12.00", func(b *refund.Booked) { b.Item, b.SKU = "", "" })}, []string{"S1/7", "no product"}},
		{"several", []refund.Booked{row("S1/7", "12.00"), row("S1/9", "1.00")}, []string{"S1/7", "S1/9"}},
		{"another item", []refund.Booked{row("S1/7", "12.00", func(b *refund.Booked) { b.Item, b.SKU = mug, "MUG" })}, nil},
		{"another item of the same product", []refund.Booked{row("S1/7", "12.00", func(b *refund.Booked) { b.Item = mug })}, nil},
		{"a refund of ours, as the settlement says", []refund.Booked{row("S1/7", "12.00", of("RF1"))}, nil},
		{"Amazon's own, which is posted", []refund.Booked{row("S1/7", "12.00", func(b *refund.Booked) { b.ByAmazonAlone = true })}, nil},
		{"money that came back", []refund.Booked{row("S1/7", "-12.00")}, nil},
		{"the one that is posted", []refund.Booked{row("S1/7", "5.00")}, nil},
		{"the one that is open", []refund.Booked{row("S1/7", "6.00")}, nil},
		{"the posted one and its double", []refund.Booked{row("S1/7", "5.00"), row("S1/9", "5.00")}, []string{"S1/9"}},
		{"the posted one, taken before, and its double", []refund.Booked{row("S1/7", "5.00", func(b *refund.Booked) { b.Refund = paidID }), row("S1/9", "5.00")}, []string{"S1/9"}},
		{"from long before ours", []refund.Booked{row("S1/7", "5.00", func(b *refund.Booked) { b.PostedAt = noon.Add(-3 * day) })}, []string{"S1/7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			paid := s.issue(exactly("paid", "5.00")).ID
			require.Equal(t, paidID, paid)
			s.apply(s.sent(paid, queue.EntryAccepted, accepted(lamp)))
			s.issue(exactly("open", "6.00"))
			s.showing(tt.booked...)
			r := exactly("k", "7.00")

			_, err := s.Issue(t.Context(), r)
			assert.Equal(t, tt.found != nil, errors.Is(err, refund.ErrAlreadyRefunded), "%v", err)
			for _, text := range tt.found {
				assert.ErrorContains(t, err, text)
			}

			s.with(func(c *refund.Config) { c.Settings = settings.Fixed(policy(warnOfRefunded)) })
			cautions := s.draft(exactly("k2", "7.00")).Cautions
			assert.Equal(t, tt.found != nil, len(cautions) == 1 && cautions[0].Code == refund.CautionAlreadyRefunded)
			for _, text := range tt.found {
				assert.Contains(t, cautions[0].Text, text)
			}
		})
	}
}

// paidID is the refund under the key "paid".
var paidID = queue.NewEntryID(queue.KindRefund, "acme", "host/paid")

// A draft may ask Amazon itself. What both sources show counts once, by whichever
// explains it.
func TestALookAtAmazonsBooks(t *testing.T) {
	taken := func(b *refund.Booked) { b.Refund = "RF1" }
	for _, tt := range []struct {
		name    string
		live    []amazon.FinancialRefund
		settled []refund.Booked
		look    bool
		found   []string
	}{
		{"nobody looks", []amazon.FinancialRefund{booked("LAMP", "12.00", 0)}, nil, false, nil},
		{"one", []amazon.FinancialRefund{booked("LAMP", "12.00", 0)}, nil, true, []string{"R1"}},
		{"another product", []amazon.FinancialRefund{booked("MUG", "12.00", 0)}, nil, true, nil},
		{"the one that the settlement explains", []amazon.FinancialRefund{booked("LAMP", "12.00", 0)}, []refund.Booked{row("S1/7", "12.00", taken)}, true, nil},
		{"two, of which it explains one", []amazon.FinancialRefund{booked("LAMP", "12.00", 0), booked("LAMP", "12.00", 0)}, []refund.Booked{row("S1/7", "12.00", taken)}, true, []string{"R1"}},
		{"one in both", []amazon.FinancialRefund{booked("LAMP", "12.00", 0)}, []refund.Booked{row("S1/7", "12.00")}, true, []string{"S1/7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, policy(warnOfRefunded), newOrder())
			s.showing(tt.settled...)
			s.watch(&accounting{booked: tt.live})
			r := exactly("k", "7.00")
			r.Look = tt.look
			d := s.draft(r)
			require.Equal(t, tt.found, d.Refund.Seen)
			assert.Equal(t, tt.found != nil, len(d.Cautions) == 1)
		})
	}

	s := newShop(t, settings.Settings{}, newOrder())
	r := exactly("k", "7.00")
	r.Look = true
	_, err := s.Draft(t.Context(), r)
	assert.ErrorContains(t, err, "Config.Finances")
	down := errors.New("down")
	s.watch(&accounting{err: down})
	_, err = s.Draft(t.Context(), r)
	assert.ErrorIs(t, err, down, "who asked for a look is told that there was none")
}

// Save wants cautions acknowledged by their codes; then it says in the journal which
// were.
func TestCautionsAreAcknowledged(t *testing.T) {
	s := newShop(t, policy(warnOfRefunded), newOrder())
	s.showing(row("S1/7", "12.00"))
	r := exactly("k", "7.00")
	r.Cautions = []refund.Caution{{Code: refund.CautionReplacement, Text: "RMA 7 is for a replacement"}}
	for _, tt := range []struct {
		read []refund.CautionCode
		want errTexts
	}{
		{nil, errTexts{"Replacement (RMA 7 is for a replacement)", "AlreadyRefunded", "S1/7"}},
		{[]refund.CautionCode{refund.CautionReplacement}, errTexts{"AlreadyRefunded"}},
		{[]refund.CautionCode{refund.CautionAlreadyRefunded, "Other"}, errTexts{"Replacement"}},
	} {
		r.Acknowledge = tt.read
		_, err := s.Issue(t.Context(), r)
		require.ErrorIs(t, err, refund.ErrUnacknowledged)
		tt.want.in(t, err)
	}
	assert.Zero(t, s.ledger().Version)

	r.Acknowledge = []refund.CautionCode{refund.CautionReplacement, refund.CautionAlreadyRefunded}
	id := s.issue(r).ID
	assert.Equal(t, []string{"S1/7"}, s.refund(id).Seen)
	var said []string
	for _, e := range s.events()[1:] {
		said = append(said, e.Text)
	}
	require.Len(t, said, 2)
	assert.Contains(t, said[0], "acknowledged AlreadyRefunded: ")
	assert.Equal(t, "acknowledged Replacement: RMA 7 is for a replacement", said[1])
	assert.Nil(t, s.prepare(id)[0].Aside, "who acknowledged it has seen it")
	r.Acknowledge = nil
	assert.Equal(t, id, s.issue(r).ID, "a repeat asks for nothing")
}

// What comes to light between the request and the claim keeps the refund back, also
// when it is for the very same amount, until a person says what it is.
func TestWhatComesToLightBeforeTheClaim(t *testing.T) {
	for _, tt := range []struct {
		choice queue.Choice
		ends   queue.State
		posted string
	}{
		{queue.ChoiceAnew, queue.EntryAccepted, "12.00"},
		{queue.ChoiceGiveUp, queue.EntryGivenUp, "0.00"},
		{queue.ChoiceSettled, queue.EntrySettledOutside, "12.00"},
	} {
		t.Run(string(tt.choice), func(t *testing.T) {
			d := newDesk(t, settings.Settings{})
			books := d.showing()
			d.reopen()
			id := d.issue(exactly("k", "12.00")).ID
			books.booked = []refund.Booked{row("S1/7", "12.00")}
			d.pass()
			require.Equal(t, queue.EntryNeedsDecision, d.entry(id).State)
			assert.Contains(t, d.entry(id).Why, "S1/7")
			alerts, err := d.queue.Alerts(t.Context(), order.AlertQuery{})
			require.NoError(t, err)
			assert.Len(t, alerts, 1)

			e := d.entry(id)
			require.NoError(t, d.queue.Decide(t.Context(), queue.Decision{Entry: id, Version: e.Version, Choice: tt.choice, By: "bob", Why: "looked it up"}))
			d.pass()
			d.pass()
			assert.Equal(t, tt.ends, d.entry(id).State)
			assert.Equal(t, tt.posted, d.ledger().Total(order.Posted).StringFixed(2))
		})
	}
}

// reopen has the queue use the service as it is configured now.
func (d *desk) reopen() {
	d.t.Helper()
	var err error
	d.queue, err = queue.New(queue.Config{
		Store: d.store, Feeds: d.amazon, Accounts: amazon.AccountList{acme}, Settings: d.c.Settings, Now: d.clock, Installation: "test",
		Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: d.Service},
	})
	require.NoError(d.t, err)
}

// A decision is about what was there to be seen: what comes to light after it keeps
// the refund back again. So does everything when a refund is tried again.
func TestADecisionIsAboutWhatWasSeen(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	books := s.showing(row("S1/7", "12.00"))
	id := s.issue(s.acknowledged(exactly("k", "12.00"))).ID
	require.Nil(t, s.prepare(id)[0].Aside)
	books.booked = append(books.booked, row("S2/3", "12.00"))
	aside := s.prepare(id)[0].Aside
	require.NotNil(t, aside)
	assert.Contains(t, aside.Why, "S2/3")
	assert.NotContains(t, aside.Why, "S1/7")

	s.apply(s.decided(id, queue.EntryNeedsDecision))
	s.apply(s.decided(id, queue.EntryQueued))
	assert.Nil(t, s.prepare(id)[0].Aside)
	s.apply(s.decided(id, queue.EntryRejected))
	books.booked = append(books.booked, row("S3/1", "12.00"))
	s.apply(s.decided(id, queue.EntryQueued))
	require.NotNil(t, s.prepare(id)[0].Aside)
}

// What Amazon did by itself is in the ledger, where a draft shows it. Who issued a
// refund before has not seen it, so that a person decides; who drafts one after it has.
func TestWhatAmazonDidMeanwhile(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	before := s.issue(exactly("before", "5.00")).ID
	s.showing(row("S1/7", "2.00", func(b *refund.Booked) { b.Refund, b.ByAmazonAlone = "RFAMAZON", true }))
	aside := s.prepare(before)[0].Aside
	require.NotNil(t, aside)
	assert.Equal(t, queue.EntryNeedsDecision, aside.State)
	assert.Contains(t, aside.Why, "S1/7")
	s.apply(s.decided(before, queue.EntryNeedsDecision))
	s.apply(s.decided(before, queue.EntryQueued))
	assert.Nil(t, s.prepare(before)[0].Aside, "who decided has seen it")

	warned := s.draft(exactly("after", "5.00")).Warnings
	assert.Contains(t, strings.Join(warned, "\n"), "S1/7")
	assert.Empty(t, s.draft(ask(refund.Ask{Item: mug, Units: 1})).Warnings, "another item")
	after := s.issue(exactly("after", "5.00"))
	assert.Equal(t, []string{"S1/7"}, after.Seen)
	assert.Nil(t, s.prepare(after.ID)[0].Aside)
}

// So it is with what somebody has made in Seller Central meanwhile, and recorded.
func TestWhatWasRecordedMeanwhile(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	before := s.issue(exactly("before", "5.00")).ID
	made, err := s.Record(t.Context(), refund.Recorded{
		Order: newOrder().Amazon, Lines: []refund.RecordedLine{{Item: lamp, Amounts: principal("5.00")}},
		Reference: "SC-1", By: "bob", Why: "made in Seller Central",
	})
	require.NoError(t, err)
	aside := s.prepare(before)[0].Aside
	require.NotNil(t, aside)
	assert.Equal(t, queue.EntryNeedsDecision, aside.State)
	assert.Contains(t, aside.Why, string(made.ID))
	s.apply(s.decided(before, queue.EntryNeedsDecision))
	s.apply(s.decided(before, queue.EntryQueued))
	assert.Nil(t, s.prepare(before)[0].Aside, "who decided has seen it")

	after := s.issue(exactly("after", "2.00"))
	assert.Equal(t, []string{string(made.ID)}, after.Seen)
	assert.Nil(t, s.prepare(after.ID)[0].Aside)
}

// A settlement that shows a refund as paid, though Amazon had refused it, keeps it
// from being sent again.
func TestWhatWasPaidAfterAllIsNotSentAgain(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	books := s.showing()
	s.apply(s.sent(id, queue.EntryRefused, refused(lamp)))
	s.apply(s.became(id, queue.EntryQueued))
	require.Nil(t, s.prepare(id)[0].Aside)
	paid := row("S1/7", "12.00")
	paid.Refund = id
	books.booked = []refund.Booked{paid}
	aside := s.prepare(id)[0].Aside
	require.NotNil(t, aside)
	assert.Equal(t, queue.EntryNeedsDecision, aside.State)
	assert.Contains(t, aside.Why, "S1/7")
}

// A booking that was taken for a refund which was given up explains nothing: the buyer
// has that money, and the ledger does not know it yet.
func TestABookingOfARefundThatWasGivenUp(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	later := s.issue(exactly("later", "12.00")).ID
	s.showing(row("S1/7", "12.00", func(b *refund.Booked) { b.Refund = id }))
	s.apply(s.decided(id, queue.EntryGivenUp))

	_, err := s.Issue(t.Context(), exactly("new", "12.00"))
	require.ErrorIs(t, err, refund.ErrAlreadyRefunded)
	aside := s.prepare(later)[0].Aside
	require.NotNil(t, aside)
	require.Equal(t, queue.EntryNeedsDecision, aside.State)
}

// What Amazon's answer puts back in the queue is no decision of a person.
func TestACancelledFeedIsNoDecision(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	s.showing(row("S1/7", "12.00"))
	e := s.sent(id, queue.EntryQueued)
	e.Attempts[0].Evidence = []queue.Evidence{{Kind: queue.EvidenceDecision, Text: "Sent"}, {Kind: queue.EvidenceAnswer, Text: "cancelled"}}
	s.apply(e)
	require.NotNil(t, s.prepare(id)[0].Aside)

	e = s.became(id, queue.EntryQueued)
	e.Attempts[0].Evidence = append(e.Attempts[0].Evidence, queue.Evidence{Kind: queue.EvidenceDecision, Text: "Anew"})
	s.apply(e)
	assert.Nil(t, s.prepare(id)[0].Aside)
}

// acknowledged is a request whose asker has read what went back already, under the
// policy that allows it.
func (s *shop) acknowledged(r refund.Request) refund.Request {
	s.t.Helper()
	s.with(func(c *refund.Config) { c.Settings = settings.Fixed(policy(warnOfRefunded)) })
	r.Acknowledge = []refund.CautionCode{refund.CautionAlreadyRefunded}
	return r
}

// Money of a line that is paid already keeps no other line of the refund back.
func TestWhatComesToLightOfAnotherLine(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(both("k")).ID
	s.apply(s.sent(id, queue.EntryNeedsDecision, accepted(lamp), unknown(mug)))
	books := s.showing(row("S1/7", "3.00"))
	assert.Nil(t, s.prepare(id)[0].Aside)
	books.booked = append(books.booked, row("S1/8", "3.00", func(b *refund.Booked) { b.Item, b.SKU = mug, "MUG" }))
	assert.NotNil(t, s.prepare(id)[0].Aside)
}

// A fee that travelled apart stands beside what Amazon's finances show the buyer got,
// and is netted in a settlement.
func TestAFeeApartInTheBooks(t *testing.T) {
	for _, shown := range []string{"12.00", "9.00"} {
		s := newShop(t, policy(settings.Policy{RestockingFee: settings.FeeAsComponent}), newOrder())
		r := ask(refund.Ask{Item: lamp, Amounts: principal("12.00"), Fees: fees("3.00", "0")})
		r.Key = "k"
		id := s.issue(r).ID
		s.apply(s.sent(id, queue.EntryUnknownSent))
		s.showing(row("S1/7", shown))
		assert.Len(t, s.testify(id).Results, 1, shown)
	}
}

func TestBooksThatCannotBeRead(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "12.00")).ID
	books := s.showing()
	books.err = errors.New("down")
	_, err := s.Draft(t.Context(), exactly("k2", "1.00"))
	require.ErrorIs(t, err, books.err)
	_, err = s.Prepare(t.Context(), []queue.Entry{s.entry(id)})
	require.ErrorIs(t, err, books.err)
	s.apply(s.sent(id, queue.EntryUnknownSent))
	_, err = s.Testify(t.Context(), acme, s.entry(id))
	assert.ErrorIs(t, err, books.err)
}

// returns are the open returns of the order, and what may be refunded of them.
type returns struct {
	open []refund.OpenReturn
	due  refund.Due
	told [][]string
	err  error
}

func (r *returns) OpenReturns(context.Context, order.AmazonID) ([]refund.OpenReturn, error) {
	return r.open, r.err
}

func (r *returns) Due(context.Context, order.AmazonID, string) (refund.Due, error) {
	return r.due, r.err
}

func (r *returns) Refunded(_ context.Context, rmas ...string) error {
	r.told = append(r.told, rmas)
	return r.err
}

// What may be refunded of an RMA is the RMA's to say, whatever the request says; so
// are the cautions about it, which count once.
func TestWhatAnRMALetsBeRefunded(t *testing.T) {
	tests := []struct {
		name  string
		ask   refund.Ask
		units map[string]int
		is    error
		says  string
	}{
		{"all that came", refund.Ask{Item: lamp, Units: 2}, map[string]int{lamp: 2}, nil, ""},
		{"more than came", refund.Ask{Item: lamp, Units: 2}, map[string]int{lamp: 1}, order.ErrOver, "1 may be refunded by what came of it"},
		{"more than came, and the request says more did", refund.Ask{Item: lamp, Units: 2, Returned: 2}, map[string]int{lamp: 1}, order.ErrOver, "1 may be refunded by what came of it"},
		{"more than the request says, though more came", refund.Ask{Item: lamp, Units: 2, Returned: 1}, map[string]int{lamp: 2}, order.ErrOver, "1 may be refunded by what came of it"},
		{"nothing came", refund.Ask{Item: lamp, Units: 1}, map[string]int{lamp: 0}, order.ErrOver, "0 may be refunded by what came of it"},
		{"another item", refund.Ask{Item: mug, Units: 1}, map[string]int{lamp: 2}, nil, "item " + mug + " does not come back on RMA RM1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder()).with(func(c *refund.Config) { c.Returns = &returns{due: refund.Due{Units: tt.units}} })
			r := ask(tt.ask)
			r.RMA = "RM1"
			_, err := s.Draft(t.Context(), r)
			assert.Equal(t, tt.says != "", err != nil)
			assert.Equal(t, tt.is != nil, errors.Is(err, order.ErrOver))
			assert.ErrorContains(t, cmp.Or(err, errors.New("")), tt.says)
		})
	}

	caution := refund.Caution{Code: refund.CautionReplacement, Text: "the buyer is to get another"}
	s := newShop(t, settings.Settings{}, newOrder()).with(func(c *refund.Config) {
		c.Returns = &returns{due: refund.Due{Units: map[string]int{lamp: 1}, Cautions: []refund.Caution{caution}}}
	})
	r := ask(refund.Ask{Item: lamp, Units: 1})
	r.RMA = "RM1"
	d := s.draft(r)
	assert.Equal(t, []refund.Caution{caution}, d.Cautions)
	require.ErrorIs(t, d.Save(t.Context(), s.store), refund.ErrUnacknowledged)
	r.Cautions = []refund.Caution{caution}
	assert.Equal(t, []refund.Caution{caution}, s.draft(r).Cautions, "the same, once")
	s.with(func(c *refund.Config) { c.Returns = &returns{err: store.ErrNotFound} })
	_, err := s.Draft(t.Context(), r)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A refund of the order that an open RMA is about offers the RMA; goodwill and the
// RMA's own refund do not.
func TestAnOpenReturnIsOffered(t *testing.T) {
	open := refund.OpenReturn{RMA: "RM1", Item: lamp, Units: 2}
	s := newShop(t, settings.Settings{}, newOrder()).with(func(c *refund.Config) {
		c.Returns = &returns{open: []refund.OpenReturn{open, {RMA: "RM2", Item: mug, Units: 1}}, due: refund.Due{Units: map[string]int{mug: 1}}}
	})
	r := ask(refund.Ask{Item: lamp, Units: 3})
	r.Key = "k"
	d := s.draft(r)
	assert.Equal(t, []refund.OpenReturn{open}, d.Offer)
	require.Len(t, d.Warnings, 1)
	assert.Contains(t, d.Warnings[0], "RMA RM1 is open for 2 units of it")
	s.issue(r)

	ofRMA, kind := ask(refund.Ask{Item: mug, Units: 1}), ask(refund.Ask{Item: lamp, Amounts: goodwill("1.00")})
	ofRMA.RMA, kind.Origin = "RM2", refund.FromGoodwill
	for _, other := range []refund.Request{ofRMA, kind} {
		assert.Empty(t, s.draft(other).Offer)
	}

	down := errors.New("down")
	s.with(func(c *refund.Config) { c.Returns = &returns{err: down} })
	_, err := s.Draft(t.Context(), ofRMA)
	assert.ErrorIs(t, err, down)
}

// RMAs hear of their refunds after the save; when they cannot, what was saved stands.
func TestRMAsHearOfTheirRefunds(t *testing.T) {
	for _, err := range []error{nil, errors.New("down")} {
		s := newShop(t, settings.Settings{}, newOrder())
		of := func(rma, key string) queue.EntryID {
			r := exactly(key, "1.00")
			r.RMA = rma
			return s.issue(r).ID
		}
		first, second, plain := of("RM1", "a"), of("RM1", "b"), of("", "c")
		heard := &returns{err: err}
		s.with(func(c *refund.Config) { c.Returns = heard })
		s.apply(s.sent(first, queue.EntryAccepted, accepted(lamp)), s.sent(second, queue.EntryRefused, refused(lamp)))
		s.apply(s.sent(plain, queue.EntryAccepted, accepted(lamp)))
		assert.Equal(t, [][]string{{"RM1"}}, heard.told)
		assert.Equal(t, refund.LinePosted, s.refund(first).Lines[0].Outcome)
	}
}

// A settlement proves a payment whose answer was lost, at once and without asking
// Amazon; what it took for another refund proves nothing.
func TestASettlementTestifies(t *testing.T) {
	of := func(id queue.EntryID) func(*refund.Booked) { return func(b *refund.Booked) { b.Refund = id } }
	for _, tt := range []struct {
		name   string
		booked []refund.Booked
		paid   bool
	}{
		{"the exact amount", []refund.Booked{row("S1/7", "12.00")}, true},
		{"taken for it, with a difference", []refund.Booked{row("S1/7", "11.00", of(queue.NewEntryID(queue.KindRefund, "acme", "host/k")))}, true},
		{"taken for another", []refund.Booked{row("S1/7", "12.00", of("RF1"))}, false},
		{"another amount", []refund.Booked{row("S1/7", "12.01")}, false},
		{"nothing", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			id := s.issue(exactly("k", "12.00")).ID
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.showing(tt.booked...)
			said := s.testify(id)
			assert.Equal(t, tt.paid, len(said.Results) == 1)
			assert.Equal(t, noon.Add(day), said.Next)

			both := &accounting{booked: []amazon.FinancialRefund{booked("LAMP", "12.00", time.Hour)}}
			s.watch(both)
			assert.Equal(t, noon.Add(2*day), s.testify(id).Next, "Amazon is not asked yet")
			s.clock = func() time.Time { return noon.Add(2 * day) }
			assert.Len(t, s.testify(id).Results, 1, "two sources, one payment")
		})
	}
}
