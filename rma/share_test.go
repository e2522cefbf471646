package rma_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
)

// After a split the RMA is shown on the host order that shipped the item, and what was
// cancelled on one of them cannot come back.
func TestReturnAfterASplit(t *testing.T) {
	cancelled, gone := shipped("SO-1", first), shipped("SO-1-B", first)
	cancelled.Lines[0].Ordered, cancelled.Lines[0].Shipped, cancelled.Lines[0].Cancelled = 1, 0, 1
	gone.Lines[0].Ordered, gone.Lines[0].Shipped = 1, 1
	d := open(t, cancelled, gone)
	in := d.take(20, returns(lamps(2)))
	assert.Equal(t, 1, in.Warned)
	assert.Equal(t, 1, d.one().Lines[0].Units)
	assert.Equal(t, order.ID{Company: "acme", Number: "SO-1-B"}, d.one().HostOrder)
}

// An order that the host has lost takes nobody's RMA away.
func TestOrderThatVanishes(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1)))
	before := d.one()
	d.book = nil
	d.take(21, returns(with(lamps(1), "Return Reason", "CR-SWITCHEROO")))
	assert.Equal(t, before.Lines, d.one().Lines)
	assert.Equal(t, rma.ReturnMatched, d.rows()[0].State)
}

// A row that was taken for one of two lines stays there when the other is free again.
func TestRowStaysOnItsLine(t *testing.T) {
	o := shipped("SO-1", first)
	o.Lines[1].SKU, o.Lines[1].ASIN = "LAMP-RED", "B0EXAMPLE1"
	d := open(t, o)
	opened := d.must(d.Open(t.Context(), rma.Opening{Order: first, Key: "1", By: "anna", Lines: []rma.OpenLine{{Item: mug, Units: 1}}}))
	d.take(20, returns(lamps(1)))
	d.must(d.Cancel(t.Context(), opened.ID, "anna", "by mistake"))
	d.take(21, returns(with(lamps(1), "Return Reason", "CR-SWITCHEROO")))
	rows := d.rows()
	require.Len(t, rows, 1)
	assert.Equal(t, []string{string(rma.ReturnMatched), lamp}, []string{string(rows[0].State), rows[0].Item})
}

// The components of a kit stand for the same units of the order line.
func TestKitsLeftToReturn(t *testing.T) {
	d := open(t, desks())
	for _, key := range []string{"1", "2"} {
		d.must(d.Open(t.Context(), rma.Opening{Order: first, Key: key, By: "anna", Lines: []rma.OpenLine{{Item: desk2, Units: 1}}}))
	}
	_, err := d.Open(t.Context(), rma.Opening{Order: first, Key: "3", By: "anna", Lines: []rma.OpenLine{{Item: desk2, Units: 1}}})
	require.ErrorIs(t, err, order.ErrOver)
}

// What was denied once it had come is not free for another return.
func TestDeniedTooLateKeepsItsUnits(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	d.receive("1", rma.Count{SKU: "LAMP-RED", Good: 1})
	d.take(21, returns(with(lamps(2), "Return request status", "Denied")))
	d.take(22, returns(with(lamps(2), "Amazon RMA ID", "DbbbbbbbRRMA")))
	assert.Equal(t, []string{"DaaaaaaaRRMA Denied 2"}, d.numbers())
}
