package rma_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// refunds is the service that refunds the desk's RMAs, and tells it.
func (d *desk) refunds() *refund.Service { return d.refundsTelling(d.Service) }

func (d *desk) refundsTelling(r refund.Returns) *refund.Service {
	d.t.Helper()
	s, err := refund.New(refund.Config{
		Store: d.store, Book: d, Accounts: amazon.AccountList{account}, Settings: d, Returns: r, Now: func() time.Time { return d.now },
	})
	require.NoError(d.t, err)
	return s
}

func (d *desk) issue(q refund.Request) refund.Refund {
	d.t.Helper()
	draft, err := d.refunds().Draft(d.t.Context(), q)
	require.NoError(d.t, err)
	q.Token = draft.Token
	issued, err := d.refunds().Issue(d.t.Context(), q)
	require.NoError(d.t, err)
	return issued
}

// answer has Amazon say what it did with a refund.
func (d *desk) answer(r refund.Refund, to queue.State, v amazon.Verdict) {
	d.t.Helper()
	d.answerBy(d.refunds(), r, to, v)
}

func (d *desk) answerBy(by *refund.Service, r refund.Refund, to queue.State, v amazon.Verdict) {
	d.t.Helper()
	es, err := d.store.Entries(d.t.Context(), queue.EntryQuery{IDs: []queue.EntryID{r.ID}})
	require.NoError(d.t, err)
	require.Len(d.t, es, 1)
	es[0].State, es[0].Changed = to, order.Stamp{By: "Amazon", At: d.now}
	var results []queue.Result
	for _, l := range r.Lines {
		results = append(results, queue.Result{Part: l.Item, Verdict: v})
	}
	es[0].Attempts = append(es[0].Attempts, queue.Attempt{Batch: "acme-us-1", At: d.now, Results: results})
	require.NoError(d.t, by.Apply(d.t.Context(), es))
}

// pay refunds what of an RMA may be refunded now, has Amazon accept it, and tells
// what it came to.
func (d *desk) pay(id rma.ID) order.Amounts {
	d.t.Helper()
	q, err := d.Refund(d.t.Context(), id, "anna")
	if err != nil {
		require.ErrorIs(d.t, err, rma.ErrNothing)
		return nil
	}
	r := d.issue(q)
	d.answer(r, queue.EntryAccepted, amazon.VerdictAccepted)
	paid := order.Amounts{}
	for _, l := range r.Lines {
		paid = paid.Plus(l.Amounts)
	}
	return paid
}

// From the report to the money: the RMA's request is drafted, shown and issued.
func TestRefund(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1), lamps(1), with(with(with(lamps(1), "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2"), "Return Reason", "CR-UNWANTED_ITEM")))
	one := d.one()
	request := one.Refund("anna")
	want := refund.Request{
		Order: first, Origin: refund.FromRMA, RMA: string(one.ID), Currency: "USD", Reason: amazon.ReasonCustomerReturn, By: "anna",
		Lines: []refund.Ask{{Item: lamp, Units: 2, Returned: 2, Shipping: true}, {Item: mug, Units: 1, Returned: 1}},
	}
	if diff := cmp.Diff(want, request); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	request.Lines[0].Units, request.Lines[0].Shipping = 1, false
	issued := d.issue(request)
	assert.Equal(t, "50.00 USD", issued.Total().String(), "a lamp and the mug, without outbound shipping")
	assert.Equal(t, string(one.ID), issued.RMA)

	_, err := d.refunds().Draft(t.Context(), one.Refund("anna"))
	require.ErrorIs(t, err, order.ErrOver, "all units once more")

	rest, err := d.Refund(t.Context(), one.ID, "anna")
	require.NoError(t, err)
	assert.Equal(t, []refund.Ask{{Item: lamp, Units: 1, Returned: 2, Shipping: true}}, rest.Lines, "what is left")
	second := d.issue(rest)
	assert.Equal(t, "45.00 USD", second.Total().String(), "with the outbound shipping that is left, as the lamp was defective")
	assert.Equal(t, 2, second.Ordinal)
	_, err = d.Refund(t.Context(), one.ID, "anna")
	require.ErrorIs(t, err, rma.ErrNothing)
}

