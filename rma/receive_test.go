package rma_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
)

func TestReceive(t *testing.T) {
	count := func(good, damaged, missing int) rma.Count {
		return rma.Count{SKU: "LAMP-RED", Good: good, Damaged: damaged, Missing: missing}
	}
	tests := []struct {
		name   string
		counts []rma.Count // one after the other
		want   rma.Receipt
		says   string // why the last one is refused
	}{
		{"one of two", []rma.Count{count(1, 0, 0)}, rma.PartiallyReceived, ""},
		{"both", []rma.Count{count(1, 1, 0)}, rma.Received, ""},
		{"both, one after the other", []rma.Count{count(1, 0, 0), count(0, 1, 0)}, rma.Received, ""},
		{"one, and one for ever missing", []rma.Count{count(1, 0, 1)}, rma.PartiallyReceived, ""},
		{"none", []rma.Count{count(0, 0, 2)}, rma.NotReceived, ""},
		{"more than is authorised", []rma.Count{count(2, 0, 0), count(0, 1, 0)}, rma.Received, "3 received or missing are more than is left: 2 are authorised"},
		{"a correction", []rma.Count{count(2, 0, 0), count(-1, 1, 0)}, rma.Received, ""},
		{"taken back", []rma.Count{count(2, 0, 0), count(-2, 0, 0)}, rma.NotReceived, ""},
		{"a correction below nothing", []rma.Count{count(1, 0, 0), count(-2, 1, 0)}, rma.PartiallyReceived, "-1 good, 1 damaged, 0 missing in all: want 0 or more of each"},
		{"numbers that add up to less", []rma.Count{count(math.MaxInt, math.MaxInt, 2)}, rma.NotReceived, "are more than is left: 2 are authorised"},
		{"one far below nothing", []rma.Count{count(2, 0, 0), count(math.MinInt, 0, 0)}, rma.Received, "takes back more than was counted, which is 2 good, 0 damaged, 0 missing"},
		{"nothing", []rma.Count{count(0, 0, 0)}, rma.NotReceived, "nothing is counted"},
		{"another SKU", []rma.Count{{SKU: "CHAIR", Good: 1}}, rma.NotReceived, `SKU "CHAIR" is 0 of the RMA's lines, which are 2 LAMP-RED of item ` + lamp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(2)))
			var err error
			for i, c := range tt.counts {
				require.NoError(t, err)
				_, err = d.Receive(t.Context(), rma.Goods{RMA: d.one().ID, Key: string(rune('a' + i)), By: "anna", Counts: []rma.Count{c}})
			}
			if tt.says != "" {
				require.ErrorContains(t, err, tt.says)
			}
			assert.Equal(t, tt.says == "", err == nil, "%v", err)
			assert.Equal(t, tt.want, d.one().Receipt)
		})
	}
}

func TestReceiveOnce(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	g := rma.Goods{RMA: d.one().ID, Key: "dock 7", By: "anna", Why: "pallet 9", Restock: true, Counts: []rma.Count{{SKU: "LAMP-RED", Good: 1, Damaged: 1}}}
	for range 2 {
		r, err := d.Receive(t.Context(), g)
		require.NoError(t, err)
		assert.Equal(t, d.one(), r)
	}
	moves := d.effects(order.EffectStock)
	require.Len(t, moves, 1, "stock moves once")
	assert.Equal(t, order.StockMove{SKU: "LAMP-RED", Quantity: 1}, *moves[0].Stock)
	var audit [][2]string
	for _, e := range d.journal() {
		if e.By == "anna" {
			audit = append(audit, [2]string{e.Before, e.After})
			assert.Equal(t, "pallet 9", e.Why)
		}
	}
	assert.Equal(t, [][2]string{{"0 good, 0 damaged, 0 missing", "1 good, 1 damaged, 0 missing"}, {"NotReceived", "Received"}}, audit)

	g.Restock = false
	_, err := d.Receive(t.Context(), g)
	require.ErrorIs(t, err, rma.ErrKeyReused)
	for _, wrong := range []rma.Goods{{RMA: g.RMA, By: "anna", Counts: g.Counts}, {RMA: g.RMA, Key: "8", Counts: g.Counts}, {RMA: g.RMA, Key: "8", By: "anna"}} {
		_, err = d.Receive(t.Context(), wrong)
		require.Error(t, err)
	}
	assert.Len(t, d.effects(order.EffectStock), 1)
}

// A correction takes out of the stock what was put into it, and no more.
func TestRestockCorrected(t *testing.T) {
	type arrival struct {
		good    int
		restock bool
	}
	for name, tt := range map[string]struct {
		arrivals []arrival
		want     []int // stock moves
	}{
		"of what was restocked":       {[]arrival{{2, true}, {-1, true}}, []int{2, -1}},
		"of what was not":             {[]arrival{{2, false}, {-1, true}}, nil},
		"of some that was":            {[]arrival{{1, true}, {1, false}, {-2, true}}, []int{1, -1}},
		"that leaves the stock alone": {[]arrival{{2, true}, {-1, false}}, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(2)))
			for i, a := range tt.arrivals {
				d.must(d.Receive(t.Context(), rma.Goods{RMA: d.one().ID, Key: string(rune('a' + i)), By: "anna", Restock: a.restock, Counts: []rma.Count{{SKU: "LAMP-RED", Good: a.good}}}))
			}
			var moves []int
			for _, e := range d.effects(order.EffectStock) {
				moves = append(moves, e.Stock.Quantity)
			}
			assert.Equal(t, tt.want, moves)
		})
	}
}

// The order in which goods are named, and how often a line is, makes no other goods.
func TestReceiveInAnyOrder(t *testing.T) {
	d := open(t, desks())
	d.take(20, returns(kits(1), lamps(2)))
	top, legs, lamps := rma.Count{SKU: "TOP", Good: 1}, rma.Count{SKU: "LEG", Good: 4}, rma.Count{SKU: "LAMP-RED", Good: 1}
	d.receive("1", top, legs, lamps, lamps)
	head := d.head(first)
	lamps.Good = 2
	d.receive("1", lamps, legs, top)
	assert.Equal(t, head, d.head(first))
	assert.Equal(t, rma.Received, d.one().Receipt)
}

// Reports that come later take no units away that are here.
func TestReceivedUnitsStay(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	d.receive("1", rma.Count{SKU: "LAMP-RED", Good: 2})
	earlier := with(with(lamps(2), "Amazon RMA ID", "DbbbbbbbRRMA"), "Return request date", "12-Mar-2026")
	in := d.take(21, returns(lamps(1), earlier))
	assert.Equal(t, 1, in.Skipped["nothing is left of the order line to return"])
	assert.Equal(t, rma.Received, d.one().Receipt)
	assert.GreaterOrEqual(t, d.one().Lines[0].Units, 2)
}
