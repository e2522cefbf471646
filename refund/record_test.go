package refund_test

import (
	"slices"
	"testing"
	"time"

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

// What was refunded in Seller Central is posted at once, shows on the host's order,
// and is never sent.
func TestRecord(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	r := recorded("SC-1", "12.00")
	r.Lines[0].Units, r.RMA = 1, "RM1"
	saved := s.record(r)

	assert.Empty(t, cmp.Diff(saved, s.refund(saved.ID)), "what is answered is what is stored")
	assert.Equal(t, refund.FromSellerCentral, saved.Origin)
	assert.Equal(t, "SC-1", saved.Reference)
	assert.Equal(t, noon.Add(-time.Hour), saved.PaidAt)
	assert.Empty(t, cmp.Diff([]refund.Line{{
		Item: lamp, SKU: "LAMP", Units: 1, Amounts: principal("12.00"), Gross: principal("12.00"), Outcome: refund.LinePosted, Paid: []queue.BatchID{""},
	}}, saved.Lines))
	assert.Equal(t, "12", s.ledger().Total(order.Posted).String())
	assert.True(t, s.ledger().Total(order.Reserved).IsZero())
	assert.Equal(t, order.PartialRefund, s.payment().Status)
	assert.Equal(t, "12", s.payment().Refunded.String())
	es, err := s.store.Entries(t.Context(), queue.EntryQuery{})
	require.NoError(t, err)
	assert.Empty(t, es)
	require.Len(t, s.events(), 1)
	assert.Equal(t, order.Stamp{By: "ann", At: noon, Why: "the buyer called"}, s.events()[0].Stamp)
	assert.Contains(t, s.events()[0].Text, "SC-1")

	_, err = s.Issue(t.Context(), exactly("k", "18.01"))
	require.ErrorIs(t, err, order.ErrOver, "what is left is less")
	s.issue(exactly("k2", "18.00"))
}

func TestARecordRepeated(t *testing.T) {
	elsewhere := newOrder()
	elsewhere.ID.Number, elsewhere.Amazon.Number = "SO-2", "222-7654321-7654321"
	s := newShop(t, settings.Settings{}, newOrder(), elsewhere)
	byKey := recorded("", "5.00")
	byKey.Key = "SC-2"
	for _, r := range []refund.Recorded{recorded("SC-1", "5.00"), byKey} {
		first, version := s.record(r), s.ledger().Version
		again := r
		again.By, again.Why = "bob", "did ann?"
		again.Lines = []refund.RecordedLine{{Item: lamp, Amounts: principal("5")}}
		assert.Empty(t, cmp.Diff(first, s.record(again)))
		assert.Equal(t, version, s.ledger().Version)

		for _, change := range []func(*refund.Recorded){
			func(r *refund.Recorded) { r.Lines[0].Amounts = principal("5.01") },
			func(r *refund.Recorded) { r.Lines[0].Units = 1 },
			func(r *refund.Recorded) { r.At = time.Time{} },
			func(r *refund.Recorded) { r.RMA = "RM1" },
			func(r *refund.Recorded) { r.Reason = amazon.ReasonPriceError },
		} {
			other := again
			other.Lines = slices.Clone(again.Lines)
			change(&other)
			_, err := s.Record(t.Context(), other)
			require.ErrorIs(t, err, refund.ErrKeyReused)
			assert.ErrorContains(t, err, string(first.ID))
		}
	}
	byKey.Order = elsewhere.Amazon
	_, err := s.Record(t.Context(), byKey)
	require.ErrorIs(t, err, refund.ErrKeyReused, "a key is unique within the company")
	same := recorded("SC-1", "5.00")
	same.Order = elsewhere.Amazon
	assert.NotEqual(t, s.record(recorded("SC-1", "5.00")).ID, s.record(same).ID, "a reference only within its order")
}

// Two people record the same refund, each in their own way: it went back once.
func TestARecordUnderAnotherKey(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	first := s.record(recorded("SC-1", "5.00"))
	twice := recorded("SC-1", "5.00")
	twice.Key, twice.By = "ticket-7", "bob"
	assert.Equal(t, first.ID, s.record(twice).ID)
	assert.Equal(t, "5", s.ledger().Total(order.Posted).String())

	rest := recorded("SC-1", "3.00")
	rest.Key = "ticket-8"
	s.record(rest)
	nameless := recorded("", "3.00")
	nameless.Key = "ticket-9"
	s.record(nameless)
	nameless.Key = "ticket-10"
	s.record(nameless)
	assert.Equal(t, "14", s.ledger().Total(order.Posted).String(), "what has no name there, or another content, is another one")
}

// What happened is posted, also beyond the charge. Then there is an alert, and what
// waits of the order waits on.
func TestARecordBeyondTheCharge(t *testing.T) {
	d := newDesk(t, settings.Settings{Queue: true})
	id := d.issue(exactly("k", "20.00")).ID
	over := d.record(recorded("SC-1", "10.01"))
	assert.Equal(t, "10.01", d.ledger().Total(order.Posted).String())
	alerts, err := d.queue.Alerts(t.Context(), order.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	assert.Equal(t, "over/"+string(over.ID), alerts[0].Key)
	assert.Contains(t, alerts[0].Text, "0.01 USD more is posted and reserved")

	aside := d.prepare(id)[0].Aside
	require.NotNil(t, aside)
	assert.Contains(t, aside.Why, "overdrawn")
}

// A recorded refund explains its booking, whenever it was made, and so does not keep
// the next one back.
func TestARecordExplainsItsBooking(t *testing.T) {
	lastWeek := noon.Add(-7 * day)
	for _, at := range []time.Time{lastWeek, {}} {
		s := newShop(t, settings.Settings{}, newOrder())
		s.showing(row("S1/7", "12.00", func(b *refund.Booked) { b.PostedAt = lastWeek }))
		_, err := s.Issue(t.Context(), exactly("k", "5.00"))
		require.ErrorIs(t, err, refund.ErrAlreadyRefunded)
		r := recorded("SC-1", "12.00")
		r.At = at
		s.record(r)
		s.issue(exactly("k", "5.00"))
	}
}

func TestRecordRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*order.Order, *refund.Recorded)
		is     error
		want   errTexts
	}{
		{"an unknown order", func(_ *order.Order, r *refund.Recorded) { r.Order.Number = "222-7654321-7654321" }, store.ErrNotFound, nil},
		{"an order number without hyphens", func(_ *order.Order, r *refund.Recorded) { r.Order.Number = "11112345671234567" }, nil, errTexts{"3-7-7"}},
		{"an order that Amazon fulfils", func(o *order.Order, _ *refund.Recorded) { o.Fulfilment = order.ByAmazon }, refund.ErrAmazonFulfilled, nil},
		{"a broken order", func(o *order.Order, _ *refund.Recorded) { o.Lines[0].Ordered = 0 }, nil, errTexts{"ordered quantity 0"}},
		{"another company's account", func(o *order.Order, _ *refund.Recorded) { o.ID.Company = "bravo" }, nil, errTexts{"bravo"}},
		{"nobody", func(_ *order.Order, r *refund.Recorded) { r.By = "" }, nil, errTexts{"say by whom, and why"}},
		{"no reason why", func(_ *order.Order, r *refund.Recorded) { r.Why = "" }, nil, errTexts{"and why"}},
		{"no key", func(_ *order.Order, r *refund.Recorded) { r.Reference = "" }, nil, errTexts{"Reference", "Key"}},
		{"a key that does not show", func(_ *order.Order, r *refund.Recorded) { r.Key = "a\x00" }, nil, errTexts{"key"}},
		{"no lines", func(_ *order.Order, r *refund.Recorded) { r.Lines = nil }, nil, errTexts{"no lines"}},
		{"the future", func(_ *order.Order, r *refund.Recorded) { r.At = noon.Add(time.Second) }, nil, errTexts{"2026-11-02T12:00:01Z"}},
		{"a reason nobody knows", func(_ *order.Order, r *refund.Recorded) { r.Reason = "Whim" }, nil, errTexts{"Whim", string(amazon.ReasonExchange)}},
		{"an item of another order", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Item = "99999999999999" }, nil, errTexts{"99999999999999", mug}},
		{"an item twice", func(_ *order.Order, r *refund.Recorded) { r.Lines = append(r.Lines, r.Lines[0]) }, nil, errTexts{lamp, "twice"}},
		{"units below zero", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Units = -1 }, nil, errTexts{"-1 units"}},
		{"more units than ordered", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Units = 4 }, nil, errTexts{"4 units", "3 ordered"}},
		{"nothing", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Amounts = nil }, nil, errTexts{"a refund of nothing"}},
		{"an amount below zero", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Amounts = principal("-1.00") }, nil, errTexts{"below zero"}},
		{"a deduction", func(_ *order.Order, r *refund.Recorded) { r.Lines[0].Amounts[order.RestockingFee] = dec("1.00") }, nil, errTexts{"RestockingFee is a deduction"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, r := newOrder(), recorded("SC-1", "5.00")
			tt.change(&o, &r)
			s := newShop(t, settings.Settings{}, o)
			_, err := s.Record(t.Context(), r)
			require.Error(t, err)
			tt.want.in(t, err)
			assert.True(t, tt.is == nil || assert.ErrorIs(t, err, tt.is))
			assert.Zero(t, s.ledger().Version)
		})
	}
}

