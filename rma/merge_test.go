package rma_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
)

var stamp = order.Stamp{By: "returns report returns.txt", At: morning}

func asOf(day int) time.Time { return meta(day).AsOf }

// row is an approved return of a lamp in a file that has every column.
func row() rma.Row {
	return rma.Row{
		Return: reportparse.Return{
			OrderID: first.Number, Status: "Approved", RMAID: "DaaaaaaaRRMA", SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", Quantity: 1,
			Reason: "CR-DEFECTIVE", Resolution: "StandardRefund", RequestDate: asOf(19),
		},
		Occurrence: 1, AsOf: asOf(20), Has: func(string) bool { return true },
	}
}

func TestMergeCreates(t *testing.T) {
	r := row()
	r.Carrier, r.TrackingID = "USPS", "9400"
	merged := rma.Merge([]order.Order{shipped("SO-1", first)}, nil, r, stamp)
	assert.True(t, merged.Created)
	assert.False(t, merged.Updated)
	assert.NotEmpty(t, merged.RMA.ID)
	want := rma.RMA{
		ID: merged.RMA.ID, HostOrder: so1, Order: first, OrderSourceRMANumber: "DaaaaaaaRRMA",
		Status: rma.Open, AmazonStatus: "Approved", Approval: rma.Approved, Receipt: rma.NotReceived, Resolution: rma.Refund,
		Lines: []rma.Line{{
			Row: lamp + "#1", Item: lamp, SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", Units: 1,
			Reason: "CR-DEFECTIVE", AmazonResolution: "StandardRefund",
		}},
		Notes:       []rma.Note{{Text: "Return tracking USPS 9400", At: morning}},
		RequestedAt: asOf(19), AsOf: asOf(20), Created: stamp,
	}
	if diff := cmp.Diff(want, merged.RMA); diff != "" {
		t.Errorf("RMA (-want +got):\n%s", diff)
	}
	assert.Equal(t, "RMA opened: 1 of item "+lamp+", CR-DEFECTIVE", merged.What)
}

func TestMergeMatchesTheLine(t *testing.T) {
	tests := []struct {
		name            string
		item, sku, asin string
		want            string // item; empty: skipped
		skipped         string
	}{
		{"by order item ID", mug, "", "", mug, ""},
		{"by order item ID before the SKU", mug, "LAMP-RED", "", mug, ""},
		{"by SKU", "", "MUG-BLUE", "", mug, ""},
		{"by SKU before the ASIN", "", "MUG-BLUE", "B0EXAMPLE1", mug, ""},
		{"by ASIN", "", "", "B0EXAMPLE2", mug, ""},
		{"by SKU where the order item ID is another's", "999999999999999", "LAMP-RED", "", lamp, ""},
		{"by nothing", "", "CHAIR", "B0EXAMPLE9", "", "the order has no line with SKU CHAIR or ASIN B0EXAMPLE9"},
		{"by nothing, order item ID named", "999999999999999", "", "", "", "the order has no line with order item 999999999999999"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := row()
			r.OrderItemID, r.SKU, r.ASIN = tt.item, tt.sku, tt.asin
			merged := rma.Merge([]order.Order{shipped("SO-1", first)}, nil, r, stamp)
			assert.Equal(t, tt.skipped, merged.Skipped)
			assert.Equal(t, tt.want != "", merged.Created)
			var items []string
			for _, l := range merged.RMA.Lines {
				items = append(items, l.Item)
			}
			assert.Equal(t, tt.want, strings.Join(items, " "))
		})
	}
}

func TestMergeSkips(t *testing.T) {
	tests := []struct {
		name  string
		given func(*order.Order, *rma.Row)
		why   string
	}{
		{"what waits for approval", func(_ *order.Order, r *rma.Row) { r.Status = "PendingApproval" }, "status is PendingApproval, not Approved"},
		{"what was closed before anybody saw it approved", func(_ *order.Order, r *rma.Row) { r.Status = "Closed" }, "status is Closed, not Approved"},
		{"a word of the future", func(_ *order.Order, r *rma.Row) { r.Status = "ApprovedSoon" }, "status is ApprovedSoon, not Approved"},
		{"what Amazon refunds", func(o *order.Order, _ *rma.Row) { o.Fulfilment = order.ByAmazon }, "order is fulfilled by Amazon, which refunds it by itself"},
		{"more than was ordered", func(_ *order.Order, r *rma.Row) { r.Quantity = 3 }, "more returned than ordered: 3 of item " + lamp + ", 2 of 2 left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, r := shipped("SO-1", first), row()
			tt.given(&o, &r)
			assert.Equal(t, rma.Merged{Skipped: tt.why}, rma.Merge([]order.Order{o}, nil, r, stamp))
		})
	}
}

