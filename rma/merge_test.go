package rma_test

import (
	"fmt"
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
func row(change ...func(*rma.Row)) rma.Row {
	r := rma.Row{
		Return: reportparse.Return{
			OrderID: first.Number, Status: "Approved", RMAID: "DaaaaaaaRRMA", SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", Quantity: 1,
			Reason: "CR-DEFECTIVE", Resolution: "StandardRefund", RequestDate: asOf(19),
		},
		Occurrence: 1, AsOf: asOf(20), Has: func(string) bool { return true },
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// facts are those of an order about which nothing is known yet.
func facts(orders ...order.Order) rma.Facts {
	return rma.Facts{Company: "acme", Orders: orders, Ledger: order.Ledger{Order: first}}
}

// after are the facts once rows were merged, one after the other.
func after(f rma.Facts, rows ...rma.Row) rma.Facts {
	for _, r := range rows {
		f = saved(f, rma.Merge(f, []rma.Row{r}, stamp).Change)
	}
	return f
}

// saved are the facts after a change.
func saved(f rma.Facts, c rma.Change) rma.Facts {
	f.RMAs, f.Returns = slices.Clone(f.RMAs), slices.Clone(f.Returns)
	for _, r := range c.RMAs {
		r.Version++
		i := slices.IndexFunc(f.RMAs, func(of rma.RMA) bool { return of.ID == r.ID })
		if i < 0 {
			f.RMAs = append(f.RMAs, r)
			continue
		}
		f.RMAs[i] = r
	}
	for _, k := range c.Returns {
		k.Version++
		i := slices.IndexFunc(f.Returns, func(of rma.Return) bool { return of.ID == k.ID })
		if i < 0 {
			f.Returns = append(f.Returns, k)
			continue
		}
		f.Returns[i] = k
	}
	f.Ledger.Version++
	return f
}

func TestMergeCreates(t *testing.T) {
	merged := rma.Merge(facts(shipped("SO-1", first)), []rma.Row{row(func(r *rma.Row) { r.Carrier, r.TrackingID = "USPS", "9400" })}, stamp)
	assert.Equal(t, []rma.Outcome{{State: rma.ReturnMatched, Created: true}}, merged.Rows)
	require.Len(t, merged.Change.RMAs, 1)
	got := merged.Change.RMAs[0]
	want := rma.RMA{
		ID: got.ID, HostOrder: so1, Order: first, Currency: "USD", OrderSourceRMANumber: "DaaaaaaaRRMA",
		Status: rma.Open, AmazonStatus: "Approved", Approval: rma.Approved, Receipt: rma.NotReceived, Resolution: rma.Refund,
		Lines: []rma.Line{{
			Row: lamp + "#1", Item: lamp, SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", Units: 1, Asked: 1,
			Paid:   order.Amounts{order.Principal: usd("40.00"), order.Shipping: usd("2.50")},
			Reason: "CR-DEFECTIVE", AmazonStatus: "Approved", AmazonResolution: "StandardRefund",
		}},
		Notes:       []rma.Note{{Text: "Return carrier USPS", At: morning}, {Text: "Return tracking number 9400", At: morning}},
		RequestedAt: asOf(19), AsOf: asOf(20), Created: stamp, LookAt: morning.Add(24 * time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("RMA (-want +got):\n%s", diff)
	}
	var effects []string
	for _, e := range merged.Change.Effects {
		effects = append(effects, string(e.Kind))
	}
	assert.Equal(t, []string{"Note", "Note", "RMA"}, effects)
}

func TestMergeMatchesTheLine(t *testing.T) {
	tests := []struct {
		name            string
		item, sku, asin string
		want            string // item; empty: none
		why             string
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
			merged := rma.Merge(facts(shipped("SO-1", first)), []rma.Row{row(func(r *rma.Row) { r.OrderItemID, r.SKU, r.ASIN = tt.item, tt.sku, tt.asin })}, stamp)
			assert.Equal(t, tt.why, merged.Rows[0].Why)
			assert.Equal(t, tt.want != "", merged.Rows[0].Created)
			assert.Equal(t, tt.want, merged.Change.Returns[0].Item)
		})
	}
}

func TestMergeKeepsWithoutRMA(t *testing.T) {
	status := func(s string) func(*order.Order, *rma.Row) {
		return func(_ *order.Order, r *rma.Row) { r.Status = s }
	}
	tests := []struct {
		name  string
		given func(*order.Order, *rma.Row)
		state rma.ReturnState
		why   string
	}{
		{"what waits for approval", status("PendingApproval"), rma.ReturnSkipped, "status is PendingApproval, not Approved"},
		{"what was closed before anybody saw it approved", status("Closed"), rma.ReturnSkipped, "status is Closed, not Approved"},
		{"a word of the future", status("ApprovedSoon"), rma.ReturnSkipped, "status is ApprovedSoon, not Approved"},
		{"what Amazon refunds", func(o *order.Order, _ *rma.Row) { o.Fulfilment = order.ByAmazon }, rma.ReturnUnmatched, "order is fulfilled by Amazon, which refunds it by itself"},
		{"another company's", func(o *order.Order, _ *rma.Row) { o.ID.Company = "other" }, rma.ReturnUnmatched, "the order belongs to another company than the account"},
		{"what was cancelled", func(o *order.Order, _ *rma.Row) { o.Lines[0].Cancelled, o.Lines[0].Shipped = 2, 0 }, rma.ReturnSkipped, "nothing is left of the order line to return"},
		{"what came back before", func(o *order.Order, _ *rma.Row) { o.Lines[0].Returned = 2 }, rma.ReturnSkipped, "nothing is left of the order line to return"},
		{"a kit with a broken recipe", func(o *order.Order, _ *rma.Row) { o.Lines[0].Kit = []order.Part{{SKU: "SHADE"}} }, rma.ReturnUnmatched,
			`the order's recipe: kit part "SHADE" × 0: want a SKU and a quantity of at least 1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, r := shipped("SO-1", first), row()
			tt.given(&o, &r)
			merged := rma.Merge(facts(o), []rma.Row{r}, stamp)
			assert.Equal(t, []rma.Outcome{{State: tt.state, Why: tt.why}}, merged.Rows)
			assert.Empty(t, merged.Change.RMAs)
			require.Len(t, merged.Change.Returns, 1)
			assert.Equal(t, tt.state, merged.Change.Returns[0].State)
			assert.NotEmpty(t, merged.Change.Events)
		})
	}
}

func TestMergeApprovedInAnyCase(t *testing.T) {
	f := after(facts(shipped("SO-1", first)), row(func(r *rma.Row) { r.Status = "APPROVED" }))
	require.Len(t, f.RMAs, 1)
	assert.Equal(t, "APPROVED", f.RMAs[0].AmazonStatus, "Amazon's word, verbatim")
}

// What the reports say of one value, by how old they are and whether they have the
// column. The last word is the same, whatever came first.
func TestMergeByAge(t *testing.T) {
	type said struct {
		day    int // 0: unknown
		reason string
		column bool
	}
	tests := []struct {
		name string
		a, b said
		want string
	}{
		{"the newer counts", said{20, "CR-DEFECTIVE", true}, said{21, "CR-SWITCHEROO", true}, "CR-SWITCHEROO"},
		{"of two as old one counts, always the same", said{20, "CR-DEFECTIVE", true}, said{20, "CR-SWITCHEROO", true}, "CR-SWITCHEROO"},
		{"a blank cell of a newer one counts", said{20, "CR-DEFECTIVE", true}, said{21, "", true}, ""},
		{"a column that a newer one lacks does not", said{20, "CR-DEFECTIVE", true}, said{21, "", false}, "CR-DEFECTIVE"},
		{"of unknown age fills what is blank", said{20, "", true}, said{0, "CR-SWITCHEROO", true}, "CR-SWITCHEROO"},
		{"of unknown age fills what is not there", said{20, "", false}, said{0, "CR-SWITCHEROO", true}, "CR-SWITCHEROO"},
		{"of unknown age replaces nothing", said{20, "CR-DEFECTIVE", true}, said{0, "CR-SWITCHEROO", true}, "CR-DEFECTIVE"},
		{"a blank cell of unknown age replaces nothing", said{20, "CR-DEFECTIVE", true}, said{0, "", true}, "CR-DEFECTIVE"},
		{"nor does it among themselves", said{0, "CR-DEFECTIVE", true}, said{0, "", true}, "CR-DEFECTIVE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows := []rma.Row{}
			for _, s := range []said{tt.a, tt.b} {
				rows = append(rows, row(func(r *rma.Row) {
					r.Reason, r.AsOf = s.reason, time.Time{}
					if s.day > 0 {
						r.AsOf = asOf(s.day)
					}
					r.Has = func(c string) bool { return s.column || c != "Return Reason" }
				}))
			}
			o := facts(shipped("SO-1", first))
			assert.Equal(t, tt.want, after(o, rows...).RMAs[0].Lines[0].Reason)
			slices.Reverse(rows)
			assert.Equal(t, tt.want, after(o, rows...).RMAs[0].Lines[0].Reason, "in the other order")
		})
	}
}

func TestMergeOfAStatusOfUnknownAge(t *testing.T) {
	undated := func(status string) rma.Row {
		return row(func(r *rma.Row) { r.Status, r.AsOf = status, time.Time{} })
	}
	tests := []struct{ known, undated, want string }{
		{"Approved", "Closed", "Closed"},
		{"Approved", "PendingApproval", "Approved"},
		{"Completed", "Approved", "Completed"},
		{"Approved", "SomethingNew", "Approved"},
	}
	for _, tt := range tests {
		t.Run(tt.known+" and "+tt.undated, func(t *testing.T) {
			f := after(facts(shipped("SO-1", first)), row(), row(func(r *rma.Row) { r.Status = tt.known }), undated(tt.undated))
			assert.Equal(t, tt.want, f.RMAs[0].AmazonStatus)
		})
	}
}

// What is worked out again changes nothing, and so saves nothing.
func TestMergeTwice(t *testing.T) {
	f := after(facts(shipped("SO-1", first)), row(), row(func(r *rma.Row) { r.Status, r.RMAID = "Closed", "DbbbbbbbRRMA" }))
	before := f
	merged := rma.Merge(f, []rma.Row{row()}, order.Stamp{By: "another", At: morning.Add(time.Hour)})
	assert.Equal(t, []rma.Outcome{{State: rma.ReturnMatched}}, merged.Rows)
	assert.Empty(t, merged.Change.RMAs)
	assert.Empty(t, merged.Change.Returns)
	assert.Empty(t, merged.Change.Events)
	assert.Empty(t, merged.Change.Effects)
	assert.Empty(t, cmp.Diff(before, f), "the arguments stay as they are")
}

// The units of an order line are shared by the returns of it.
func TestMergeSharesUnits(t *testing.T) {
	of := func(id string, asked, units int, status string) rma.Row {
		return row(func(r *rma.Row) { r.RMAID, r.Quantity, r.Status = id, asked, status })
	}
	tests := []struct {
		name  string
		rows  []rma.Row
		units string // of each RMA in the order of their IDs at Amazon
		more  string
	}{
		{"all of them on one", []rma.Row{of("D1", 2, 2, "Approved")}, "D1 2", ""},
		{"more than were ordered", []rma.Row{of("D1", 3, 2, "Approved")}, "D1 2", "3 of item " + lamp + " are returned, and 2 are left to return: the RMA has 2"},
		{"one each", []rma.Row{of("D1", 1, 1, "Approved"), of("D2", 1, 1, "Approved")}, "D1 1 D2 1", ""},
		{"one each where more is asked", []rma.Row{of("D1", 1, 1, "Approved"), of("D2", 2, 1, "Approved")}, "D1 1 D2 1", "2 of item " + lamp + " are returned, and 1 are left to return: the RMA has 1"},
		{"a denied one takes none", []rma.Row{of("D1", 2, 2, "Approved"), of("D1", 2, 2, "Denied"), of("D2", 2, 2, "Approved")}, "D1 2 D2 2", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(shipped("SO-1", first))
			var last rma.Merged
			for i, r := range tt.rows {
				r.AsOf = asOf(20 + i)
				last = rma.Merge(f, []rma.Row{r}, stamp)
				f = saved(f, last.Change)
			}
			var got []string
			for _, r := range f.RMAs {
				got = append(got, fmt.Sprint(r.OrderSourceRMANumber, " ", r.Lines[0].Units))
			}
			assert.Equal(t, tt.units, strings.Join(got, " "))
			assert.Equal(t, tt.more, last.Rows[0].Surplus)
		})
	}
}

// After a split the units of a line stand on several host orders.
func TestMergeCountsUnitsOfASplit(t *testing.T) {
	one, two := shipped("SO-1", first), shipped("SO-1-B", first)
	for _, o := range []order.Order{one, two} {
		o.Lines[0].Ordered, o.Lines[0].Shipped = 1, 1
	}
	f := after(facts(two, one), row(func(r *rma.Row) { r.Quantity = 2 }))
	require.Len(t, f.RMAs, 1)
	assert.Equal(t, 2, f.RMAs[0].Lines[0].Units)
	assert.Equal(t, so1, f.RMAs[0].HostOrder)
}

// Amazon's RMA ID names an RMA; without one, what the buyer asked for and when.
func TestMergeIdentity(t *testing.T) {
	anonymous := func(r *rma.Row) { r.RMAID = "" }
	tests := []struct {
		name   string
		a, b   func(*rma.Row)
		rmas   int
		lines  int // of the first
		writes bool
	}{
		{"the same row", func(*rma.Row) {}, func(*rma.Row) {}, 1, 1, false},
		{"the same RMA about another item", func(*rma.Row) {}, func(r *rma.Row) { r.SKU, r.ASIN = "MUG-BLUE", "B0EXAMPLE2" }, 1, 2, true},
		{"a twin", func(*rma.Row) {}, func(r *rma.Row) { r.Occurrence = 2 }, 1, 2, true},
		{"another RMA ID", func(*rma.Row) {}, func(r *rma.Row) { r.RMAID = "DbbbbbbbRRMA" }, 2, 1, true},
		{"an RMA ID in another case", func(*rma.Row) {}, func(r *rma.Row) { r.RMAID = "DAAAAAAARRMA" }, 2, 1, true},
		{"no RMA ID", anonymous, anonymous, 1, 1, false},
		{"no RMA ID, and asked for again", anonymous, func(r *rma.Row) { r.RMAID, r.RequestDate = "", asOf(25) }, 2, 1, true},
		{"no RMA ID, and another SKU", anonymous, func(r *rma.Row) { r.RMAID, r.SKU, r.ASIN = "", "MUG-BLUE", "B0EXAMPLE2" }, 2, 1, true},
		{"by SKU, and by order item", func(*rma.Row) {}, func(r *rma.Row) { r.OrderItemID = lamp }, 1, 1, true},
		{"by ASIN, and by SKU, without RMA ID", func(r *rma.Row) { r.RMAID, r.SKU = "", "" }, anonymous, 1, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := after(facts(shipped("SO-1", first)), row(tt.a))
			merged := rma.Merge(f, []rma.Row{row(tt.b)}, stamp)
			assert.Equal(t, tt.writes, len(merged.Change.Returns) > 0)
			assert.Equal(t, tt.writes && tt.lines+tt.rmas > 2, merged.Rows[0].Created)
			f = saved(f, merged.Change)
			require.Len(t, f.RMAs, tt.rmas)
			assert.Len(t, f.RMAs[0].Lines, tt.lines)
		})
	}
}

// Two lines of one SKU: the one with units left, else a person says which.
func TestMergeOfTwoLinesOfOneSKU(t *testing.T) {
	o := shipped("SO-1", first)
	other := o.Lines[0]
	other.Item = "114000000000077"
	o.Lines = append(o.Lines, other)
	two := row(func(r *rma.Row) { r.Quantity = 2 })
	named := row(func(r *rma.Row) { r.RMAID, r.OrderItemID, r.Quantity = "DbbbbbbbRRMA", lamp, 2 })

	merged := rma.Merge(facts(o), []rma.Row{two}, stamp)
	assert.Equal(t, rma.ReturnAmbiguous, merged.Rows[0].State)
	require.NotEmpty(t, merged.Change.Events)
	assert.Equal(t, order.EventAlert, merged.Change.Events[0].Kind)

	for _, rows := range [][]rma.Row{{two, named}, {named, two}} {
		f := after(facts(o), rows...)
		require.Len(t, f.RMAs, 2)
		got := map[string]string{}
		for _, r := range f.RMAs {
			got[r.OrderSourceRMANumber] = r.Lines[0].Item
		}
		assert.Equal(t, map[string]string{"DaaaaaaaRRMA": other.Item, "DbbbbbbbRRMA": lamp}, got)
	}

	// The same return, in one file by SKU and in another by order item.
	bySKU := []rma.Row{row(), row(func(r *rma.Row) { r.Occurrence = 2 })}
	byItem := []rma.Row{row(func(r *rma.Row) { r.OrderItemID = lamp }), row(func(r *rma.Row) { r.OrderItemID = other.Item })}
	for _, rows := range [][]rma.Row{slices.Concat(bySKU, byItem), slices.Concat(byItem, bySKU)} {
		f := after(facts(o), rows...)
		require.Len(t, f.RMAs, 1)
		require.Len(t, f.RMAs[0].Lines, 2)
		assert.Equal(t, []string{lamp, other.Item}, []string{f.RMAs[0].Lines[0].Item, f.RMAs[0].Lines[1].Item})
	}
}