func TestRMAsHearOfRecords(t *testing.T) {
	heard := &returns{}
	s := newShop(t, settings.Settings{}, newOrder()).with(func(c *refund.Config) { c.Returns = heard })
	r := recorded("SC-1", "5.00")
	r.RMA = "RM1"
	s.record(r)
	assert.Equal(t, [][]string{{"RM1"}}, heard.told)
}

// Whose account it is cannot be told: nothing is issued and nothing recorded.
func TestAnAccountOfTwoCompanies(t *testing.T) {
	theirs := acme
	theirs.Company = "bravo"
	s := newShop(t, settings.Settings{}, newOrder()).with(func(c *refund.Config) { c.Accounts = amazon.AccountList{acme, theirs} })
	_, err := s.Issue(t.Context(), exactly("k", "5.00"))
	require.ErrorIs(t, err, amazon.ErrDisputed)
	_, err = s.Record(t.Context(), recorded("SC-1", "5.00"))
	require.ErrorIs(t, err, amazon.ErrDisputed)
	assert.Empty(t, s.ledger().Postings)
}

// A record that was a mistake is taken back: the money is there again, everybody can
// see what was, and what did happen is recorded under another key.
func TestUnrecord(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	typo := s.record(recorded("SC-1", "30.00"))
	_, err := s.Issue(t.Context(), exactly("k", "18.00"))
	require.ErrorIs(t, err, order.ErrOver)

	back, err := s.Unrecord(t.Context(), typo.ID, "bob", "it was 12.00")
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(back, s.refund(typo.ID)), "what is answered is what is stored")
	assert.Equal(t, order.Stamp{By: "bob", At: noon, Why: "it was 12.00"}, back.Ended)
	assert.Equal(t, []refund.Outcome{refund.LineVoided}, s.outcomes(typo.ID))
	assert.False(t, back.Open())
	s.assertBalances("0.00", "0.00")
	assert.Equal(t, order.PaymentCharged, s.payment().Status)
	es := s.events()
	last := es[len(es)-1]
	assert.Equal(t, []string{"item " + lamp + " Posted", "item " + lamp + " Voided", "bob"}, []string{last.Before, last.After, last.By})

	version := s.ledger().Version
	again, err := s.Unrecord(t.Context(), typo.ID, "carl", "me too")
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(back, again))
	assert.Equal(t, version, s.ledger().Version, "a repeat changes nothing")

	_, err = s.Record(t.Context(), recorded("SC-1", "30.00"))
	require.ErrorIs(t, err, refund.ErrKeyReused)
	require.ErrorContains(t, err, "under a new Key")
	right := recorded("SC-1", "12.00")
	right.Key = "SC-1, anew"
	s.record(right)
	right.Lines[0].Amounts, right.Key = principal("30.00"), "the same as the first"
	assert.NotEqual(t, typo.ID, s.record(right).ID)
	assert.Equal(t, "42", s.ledger().Total(order.Posted).String())
}

