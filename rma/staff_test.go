package rma_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

// What staff do is kept with who and why, shows on the host's order, and no report
// undoes it.
func TestStaff(t *testing.T) {
	tests := []struct {
		name string
		do   func(*desk, rma.ID) (rma.RMA, error)
		want func(*rma.RMA)
	}{
		{"close", func(d *desk, id rma.ID) (rma.RMA, error) { return d.Close(d.t.Context(), id, "anna", "why") }, func(r *rma.RMA) { r.Status = rma.Closed }},
		{"cancel", func(d *desk, id rma.ID) (rma.RMA, error) { return d.Cancel(d.t.Context(), id, "anna", "why") }, func(r *rma.RMA) { r.Status = rma.Cancelled }},
		{"reject", func(d *desk, id rma.ID) (rma.RMA, error) { return d.Reject(d.t.Context(), id, "anna", "why") }, func(r *rma.RMA) {
			r.Approval, r.Status = rma.Rejected, rma.Closed
		}},
		{"set resolution", func(d *desk, id rma.ID) (rma.RMA, error) {
			return d.SetResolution(d.t.Context(), id, rma.Repair, "anna", "why")
		}, func(r *rma.RMA) { r.Resolution = rma.Repair }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(1)))
			want := d.one()
			tt.want(&want)
			got, err := tt.do(d, want.ID)
			require.NoError(t, err)
			assert.Equal(t, d.one(), got)
			head := d.head(first)
			_, err = tt.do(d, want.ID)
			require.NoError(t, err)
			assert.Equal(t, head, d.head(first), "the same again changes nothing")

			d.take(21, returns(with(lamps(1), "Return Reason", "CR-SWITCHEROO")))
			one := d.one()
			assert.Equal(t, [3]string{string(want.Status), string(want.Approval), string(want.Resolution)}, [3]string{string(one.Status), string(one.Approval), string(one.Resolution)})
			assert.Equal(t, string(want.Status), d.shown())
			said := 0
			for _, e := range d.journal() {
				if e.By == "anna" {
					assert.Equal(t, order.EventChanged, e.Kind)
					assert.Equal(t, "why", e.Why)
					assert.NotEqual(t, e.Before, e.After)
					said++
				}
			}
			assert.Positive(t, said)
		})
	}
}

func TestReopenAndApprove(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1)))
	receives(d)
	pays(d)
	require.Equal(t, rma.Closed, d.one().Status)
	assert.Equal(t, rma.Open, d.must(d.Reopen(t.Context(), d.one().ID, "anna", "a second parcel")).Status)
	d.take(21, returns(status("Closed")))
	assert.Equal(t, rma.Open, d.one().Status, "only people close it after that")
	d.shut()
	assert.Equal(t, rma.Closed, d.one().Status)

	e := open(t, shipped("SO-1", first))
	e.take(20, returns(lamps(1)))
	e.must(e.Reject(t.Context(), e.one().ID, "anna", "used"))
	back := e.must(e.Approve(t.Context(), e.one().ID, "bea", "it was not"))
	assert.Equal(t, [2]string{"Approved", "Open"}, [2]string{string(back.Approval), string(back.Status)})
}

func TestStaffRefused(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1)))
	id := d.one().ID
	receives(d)
	_, err := d.Cancel(t.Context(), id, "anna", "why")
	require.ErrorIs(t, err, rma.ErrTouched)
	_, err = d.Reject(t.Context(), id, "anna", "why")
	require.ErrorIs(t, err, rma.ErrTouched)
	_, err = d.Close(t.Context(), id, "", "why")
	require.ErrorContains(t, err, "say by whom")
	_, err = d.Close(t.Context(), "RMNONE", "anna", "why")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = d.SetResolution(t.Context(), id, "Money", "anna", "why")
	require.ErrorContains(t, err, `resolution "Money"`)
	_, err = d.AddNote(t.Context(), id, " ", "anna")
	require.ErrorContains(t, err, `note " " of 1 bytes: want 1 to 4096`)
}

// A cancelled RMA gives its units back to the order.
func TestCancelGivesUnitsBack(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(2)))
	more := with(lamps(2), "Amazon RMA ID", "DbbbbbbbRRMA")
	assert.Equal(t, 1, d.take(21, returns(more)).Skipped["nothing is left of the order line to return"])
	d.must(d.Cancel(t.Context(), d.one().ID, "anna", "sent by mistake"))
	require.Len(t, d.all(), 2)
	for _, r := range d.all() {
		assert.Equal(t, 2, r.Lines[0].Units)
	}
}

// A note is for people, and reads as it was written.
func TestNotesThatDoNotShow(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1)))
	for _, text := range []string{"", "\n", "\x00", "\xff", "cracked\u202e", "\x1b[2J", strings.Repeat("x", 4097)} {
		_, err := d.AddNote(t.Context(), d.one().ID, text, "anna")
		assert.ErrorContains(t, err, "of text in UTF-8 that shows", "%.10q", text)
	}
	assert.Empty(t, d.one().Notes)
	for _, text := range []string{"cracked,\n\tand dirty\r\n", "割れ　傷", "👩‍🔧 looked"} {
		d.must(d.AddNote(t.Context(), d.one().ID, text, "anna"))
	}
	assert.Len(t, d.one().Notes, 3)
}