func TestMergeApprovedInAnyCase(t *testing.T) {
	r := row()
	r.Status = "APPROVED"
	merged := rma.Merge([]order.Order{shipped("SO-1", first)}, nil, r, stamp)
	require.True(t, merged.Created)
	assert.Equal(t, "APPROVED", merged.RMA.AmazonStatus, "Amazon's word, verbatim")
}

func TestMergeUpdates(t *testing.T) {
	has := func(columns ...string) func(string) bool {
		return func(c string) bool { return slices.Contains(columns, c) }
	}
	tests := []struct {
		name   string
		given  func(*rma.Row)
		change func(*rma.RMA) // what becomes of the stored one beside AsOf
		what   string         // empty: not updated
	}{
		{"nothing new", func(*rma.Row) {}, func(*rma.RMA) {}, ""},
		{"a status", func(r *rma.Row) { r.Status = "Closed" }, func(r *rma.RMA) { r.AmazonStatus = "Closed" },
			`Amazon's status "Approved" became "Closed"`},
		{"a reason", func(r *rma.Row) { r.Reason = "CR-SWITCHEROO" }, func(r *rma.RMA) { r.Lines[0].Reason = "CR-SWITCHEROO" },
			`reason "CR-DEFECTIVE" became "CR-SWITCHEROO"`},
		{"a resolution", func(r *rma.Row) { r.Resolution = "Replacement" }, func(r *rma.RMA) { r.Lines[0].AmazonResolution = "Replacement" },
			`Amazon's resolution "StandardRefund" became "Replacement"`},
		{"a blank cell", func(r *rma.Row) { r.Reason, r.Has = "", has("Return Reason") }, func(r *rma.RMA) { r.Lines[0].Reason = "" },
			`reason "CR-DEFECTIVE" became ""`},
		{"a column that is not there", func(r *rma.Row) { r.Reason, r.Resolution, r.Has = "", "", has() }, func(*rma.RMA) {}, ""},
		{"a tracking number", func(r *rma.Row) { r.TrackingID = "9401" }, func(r *rma.RMA) {
			r.Notes = append(r.Notes, rma.Note{Text: "Return tracking 9401", At: morning})
		}, "tracking number noted"},
		{"the tracking number that is noted", func(r *rma.Row) { r.Carrier, r.TrackingID = "USPS", "9400" }, func(*rma.RMA) {}, ""},
		{"two things", func(r *rma.Row) { r.Status, r.Reason = "Closed", "CR-SWITCHEROO" }, func(r *rma.RMA) {
			r.AmazonStatus, r.Lines[0].Reason = "Closed", "CR-SWITCHEROO"
		}, `Amazon's status "Approved" became "Closed", reason "CR-DEFECTIVE" became "CR-SWITCHEROO"`},
		{"more units, which a person decides about", func(r *rma.Row) { r.Quantity = 2 }, func(*rma.RMA) {}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			orders := []order.Order{shipped("SO-1", first)}
			before := row()
			before.Carrier, before.TrackingID = "USPS", "9400"
			stored := func() rma.RMA { return rma.Merge(orders, nil, before, stamp).RMA }
			r := row()
			r.AsOf = asOf(21)
			tt.given(&r)
			rmas := []rma.RMA{stored()}
			merged := rma.Merge(orders, rmas, r, stamp)
			want := stored()
			tt.change(&want)
			want.AsOf = asOf(21)
			if diff := cmp.Diff(want, merged.RMA); diff != "" {
				t.Errorf("RMA (-want +got):\n%s", diff)
			}
			assert.Equal(t, tt.what, merged.What)
			assert.Equal(t, tt.what != "", merged.Updated)
			assert.False(t, merged.Created)
			assert.Equal(t, []rma.RMA{stored()}, rmas, "the arguments stay as they are")
		})
	}
}