// The ceiling of a refund follows what came, by policy, and somebody may go beyond.
func TestRefundCeiling(t *testing.T) {
	tests := []struct {
		name    string
		ceiling settings.RefundCeiling
		counts  []rma.Count
		want    int
	}{
		{"authorised", settings.CeilingAuthorised, nil, 2},
		{"received, nothing is", settings.CeilingReceived, nil, 0},
		{"received, one is damaged", settings.CeilingReceived, []rma.Count{{SKU: "LAMP-RED", Damaged: 1, Missing: 1}}, 1},
		{"good, one is damaged", settings.CeilingGood, []rma.Count{{SKU: "LAMP-RED", Damaged: 1}}, 0},
		{"good, one is", settings.CeilingGood, []rma.Count{{SKU: "LAMP-RED", Good: 1, Damaged: 1}}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openWith(t, settings.Settings{Policy: settings.Policy{RefundCeiling: tt.ceiling}}, shipped("SO-1", first))
			d.take(20, returns(lamps(2)))
			id := d.receive("1", tt.counts...).ID
			units := func() int {
				q, err := d.Refund(t.Context(), id, "anna")
				for _, ask := range q.Lines {
					assert.Equal(t, ask.Returned, ask.Units)
					return ask.Units
				}
				require.ErrorIs(t, err, rma.ErrNothing)
				return 0
			}
			assert.Equal(t, tt.want, units())

			_, err := d.Allow(t.Context(), id, lamp, 2, "bea", "")
			require.ErrorContains(t, err, "say why")
			_, err = d.Allow(t.Context(), id, lamp, 3, "bea", "an old customer")
			require.ErrorContains(t, err, "want 1 to the 2 that are authorised")
			allowed, err := d.Allow(t.Context(), id, lamp, 2, "bea", "an old customer")
			require.NoError(t, err)
			assert.Equal(t, []rma.Allowance{{Item: lamp, Units: 2, Stamp: order.Stamp{By: "bea", At: morning, Why: "an old customer"}}}, allowed.Allowed)
			assert.Equal(t, 2, units())
			last := d.journal()[len(d.journal())-1]
			assert.Equal(t, [3]string{"0", "2", "an old customer"}, [3]string{last.Before, last.After, last.Why})
		})
	}
}

// What came of an RMA limits its refunds whoever builds the request.
func TestRefundBeyondTheCeiling(t *testing.T) {
	d := openWith(t, settings.Settings{Policy: settings.Policy{RefundCeiling: settings.CeilingReceived}}, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	id := d.receive("1", rma.Count{SKU: "LAMP-RED", Good: 1}).ID
	byHand := refund.Request{Order: first, RMA: string(id), Reason: amazon.ReasonCustomerReturn, By: "anna", Lines: []refund.Ask{{Item: lamp, Units: 2}}}
	whole := d.one().Refund("anna")
	for _, q := range []refund.Request{byHand, whole} {
		_, err := d.refunds().Draft(t.Context(), q)
		require.ErrorIs(t, err, order.ErrOver)
		require.ErrorContains(t, err, "1 may be refunded by what came of it, 0 are")
	}
	d.must(d.Allow(t.Context(), id, lamp, 2, "bea", "an old customer"))
	d.issue(whole)

	tests := []struct {
		name string
		then func(rma.ID) (rma.RMA, error)
	}{
		{"rejected", func(id rma.ID) (rma.RMA, error) { return d.Reject(t.Context(), id, "anna", "used") }},
		{"cancelled", func(id rma.ID) (rma.RMA, error) { return d.Cancel(t.Context(), id, "anna", "used") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d = open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(2)))
			request := d.one().Refund("anna")
			d.must(tt.then(d.one().ID))
			_, err := d.refunds().Draft(t.Context(), request)
			require.ErrorContains(t, err, "0 may be refunded")
		})
	}

	whole.RMA = "RMNONE"
	_, err := d.refunds().Draft(t.Context(), whole)
	require.ErrorIs(t, err, store.ErrNotFound)
	other := shipped("SO-2", numbered(2))
	d = open(t, shipped("SO-1", first), other)
	d.take(20, returns(lamps(1)))
	elsewhere := d.one().Refund("anna")
	elsewhere.Order = other.Amazon
	_, err = d.refunds().Draft(t.Context(), elsewhere)
	require.ErrorIs(t, err, store.ErrNotFound, "an RMA of another order")
}