func TestAddNote(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(with(lamps(1), "Tracking ID", "9400")))
	for range 2 {
		d.must(d.AddNote(t.Context(), d.one().ID, "shade is cracked", "anna"))
	}
	assert.Equal(t, []rma.Note{{Text: "Return tracking number 9400", At: morning}, {Text: "shade is cracked", At: morning, By: "anna"}}, d.one().Notes)
	var shown []string
	for _, e := range d.effects(order.EffectNote) {
		shown = append(shown, e.Note.Text)
	}
	assert.Equal(t, []string{"RMA DaaaaaaaRRMA: Return tracking number 9400", "RMA DaaaaaaaRRMA: shade is cracked"}, shown, "on the host's order, once each")
}

func TestOpenByHand(t *testing.T) {
	d := open(t, desks())
	o := rma.Opening{Order: first, Key: "call 12", By: "anna", Reason: "told us by telephone", Lines: []rma.OpenLine{{Item: lamp, Units: 1, Reason: "CR-DEFECTIVE"}, {Item: desk2, Units: 1}}}
	made := d.must(d.Open(t.Context(), o))
	assert.Equal(t, d.one(), made)
	assert.Equal(t, made, d.must(d.Open(t.Context(), o)), "the same key opens nothing")
	assert.Len(t, made.Lines, 3, "a lamp, and the components of a desk")
	assert.Equal(t, rma.Open, made.Status)

	// What Amazon reports takes what is left.
	in := d.take(20, returns(lamps(2)))
	assert.Equal(t, 1, in.Warned)
	assert.Equal(t, made.Lines, d.must(d.RMA(t.Context(), made.ID)).Lines)

	change := func(f func(*rma.Opening)) rma.Opening {
		c := o
		c.Key = "call 13"
		f(&c)
		return c
	}
	tests := []struct {
		name string
		of   rma.Opening
		is   error
		says string
	}{
		{"another thing under the key", change(func(o *rma.Opening) { o.Key, o.Lines = "call 12", o.Lines[:1] }), rma.ErrKeyReused, "call 12"},
		{"more than is left", change(func(o *rma.Opening) { o.Lines = []rma.OpenLine{{Item: lamp, Units: 1}} }), order.ErrOver, "0 are left to return"},
		{"nobody", change(func(o *rma.Opening) { o.By = "" }), nil, "say by whom"},
		{"no key", change(func(o *rma.Opening) { o.Key = "" }), nil, "Key"},
		{"no lines", change(func(o *rma.Opening) { o.Lines = nil }), nil, "no lines"},
		{"an item of another order", change(func(o *rma.Opening) { o.Lines = []rma.OpenLine{{Item: "99900000000000", Units: 1}} }), nil, "not in the order"},
		{"no units", change(func(o *rma.Opening) { o.Lines = []rma.OpenLine{{Item: mug}} }), nil, "want at least 1"},
		{"units that add up to none", change(func(o *rma.Opening) { o.Lines = []rma.OpenLine{{Item: desk2, Units: 1 << 62}} }), order.ErrOver, "were ordered"},
		{"a name that does not show", change(func(o *rma.Opening) { o.By = "anna\x00" }), nil, `actor "anna\x00": want`},
		{"a key that does not show", change(func(o *rma.Opening) { o.Key = "call\u202e 13" }), nil, `key "call\u202e 13": want`},
		{"a line twice", change(func(o *rma.Opening) { o.Lines = []rma.OpenLine{{Item: desk2, Units: 1}, {Item: desk2, Units: 1}} }), nil, "named twice"},
		{"an unknown order", change(func(o *rma.Opening) { o.Order = numbered(9) }), store.ErrNotFound, "order book"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Open(t.Context(), tt.of)
			require.ErrorContains(t, err, tt.says)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.Len(t, d.all(), 2)
		})
	}
}

// An RMA that somebody opened and cancelled comes back only while its units are left.
func TestReopenWantsTheUnits(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	byHand, err := d.Open(t.Context(), rma.Opening{Order: first, Key: "call 12", By: "anna", Lines: []rma.OpenLine{{Item: lamp, Units: 1}}})
	require.NoError(t, err)
	_, err = d.Cancel(t.Context(), byHand.ID, "anna", "not sent")
	require.NoError(t, err)
	d.take(20, returns(lamps(2)))
	_, err = d.Reopen(t.Context(), byHand.ID, "anna", "sent after all")
	assert.ErrorIs(t, err, order.ErrOver)

	d.take(21, returns(lamps(1)))
	got, err := d.Reopen(t.Context(), byHand.ID, "anna", "sent after all")
	require.NoError(t, err)
	assert.Equal(t, rma.Open, got.Status)
}

// A decision that leaves everything as it is was made all the same.
func TestDecisionsThatChangeNothingAreTold(t *testing.T) {
	tests := []struct {
		name   string
		decide func(*desk, rma.ID) (rma.RMA, error)
		want   [3]string // subject, before, after
	}{
		{"closed once more", func(d *desk, id rma.ID) (rma.RMA, error) { return d.Close(d.t.Context(), id, "anna", "why") }, [3]string{": decision", "", "Closed with 1 units"}},
		{"the same resolution", func(d *desk, id rma.ID) (rma.RMA, error) {
			return d.SetResolution(d.t.Context(), id, rma.Refund, "anna", "why")
		}, [3]string{": who chose the resolution", "", "anna"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(1)))
			receives(d)
			pays(d)
			require.Equal(t, rma.Closed, d.one().Status)
			before := len(d.journal())
			d.must(tt.decide(d, d.one().ID))
			require.Len(t, d.journal(), before+1)
			e := d.journal()[before]
			assert.Equal(t, tt.want, [3]string{strings.TrimPrefix(e.Subject, "RMA "+string(d.one().ID)), e.Before, e.After})
			d.must(tt.decide(d, d.one().ID))
			assert.Len(t, d.journal(), before+1, "once")
		})
	}
}
