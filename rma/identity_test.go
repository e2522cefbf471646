package rma_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
)

// nameless is a file without Amazon's RMA IDs.
func nameless(rows ...[]string) report { return returns(rows...).without("Amazon RMA ID") }

// A file without Amazon's RMA IDs speaks of the same returns as one that has them: the
// same item, asked for on the same day.
func TestRowsWithoutRMAID(t *testing.T) {
	closed := with(lamps(1), "Return request status", "Closed")
	second := with(lamps(1), "Amazon RMA ID", "DbbbbbbbRRMA")
	tests := []struct {
		name  string
		files []report // of one day after the other
		want  []string // RMAs with lines: number, Amazon's status, units
	}{
		{"after it", []report{returns(lamps(1)), nameless(closed)}, []string{"DaaaaaaaRRMA Closed 1"}},
		{"before it", []report{nameless(lamps(1)), returns(closed)}, []string{"DaaaaaaaRRMA Closed 1"}},
		{"asked for on another day", []report{returns(lamps(1)), nameless(with(lamps(1), "Return request date", "21-Mar-2026"))}, []string{" Approved 1", "DaaaaaaaRRMA Approved 1"}},
		{"asked for on a day that is not known", []report{returns(lamps(1)).without("Return request date"), nameless(lamps(1)).without("Return request date")}, []string{" Approved 1", "DaaaaaaaRRMA Approved 1"}},
		{"two of one day", []report{returns(lamps(1), second), nameless(closed, closed)}, []string{"DaaaaaaaRRMA Closed 1", "DbbbbbbbRRMA Closed 1"}},
		{"two of one day, before them", []report{nameless(lamps(1), lamps(1)), returns(closed, second)}, []string{"DaaaaaaaRRMA Closed 1", "DbbbbbbbRRMA Approved 1"}},
		{"a time of the day", []report{nameless(lamps(1)), nameless(with(closed, "Return request date", "2026-03-19T12:44:17Z"))}, []string{" Closed 1"}},
		{"by ASIN", []report{returns(lamps(1)), nameless(with(closed, "Merchant SKU", ""))}, []string{"DaaaaaaaRRMA Closed 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			for i, f := range tt.files {
				d.take(20+i, f)
			}
			assert.Equal(t, tt.want, d.numbers())
			head := d.head(first)
			for i, f := range tt.files {
				assert.Equal(t, len(f.rows), d.take(20+i, f).Unchanged)
			}
			assert.Equal(t, head, d.head(first), "the same again changes nothing")
		})
	}
}

// numbers are the RMAs that have lines.
func (d *desk) numbers() []string {
	d.t.Helper()
	var all []string
	for _, r := range d.all() {
		n := 0
		for _, l := range r.Lines {
			n += l.Units
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("%s %s %d", r.OrderSourceRMANumber, r.AmazonStatus, n))
		}
	}
	slices.Sort(all)
	return all
}

// Once something was done about an RMA, a report that gives it its number does not
// make another of it.
func TestRMAIDThatComesLater(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, nameless(lamps(1)))
	receives(d)
	id := d.one().ID
	in := d.take(21, returns(with(lamps(1), "Return request status", "Completed")))
	assert.Equal(t, 1, in.Updated)
	one := d.one()
	assert.Equal(t, id, one.ID)
	assert.Equal(t, []string{"DaaaaaaaRRMA", "Completed"}, []string{one.OrderSourceRMANumber, one.AmazonStatus})
	assert.Equal(t, rma.Received, one.Receipt)

	// Where nothing was done, the number names the RMA, and what was there before says
	// where its units are.
	d = open(t, shipped("SO-1", first))
	d.take(20, nameless(with(lamps(1), "Tracking ID", "9400")))
	id = d.one().ID
	assert.Equal(t, 1, d.take(21, returns(lamps(1))).Updated)
	was, err := d.RMA(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, rma.Cancelled, was.Status)
	assert.Empty(t, was.Lines)
	require.Len(t, d.all(), 2)
	now := d.all()[slices.IndexFunc(d.all(), func(r rma.RMA) bool { return r.ID != id })]
	assert.Equal(t, "Return tracking number 9400", now.Notes[0].Text)
	why := d.journal()[slices.IndexFunc(d.journal(), func(e order.Event) bool { return e.Subject == "RMA "+string(id)+": status" })]
	assert.Equal(t, "its units come back on another return, or the order has none left to return", why.Why)
}

// An order line that the host has renamed: the row follows it, unless something was
// done about the old one, which then stays as it was.
func TestOrderLineThatIsRenamed(t *testing.T) {
	renamed := "114000000000077"
	tests := []struct {
		name string
		then happens
		want string
	}{
		{"nothing was done", func(*desk) {}, renamed},
		{"it was received", receives, lamp},
		{"it was refunded", pays, lamp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(1)))
			tt.then(d)
			before := d.one()
			d.book[0].Lines[0].Item = renamed
			d.take(21, returns(with(lamps(1), "Return request status", "Closed")))
			require.Len(t, d.one().Lines, 1)
			got := d.one().Lines[0]
			assert.Equal(t, tt.want, got.Item)
			assert.Equal(t, before.Lines[0].Paid.String(), got.Paid.String())
			assert.Equal(t, []string{"LAMP-RED", "1"}, []string{got.SKU, fmt.Sprint(got.Units)})
			assert.Equal(t, before.Receipt, d.one().Receipt)
		})
	}
}

// Two lines of one SKU: a report that names the line moves the row there, unless
// something was done about the line that it was taken for.
func TestOrderItemThatComesLater(t *testing.T) {
	named := report{append(slices.Clone(columns), "Order Item ID"), [][]string{append(lamps(1), "114000000000077")}}
	for _, touched := range []bool{false, true} {
		o := shipped("SO-1", first)
		o.Lines = append(o.Lines, o.Lines[0])
		o.Lines[2].Item, o.Lines[2].Returned = "114000000000077", 2
		d := open(t, o)
		d.take(20, returns(lamps(1)))
		require.Equal(t, lamp, d.one().Lines[0].Item, "the other line has nothing left")
		want := "114000000000077"
		if touched {
			receives(d)
			want = lamp
		}
		d.book[0].Lines[2].Returned = 0
		assert.Equal(t, 1, d.take(21, named).Total())
		require.Len(t, d.one().Lines, 1)
		assert.Equal(t, want, d.one().Lines[0].Item)
	}
}

// A file that gives one RMA ID to two orders makes an RMA of each.
func TestRMAIDOfTwoOrders(t *testing.T) {
	other := order.AmazonID{Account: first.Account, Number: "111-0000009-0000009"}
	d := open(t, shipped("SO-1", first), shipped("SO-9", other))
	assert.Equal(t, 2, d.take(20, returns(lamps(1), with(lamps(2), "Order ID", other.Number))).Created)
	assert.Equal(t, []string{"DaaaaaaaRRMA Approved 1", "DaaaaaaaRRMA Approved 2"}, d.numbers())
}