// Money that went back without us since the buyer asked for the return may have been
// for it: whoever refunds the RMA must have read of it.
func TestRefundOfWhatWasRefundedElsewhere(t *testing.T) {
	asked := time.Date(2026, time.March, 19, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		rma     bool // it was recorded as this RMA's
		item    string
		units   int
		at      time.Time
		caution bool
		due     int // units that may be refunded
	}{
		{"of nothing in particular", false, lamp, 0, asked.Add(time.Hour), true, 2},
		{"of a unit", false, lamp, 1, asked.Add(time.Hour), true, 1},
		{"at a time that is not known", false, lamp, 0, time.Time{}, true, 2},
		{"before the buyer asked", false, lamp, 0, asked.Add(-time.Hour), false, 2},
		{"of another item", false, mug, 1, asked, false, 2},
		{"of this RMA", true, lamp, 1, asked, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(2)))
			made := refund.Recorded{
				Order: first, Lines: []refund.RecordedLine{{Item: tt.item, Units: tt.units, Amounts: order.Amounts{order.Principal: usd("9.99")}}},
				At: tt.at, Reference: "12-1", By: "bea", Why: "by telephone",
			}
			if tt.rma {
				made.RMA = string(d.one().ID)
			}
			recorded, err := d.refunds().Record(t.Context(), made)
			require.NoError(t, err)
			q, err := d.Refund(t.Context(), d.one().ID, "anna")
			require.NoError(t, err)
			assert.Equal(t, tt.due, q.Lines[0].Units)
			draft, err := d.refunds().Draft(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, tt.caution, len(draft.Cautions) == 1)
			for _, c := range draft.Cautions {
				assert.Equal(t, refund.CautionAlreadyRefunded, c.Code)
				assert.Contains(t, c.Text, "Principal 9.99 USD of item "+lamp)
				assert.Contains(t, c.Text, string(recorded.ID)+" from SellerCentral: it may have been for RMA DaaaaaaaRRMA")
			}
		})
	}
}