func TestMergeByAge(t *testing.T) {
	tests := []struct {
		name        string
		stored, row time.Time
		updated     bool
	}{
		{"newer", asOf(20), asOf(21), true},
		{"as old", asOf(20), asOf(20), true},
		{"older", asOf(20), asOf(19), false},
		{"of unknown age, as what is known", time.Time{}, time.Time{}, true},
		{"of unknown age", asOf(20), time.Time{}, false},
		{"of known age, what is known of unknown", time.Time{}, asOf(20), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			orders := []order.Order{shipped("SO-1", first)}
			r := row()
			r.AsOf = tt.stored
			stored := rma.Merge(orders, nil, r, stamp).RMA
			r.AsOf, r.Reason = tt.row, "CR-SWITCHEROO"
			merged := rma.Merge(orders, []rma.RMA{stored}, r, stamp)
			assert.Equal(t, tt.updated, merged.Updated)
			assert.Empty(t, merged.Skipped)
		})
	}
}

func TestMergeCountsUnitsOfOtherRMAs(t *testing.T) {
	orders := []order.Order{shipped("SO-1", first)}
	other := row()
	other.RMAID = "DbbbbbbbRRMA"
	stored := rma.Merge(orders, nil, other, stamp).RMA
	cancelled := stored
	cancelled.Status = rma.Cancelled
	tests := []struct {
		name    string
		stored  []rma.RMA
		units   int
		created bool
	}{
		{"one is left", []rma.RMA{stored}, 1, true},
		{"only one is left", []rma.RMA{stored}, 2, false},
		{"a cancelled RMA takes none", []rma.RMA{cancelled}, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := row()
			r.Quantity = tt.units
			assert.Equal(t, tt.created, rma.Merge(orders, tt.stored, r, stamp).Created)
		})
	}
}

// After a split the units of a line stand on several host orders.
func TestMergeCountsUnitsOfASplit(t *testing.T) {
	one, two := shipped("SO-1", first), shipped("SO-1-B", first)
	one.Lines[0].Ordered, one.Lines[0].Shipped = 1, 1
	two.Lines[0].Ordered, two.Lines[0].Shipped = 1, 1
	r := row()
	r.Quantity = 2
	merged := rma.Merge([]order.Order{one, two}, nil, r, stamp)
	assert.True(t, merged.Created, merged.Skipped)
}

// Amazon's RMA ID names an RMA; without one, what the buyer asked for and when.
func TestMergeIdentity(t *testing.T) {
	orders := []order.Order{shipped("SO-1", first)}
	tests := []struct {
		name  string
		given func(*rma.Row)
		same  bool
	}{
		{"the same row", func(*rma.Row) {}, true},
		{"the same RMA about another item", func(r *rma.Row) { r.SKU, r.ASIN = "MUG-BLUE", "B0EXAMPLE2" }, true},
		{"another RMA ID", func(r *rma.Row) { r.RMAID = "DbbbbbbbRRMA" }, false},
		{"an RMA ID in another case", func(r *rma.Row) { r.RMAID = "DAAAAAAARRMA" }, false},
		{"no RMA ID", func(r *rma.Row) { r.RMAID = "" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := row()
			tt.given(&r)
			got := rma.Merge(orders, nil, r, stamp).RMA.ID
			assert.Equal(t, tt.same, got == rma.Merge(orders, nil, row(), stamp).RMA.ID)
		})
	}
	anonymous, later := row(), row()
	anonymous.RMAID, later.RMAID = "", ""
	later.RequestDate = asOf(25)
	stored := rma.Merge(orders, nil, anonymous, stamp).RMA
	assert.False(t, rma.Merge(orders, []rma.RMA{stored}, anonymous, stamp).Created, "it is known")
	assert.True(t, rma.Merge(orders, []rma.RMA{stored}, later, stamp).Created, "the buyer asked again")
}

func TestMergeAddsALine(t *testing.T) {
	orders := []order.Order{shipped("SO-1", first)}
	stored := rma.Merge(orders, nil, row(), stamp).RMA
	stored.Lines = slices.Grow(stored.Lines, 4) // room that belongs to the caller
	r := row()
	r.SKU, r.ASIN, r.AsOf = "MUG-BLUE", "B0EXAMPLE2", asOf(19)
	merged := rma.Merge(orders, []rma.RMA{stored}, r, order.Stamp{By: "returns report late.txt", At: morning.Add(time.Hour)})
	require.True(t, merged.Created)
	require.Len(t, merged.RMA.Lines, 2)
	assert.Equal(t, mug, merged.RMA.Lines[1].Item)
	assert.Equal(t, "RMA has one more line: 1 of item "+mug+", CR-DEFECTIVE", merged.What)
	assert.Equal(t, stamp, merged.RMA.Created, "when the RMA was made stays")
	assert.Equal(t, asOf(20), merged.RMA.AsOf, "an older report does not make it older")
	assert.Equal(t, rma.Line{}, stored.Lines[:2][1], "the argument stays as it is")
}