// What was taken back explains no booking, and keeps no refund back.
func TestUnrecordedExplainsNothing(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	typo := s.record(recorded("SC-1", "12.00"))
	_, err := s.Unrecord(t.Context(), typo.ID, "bob", "another order's")
	require.NoError(t, err)
	s.issue(exactly("k", "5.00"))
	s.showing(row("S1/7", "12.00"))
	_, err = s.Issue(t.Context(), exactly("k2", "5.00"))
	require.ErrorIs(t, err, refund.ErrAlreadyRefunded)
}

func TestUnrecordRefuses(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	shown, sent := s.record(recorded("SC-1", "1.00")), s.issue(exactly("k", "5.00"))
	l := s.ledger()
	shown.Lines[0].Bookings, shown.Lines[0].Proof = []string{"S1/7"}, refund.Settled
	require.NoError(t, s.store.SaveRefunds(t.Context(), []refund.Change{{Refunds: []refund.Refund{shown}, Writes: order.Writes{Order: sold, Version: l.Version}}}))
	for name, tt := range map[string]struct {
		id      queue.EntryID
		by, why string
		is      error
		want    errTexts
	}{
		"what nobody recorded":           {"RF0", "bob", "typo", store.ErrNotFound, nil},
		"what was issued":                {sent.ID, "bob", "typo", nil, errTexts{"was not recorded", "Order"}},
		"what a settlement has shown":    {shown.ID, "bob", "typo", refund.ErrShown, errTexts{lamp, "S1/7"}},
		"by nobody":                      {shown.ID, "", "typo", nil, errTexts{"who takes it back"}},
		"for no reason, by whoever asks": {shown.ID, "bob", "", nil, errTexts{"and why"}},
	} {
		t.Run(name, func(t *testing.T) {
			version := s.ledger().Version
			_, err := s.Unrecord(t.Context(), tt.id, tt.by, tt.why)
			tt.want.in(t, err)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.Equal(t, version, s.ledger().Version)
		})
	}
}
