package rma_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

// A day with one RMA of a lamp: what happens, and where it then stands.
type happens func(*desk)

func receives(d *desk) { d.receive("got", rma.Count{SKU: "LAMP-RED", Good: 1}) }
func loses(d *desk)    { d.receive("lost", rma.Count{SKU: "LAMP-RED", Missing: 1}) }
func pays(d *desk)     { d.pay(d.one().ID) }
func reports(day int, row []string) happens {
	return func(d *desk) { d.take(day, returns(row)) }
}

func status(word string) []string { return with(lamps(1), "Return request status", word) }

func TestStatus(t *testing.T) {
	manual := settings.Policy{CloseRMA: settings.CloseManually}
	refunded := settings.Policy{CloseRMA: settings.CloseWhenRefunded}
	always := settings.Policy{CloseRMA: settings.CloseManually, FollowAmazonClose: settings.FollowAlways}
	never := settings.Policy{CloseRMA: settings.CloseManually, FollowAmazonClose: settings.FollowNever}
	good := settings.Policy{RefundCeiling: settings.CeilingGood}
	tests := []struct {
		name   string
		policy settings.Policy
		then   []happens
		want   rma.Status
	}{
		{"approved", settings.Policy{}, nil, rma.Open},
		{"received", settings.Policy{}, []happens{receives}, rma.Open},
		{"refunded", settings.Policy{}, []happens{pays}, rma.Open},
		{"refunded and received", settings.Policy{}, []happens{pays, receives}, rma.Closed},
		{"received and refunded", settings.Policy{}, []happens{receives, pays}, rma.Closed},
		{"refunded and lost", settings.Policy{}, []happens{pays, loses}, rma.Closed},
		{"damaged, where only good is refunded", good, []happens{func(d *desk) { d.receive("got", rma.Count{SKU: "LAMP-RED", Damaged: 1}) }}, rma.Closed},
		{"refunded, which is enough", refunded, []happens{pays}, rma.Closed},
		{"received, which is not", refunded, []happens{receives}, rma.Open},
		{"both, by hand", manual, []happens{pays, receives}, rma.Open},
		{"closed at Amazon, all awaited", settings.Policy{}, []happens{reports(21, status("Closed"))}, rma.Open},
		{"closed at Amazon, nothing awaited", manual, []happens{pays, receives, reports(21, status("Closed"))}, rma.Closed},
		{"completed at Amazon, nothing awaited", manual, []happens{pays, receives, reports(21, status("Completed"))}, rma.Closed},
		{"closed at Amazon, goods awaited", manual, []happens{pays, reports(21, status("Closed"))}, rma.Open},
		{"closed at Amazon, money awaited", manual, []happens{receives, reports(21, status("Closed"))}, rma.Open},
		{"closed at Amazon, followed always", always, []happens{reports(21, status("Closed"))}, rma.Closed},
		{"closed at Amazon, never followed", never, []happens{pays, receives, reports(21, status("Closed"))}, rma.Open},
		{"opened again at Amazon", always, []happens{reports(21, status("Closed")), reports(22, status("Approved"))}, rma.Open},
		{"denied", settings.Policy{}, []happens{reports(21, status("Denied"))}, rma.Cancelled},
		{"cancelled at Amazon", settings.Policy{}, []happens{reports(21, status("Cancelled"))}, rma.Cancelled},
		{"denied once it was received", settings.Policy{}, []happens{receives, reports(21, status("Denied"))}, rma.Open},
		{"denied once money moved", settings.Policy{}, []happens{pays, reports(21, status("Denied"))}, rma.Open},
		{"approved after all", settings.Policy{}, []happens{reports(21, status("Denied")), reports(22, status("Approved"))}, rma.Open},
		{"more is authorised once it is closed", settings.Policy{}, []happens{receives, pays, reports(21, lamps(2))}, rma.Open},
		{"more is authorised once somebody closed it", settings.Policy{}, []happens{(*desk).shut, reports(21, lamps(2))}, rma.Open},
		{"nothing more is authorised once somebody closed it", settings.Policy{}, []happens{(*desk).shut, reports(21, lamps(1))}, rma.Closed},
		{"a replacement came", settings.Policy{}, []happens{reports(21, with(lamps(1), "Resolution", "Replacement")), receives}, rma.Closed},
		{"a replacement is awaited", refunded, []happens{reports(21, with(lamps(1), "Resolution", "Replacement"))}, rma.Open},
		{"rejected", settings.Policy{}, []happens{func(d *desk) { d.must(d.Reject(d.t.Context(), d.one().ID, "anna", "used")) }}, rma.Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openWith(t, settings.Settings{Policy: tt.policy}, shipped("SO-1", first))
			d.take(20, returns(lamps(1)))
			for _, then := range tt.then {
				then(d)
			}
			one := d.one()
			assert.Equal(t, tt.want, one.Status)
			assert.Equal(t, tt.want == rma.Open, !one.LookAt.IsZero(), "looked at while it is open")
			assert.Equal(t, string(tt.want), d.shown(), "the host's order shows it")
		})
	}
}

func (d *desk) must(r rma.RMA, err error) rma.RMA {
	d.t.Helper()
	require.NoError(d.t, err)
	return r
}

func (d *desk) shut() { d.must(d.Close(d.t.Context(), d.one().ID, "anna", "settled by telephone")) }

func (d *desk) effects(kind order.EffectKind) []order.Effect {
	d.t.Helper()
	es, err := d.store.Effects(d.t.Context(), d.now, 1000)
	require.NoError(d.t, err)
	var of []order.Effect
	for _, e := range es {
		if e.Kind == kind {
			of = append(of, e)
		}
	}
	return of
}