// Money that only the returns reports tell of may have been for the return: whoever
// refunds it must have read of it, unless refunds that are known explain it.
func TestRefundOfWhatTheReportSaysWasRefunded(t *testing.T) {
	const said = " says that 10.00 USD of item " + lamp + " was refunded, and no refund that is known explains it: it may have been for RMA DaaaaaaaRRMA"
	amazons := returns(with(with(lamps(1), "Return request status", "Completed"), "Resolution", "ReturnlessRefund"))
	adding := func(r report, column string, cells ...string) report {
		more := report{columns: append(slices.Clone(r.columns), column)}
		for i, row := range r.rows {
			more.rows = append(more.rows, append(slices.Clone(row), cells[i]))
		}
		return more
	}
	twins := returns(lamps(1), lamps(1))
	tests := []struct {
		name   string
		report report
		dated  bool
		known  string // recorded in Seller Central for this RMA; empty: nothing
		want   []string
	}{
		{"an amount", adding(amazons, "Refunded Amount", "10.00"), true, "", []string{"the returns report of 2026-03-20" + said}},
		{"in a report of unknown age", adding(amazons, "Refunded Amount", "10.00"), false, "", []string{"a returns report" + said}},
		{"of goods that come back", adding(returns(lamps(1)), "Refunded Amount", "10.00"), true, "", []string{"the returns report of 2026-03-20" + said}},
		{"no amount", adding(amazons, "Refunded Amount", ""), true, "", nil},
		{"zero", adding(amazons, "Refunded Amount", "0.00"), true, "", nil},
		{"explained", adding(amazons, "Refunded Amount", "10.00"), true, "10.00", nil},
		{"explained in part", adding(amazons, "Refunded Amount", "10.00"), true, "9.99", []string{"the returns report of 2026-03-20" + said}},
		{"two rows, one explained", adding(twins, "Refunded Amount", "10.00", "0.01"), true, "10.00", []string{
			"the returns report of 2026-03-20 says that 0.01 USD of item " + lamp + " was refunded; the returns report of 2026-03-20" + said,
		}},
		{"in another currency", adding(adding(amazons, "Refunded Amount", "10.00"), "Currency code", "CAD"), true, "10.00",
			[]string{"the returns report of 2026-03-20" + strings.Replace(said, "USD", "CAD", 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			about := meta(20)
			if !tt.dated {
				about.AsOf = time.Time{}
			}
			_, err := d.Import(t.Context(), account, "", about, tt.report.file())
			require.NoError(t, err)
			one := d.one()
			if tt.known != "" {
				_, err := d.refunds().Record(t.Context(), refund.Recorded{
					Order: first, Lines: []refund.RecordedLine{{Item: lamp, Amounts: order.Amounts{order.Principal: usd(tt.known)}}},
					RMA: string(one.ID), At: morning, Reference: "12-1", By: "bea", Why: "by telephone",
				})
				require.NoError(t, err)
			}
			q, err := d.Refund(t.Context(), one.ID, "anna")
			require.NoError(t, err)
			draft, err := d.refunds().Draft(t.Context(), q)
			require.NoError(t, err)
			var got []string
			for _, c := range draft.Cautions {
				assert.Equal(t, refund.CautionAlreadyRefunded, c.Code)
				got = append(got, c.Text)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// What of the report is our own refund needs no second thought once it is accepted.
func TestOurRefundExplainsWhatTheReportSays(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	q, err := d.Refund(t.Context(), d.one().ID, "anna")
	require.NoError(t, err)
	q.Lines[0].Units, q.Lines[0].Shipping = 1, false
	r := d.issue(q)
	paid := returns(lamps(2))
	paid.columns, paid.rows[0] = append(slices.Clone(columns), "Refunded Amount"), append(paid.rows[0], "40.00")
	d.take(21, paid)
	cautions := func() int {
		q, err := d.Refund(t.Context(), d.one().ID, "anna")
		require.NoError(t, err)
		return len(q.Cautions)
	}
	assert.Equal(t, 1, cautions(), "not accepted yet")
	d.answer(r, queue.EntryAccepted, amazon.VerdictAccepted)
	assert.Zero(t, cautions())
}

// Where the report says that a replacement goes out, money needs a second thought.
func TestRefundOfAReplacement(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(with(lamps(1), "Resolution", "ReplacementIssued")))
	one := d.one()
	assert.Equal(t, rma.Refund, one.Resolution)
	assert.Equal(t, "ReplacementIssued", one.Lines[0].AmazonResolution)
	q, err := d.Refund(t.Context(), one.ID, "anna")
	require.NoError(t, err)
	require.Len(t, q.Cautions, 1)
	assert.Equal(t, refund.CautionReplacement, q.Cautions[0].Code)

	draft, err := d.refunds().Draft(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, draft.Cautions, 1)
	require.ErrorIs(t, draft.Save(t.Context(), d.store), refund.ErrUnacknowledged)
	q.Acknowledge = []refund.CautionCode{refund.CautionReplacement}
	draft, err = d.refunds().Draft(t.Context(), q)
	require.NoError(t, err)
	require.NoError(t, draft.Save(t.Context(), d.store))
}

func TestOpenReturns(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2), with(with(lamps(1), "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2")))
	id := d.one().ID
	request := d.one().Refund("anna")
	request.Lines = request.Lines[:1]
	request.Lines[0].Units = 1
	issued := d.issue(request)
	open := func() []refund.OpenReturn {
		rs, err := d.OpenReturns(t.Context(), first)
		require.NoError(t, err)
		return rs
	}
	want := []refund.OpenReturn{{RMA: string(id), Item: lamp, Units: 1}, {RMA: string(id), Item: mug, Units: 1}}
	assert.Equal(t, want, open())
	d.answer(issued, queue.EntryRefused, amazon.VerdictRefused)
	want[0].Units = 2
	assert.Equal(t, want, open(), "what Amazon refused is owed still")
	_, err := d.Close(t.Context(), id, "anna", "the buyer keeps it")
	require.NoError(t, err)
	assert.Empty(t, open())
}

func (d *desk) journal() []order.Event {
	d.t.Helper()
	es, err := d.store.Events(d.t.Context(), first)
	require.NoError(d.t, err)
	return es
}
