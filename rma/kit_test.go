package rma_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

// kits is a row about so many desks, which are kits of a top and four legs.
func kits(n int) []string {
	return with(with(with(lamps(n), "Merchant SKU", "DESK"), "ASIN", "B0EXAMPLE3"), "Return Reason", "CR-UNWANTED_ITEM")
}

// A kit comes back as its components, and what was paid for it is theirs.
func TestKitComesBackInParts(t *testing.T) {
	d := open(t, desks())
	d.take(20, returns(kits(1)))
	var got []string
	sum := order.Amounts{}
	for _, l := range d.one().Lines {
		got = append(got, fmt.Sprint(l.Units, " ", l.SKU, " of ", l.Kit, " ", l.Item))
		sum = sum.Plus(l.Paid)
	}
	assert.Equal(t, []string{"1 TOP of DESK " + desk2, "4 LEG of DESK " + desk2}, got)
	assert.Equal(t, "50.01", sum[order.Principal].String(), "the half of 100.01 that the first unit takes")
}

// A component that is also sold by itself is a line of its own, and a row that names
// it is about that line.
func TestComponentThatIsALineToo(t *testing.T) {
	o := desks()
	o.Lines = append(o.Lines, order.Line{Item: "114000000000044", SKU: "LEG", Ordered: 4, Shipped: 4, Charges: order.Amounts{order.Principal: usd("40")}})
	d := open(t, o)
	d.take(20, returns(kits(1), with(with(lamps(2), "Merchant SKU", "LEG"), "ASIN", "")))
	one := d.one()
	_, err := d.Receive(t.Context(), rma.Goods{RMA: one.ID, Key: "1", By: "anna", Counts: []rma.Count{{SKU: "LEG", Good: 1}}})
	require.ErrorContains(t, err, `SKU "LEG" is 2 of the RMA's lines`)
	one, err = d.Receive(t.Context(), rma.Goods{RMA: one.ID, Key: "1", By: "anna", Counts: []rma.Count{{Item: "114000000000044", SKU: "LEG", Good: 2}}})
	require.NoError(t, err)
	assert.Equal(t, 2, one.Counted("114000000000044", "LEG").Good)
	assert.Zero(t, one.Counted(desk2, "LEG").Good)
	q, err := d.Refund(t.Context(), one.ID, "anna")
	require.NoError(t, err)
	assert.Equal(t, []refund.Ask{{Item: desk2, Units: 1, Returned: 1}, {Item: "114000000000044", Units: 2, Returned: 2, Shipping: true}}, q.Lines)
}

// What of a kit may be refunded while only some of its components are here.
func TestKitRefund(t *testing.T) {
	type asks = []refund.Ask
	top, legs := rma.Count{SKU: "TOP", Good: 1}, rma.Count{SKU: "LEG", Good: 4}
	tests := []struct {
		name   string
		policy settings.Policy
		counts []rma.Count
		want   asks
	}{
		{"nothing came", settings.Policy{}, nil, asks{{Item: desk2, Units: 2, Returned: 2}}},
		{"a top came", settings.Policy{}, []rma.Count{top}, nil},
		{"one of two kits came", settings.Policy{}, []rma.Count{top, legs}, asks{{Item: desk2, Units: 1, Returned: 1}}},
		{"nothing came, by receipt", settings.Policy{RefundCeiling: settings.CeilingReceived}, nil, nil},
		{"it came damaged", settings.Policy{RefundCeiling: settings.CeilingReceived}, []rma.Count{{SKU: "TOP", Damaged: 1}, legs}, asks{{Item: desk2, Units: 1, Returned: 1}}},
		{"it came damaged, and good is wanted", settings.Policy{RefundCeiling: settings.CeilingGood}, []rma.Count{{SKU: "TOP", Damaged: 1}, legs}, nil},
		{"a top came, pro rata", settings.Policy{KitRefund: settings.KitProRata}, []rma.Count{top}, asks{{Item: desk2, Amounts: order.Amounts{order.Principal: usd("37.51")}}}},
		{"one of two kits came, pro rata", settings.Policy{KitRefund: settings.KitProRata}, []rma.Count{top, legs}, asks{{Item: desk2, Units: 1, Returned: 1, Amounts: order.Amounts{order.Principal: usd("50.01")}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openWith(t, settings.Settings{Policy: tt.policy}, desks())
			d.take(20, returns(kits(2)))
			d.receive("1", tt.counts...)
			q, err := d.Refund(t.Context(), d.one().ID, "anna")
			assert.Equal(t, tt.want == nil, err != nil)
			if diff := cmp.Diff(tt.want, q.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// However the components of kits come, and on however many RMAs: the refunds of what
// came add up to what was paid for the kits, to the cent.
func TestKitRefundsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := desks()
		kit := &o.Lines[2]
		kit.Charges = order.Amounts{
			order.Principal: decimal.New(rapid.Int64Range(1, 99999).Draw(rt, "principal"), -2),
			order.Tax:       decimal.New(rapid.Int64Range(0, 999).Draw(rt, "tax"), -2),
		}
		for i := range kit.Kit {
			kit.Kit[i].Quantity = rapid.IntRange(1, 3).Draw(rt, "quantity")
			kit.Kit[i].Share = decimal.NewFromInt(rapid.Int64Range(0, 5).Draw(rt, "share"))
		}
		d := openWith(t, settings.Settings{Policy: settings.Policy{KitRefund: settings.KitProRata, RefundCeiling: settings.CeilingReceived}}, o)
		d.take(20, returns(kits(1), with(kits(1), "Amazon RMA ID", "DbbbbbbbRRMA")))
		var parts []rma.Goods
		for _, r := range d.all() {
			for _, p := range kit.Kit {
				for range p.Quantity {
					parts = append(parts, rma.Goods{RMA: r.ID, Key: fmt.Sprint(len(parts)), By: "anna", Counts: []rma.Count{{Item: desk2, SKU: p.SKU, Good: 1}}})
				}
			}
		}
		paid := order.Amounts{}
		for _, g := range rapid.Permutation(parts).Draw(rt, "parts") {
			_, err := d.Receive(t.Context(), g)
			require.NoError(rt, err)
			if rapid.Bool().Draw(rt, "refunded at once") {
				paid = paid.Plus(d.pay(g.RMA))
			}
		}
		for _, r := range d.all() {
			paid = paid.Plus(d.pay(r.ID))
		}
		assert.Equal(rt, kit.Paid().String(), paid.String())
	})
}

// receive counts goods of the only RMA.
func (d *desk) receive(key string, counts ...rma.Count) rma.RMA {
	d.t.Helper()
	if len(counts) == 0 {
		return d.one()
	}
	r, err := d.Receive(d.t.Context(), rma.Goods{RMA: d.one().ID, Key: key, By: "anna", Counts: counts})
	require.NoError(d.t, err)
	return r
}