// shown is the status of the RMA that the host's order was told last.
func (d *desk) shown() string {
	es := d.effects(order.EffectRMA)
	require.NotEmpty(d.t, es)
	return es[len(es)-1].RMA.Status
}

func (d *desk) alerts() []order.Alert {
	d.t.Helper()
	as, err := d.store.Alerts(d.t.Context(), order.AlertQuery{})
	require.NoError(d.t, err)
	return as
}

func TestDeniedTooLateIsAnAlert(t *testing.T) {
	for _, also := range []happens{func(*desk) {}, pays, (*desk).shut} {
		d := open(t, shipped("SO-1", first))
		d.take(20, returns(lamps(1)))
		receives(d)
		also(d)
		d.take(21, returns(status("Denied")))
		require.Len(t, d.alerts(), 1)
		assert.Equal(t, "rma/"+string(d.one().ID)+"/denied", d.alerts()[0].Key)
		d.take(22, returns(status("Denied")))
		assert.Len(t, d.alerts(), 1, "once")
	}
}

// What became of a refund closes its RMA when somebody tells of it, and a day later
// when nobody did.
func TestRefundedAndStep(t *testing.T) {
	for _, tell := range []bool{true, false} {
		d := open(t, shipped("SO-1", first))
		d.take(20, returns(lamps(1)))
		receives(d)
		id := d.one().ID
		q, err := d.Refund(t.Context(), id, "anna")
		require.NoError(t, err)
		issued := d.issue(q)
		deaf := d.refundsTelling(nil)
		if tell {
			deaf = d.refundsTelling(d.Service)
		}
		d.answerBy(deaf, issued, queue.EntryAccepted, amazon.VerdictAccepted)

		next, err := d.Step(t.Context())
		require.NoError(t, err)
		assert.Equal(t, morning.Add(time.Hour), next)
		assert.Equal(t, tell, d.one().Status == rma.Closed, "not due yet")

		d.now = morning.Add(24 * time.Hour)
		_, err = d.Step(t.Context())
		require.NoError(t, err)
		assert.Equal(t, rma.Closed, d.one().Status)
		head := d.head(first)
		require.NoError(t, d.Refunded(t.Context(), string(id), "RMNONE"))
		_, err = d.Step(t.Context())
		require.NoError(t, err)
		assert.Equal(t, head, d.head(first), "told again, nothing is written")
	}
}

// One company's trouble is not the others'.
func TestStepGoesOn(t *testing.T) {
	other := shipped("SO-2", numbered(2))
	d := open(t, shipped("SO-1", first), other)
	d.take(20, returns(lamps(1), with(with(lamps(1), "Order ID", numbered(2).Number), "Amazon RMA ID", "DbbbbbbbRRMA")))
	d.now = morning.Add(25 * time.Hour)
	d.broken = map[order.AmazonID]bool{first: true}
	_, err := d.Step(t.Context())
	require.ErrorIs(t, err, errBroken)
	looked := 0
	for _, r := range d.all() {
		if r.LookAt.After(d.now) {
			looked++
		}
	}
	assert.Equal(t, 1, looked)
}

// A return that Amazon has ended, and for which enough went back without us, wants no
// money any more: the earliest of several.
func TestReturnThatWasPaidElsewhere(t *testing.T) {
	waived := func(id, word string) []string {
		return with(with(status(word), "Amazon RMA ID", id), "Resolution", "ReturnlessRefund")
	}
	tests := []struct {
		name string
		rows [][]string
		paid string
		want []string
	}{
		{"enough", [][]string{waived("D1", "Closed")}, "40.00", []string{"D1 Closed"}},
		{"too little", [][]string{waived("D1", "Closed")}, "39.99", []string{"D1 Open"}},
		{"before Amazon ended it", [][]string{waived("D1", "Approved")}, "40.00", []string{"D1 Open"}},
		{"for one of two", [][]string{waived("D1", "Closed"), waived("D2", "Closed")}, "40.00", []string{"D1 Closed", "D2 Open"}},
		{"for both", [][]string{waived("D1", "Closed"), waived("D2", "Completed")}, "80.00", []string{"D1 Closed", "D2 Closed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(tt.rows...))
			_, err := d.refunds().Record(t.Context(), refund.Recorded{
				Order: first, Lines: []refund.RecordedLine{{Item: lamp, Amounts: order.Amounts{order.Principal: usd(tt.paid)}}},
				Reference: "12-1", By: "bea", Why: "Amazon paid it",
			})
			require.NoError(t, err)
			d.now = d.now.Add(25 * time.Hour)
			_, err = d.Step(t.Context())
			require.NoError(t, err)
			var got []string
			for _, r := range d.all() {
				got = append(got, r.OrderSourceRMANumber+" "+string(r.Status))
			}
			slices.Sort(got)
			assert.Equal(t, tt.want, got)
		})
	}
}

// A kit of which some components came and others never will: a person says what that
// is worth, and then it is closed.
func TestKitThatStaysIncomplete(t *testing.T) {
	tests := []struct {
		name string
		then happens
		want rma.Status
	}{
		{"nobody has", func(*desk) {}, rma.Open},
		{"it is refunded", func(d *desk) {
			d.must(d.Allow(d.t.Context(), d.one().ID, desk2, 1, "bea", "the leg was broken on the way"))
			pays(d)
		}, rma.Closed},
		{"it is not", (*desk).shut, rma.Closed},
		{"none of it came", func(d *desk) { d.receive("2", rma.Count{SKU: "TOP", Good: -1, Missing: 1}) }, rma.Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, desks())
			d.take(20, returns(kits(1)))
			d.receive("1", rma.Count{SKU: "TOP", Good: 1}, rma.Count{SKU: "LEG", Missing: 4})
			tt.then(d)
			assert.Equal(t, tt.want, d.one().Status)
		})
	}
}

var errBroken = errors.New("no connection")
