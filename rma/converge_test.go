package rma_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

// dated is a report of a day of March 2026, or of unknown age on day 0.
type dated struct {
	report
	day int
}

func (f dated) meta() amazon.ReportMeta {
	m := meta(f.day)
	if f.day == 0 {
		m.AsOf = amazon.ReportMeta{}.AsOf
	}
	return m
}

// returned draws a row about one of few returns, as Amazon could have it.
func returned(t *rapid.T) []string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	item := rapid.SampledFrom([][2]string{{"LAMP-RED", ""}, {"MUG-BLUE", "B0EXAMPLE2"}, {"DESK", ""}, {"", "B0EXAMPLE1"}}).Draw(t, "SKU and ASIN")
	return []string{
		first.Number, one("RMA", "D1", "D2", ""), one("status", "PendingApproval", "Approved", "Approved", "Completed", "Closed", "Denied"),
		item[0], item[1], one("quantity", "1", "2", "3"), one("reason", "CR-DEFECTIVE", "CR-SWITCHEROO", ""),
		one("resolution", "StandardRefund", "Replacement", "ReturnlessRefund", ""), one("carrier", "", "USPS", "UPS"), one("tracking", "", "9400", "9500"),
		one("asked", "18-Mar-2026", "19-Mar-2026"),
	}
}

func someReports(t *rapid.T) []dated {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dated {
		r := returns(rapid.SliceOfN(rapid.Custom(returned), 1, 4).Draw(t, "rows")...)
		for _, column := range []string{"Resolution", "Return Reason", "Tracking ID", "Amazon RMA ID"} {
			if rapid.IntRange(0, 4).Draw(t, "lacks "+column) == 0 {
				r = r.without(column)
			}
		}
		return dated{r, rapid.SampledFrom([]int{0, 20, 21, 21, 22}).Draw(t, "day")}
	}), 1, 5).Draw(t, "reports")
}

// desks is an order of two lamps, a mug and a kit of a desk.
func desks() order.Order {
	o := shipped("SO-1", first)
	o.Lines = append(o.Lines, order.Line{
		Item: desk2, SKU: "DESK", ASIN: "B0EXAMPLE3", Ordered: 2, Shipped: 2, Charges: order.Amounts{order.Principal: usd("100.01")},
		Kit: []order.Part{{SKU: "TOP", Quantity: 1, Share: usd("3")}, {SKU: "LEG", Quantity: 4, Share: usd("1")}},
	})
	return o
}

const desk2 = "114000000000033"

// standing is what RMAs come to, without the traces of how they came to it.
func (d *desk) standing() []rma.RMA {
	all := slices.DeleteFunc(d.all(), func(r rma.RMA) bool {
		return len(r.Lines) == 0 // it had units until an earlier return was heard of
	})
	for i := range all {
		slices.SortFunc(all[i].Notes, func(a, b rma.Note) int { return strings.Compare(a.Text, b.Text) })
	}
	slices.SortFunc(all, func(a, b rma.RMA) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

// Whatever files come, in whatever order and however often: the RMAs are the same,
// and once all are in, none of them changes anything.
func TestReportsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := someReports(rt)
		at := make([]int, len(files))
		for i := range at {
			at[i] = i
		}
		orders := rapid.Permutation(append(at, at...)).Draw(rt, "order of files")
		of := settings.Settings{SkipReturnlessRMA: rapid.Bool().Draw(rt, "skip returnless")}
		inOrder, shuffled := openWith(t, of, desks()), openWith(t, of, desks())
		for _, f := range files {
			inOrder.read(f)
		}
		for _, i := range orders {
			shuffled.read(files[i])
		}
		if diff := cmp.Diff(inOrder.standing(), shuffled.standing(), cmpopts.IgnoreFields(rma.RMA{}, "Version"), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("in order, and shuffled (-want +got):\n%s", diff)
		}
		head := inOrder.head(first)
		for _, f := range files {
			inOrder.read(f)
		}
		if again := inOrder.head(first); again != head {
			rt.Fatalf("the same files again wrote %d times", again-head)
		}
	})
}

// No order line has more units on its RMAs than the order has to return.
func TestUnitsNeverExceedTheOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := open(t, desks())
		for _, f := range someReports(rt) {
			d.read(f)
		}
		units := map[string]int{}
		for _, r := range d.all() {
			ofOne := map[string]int{}
			for _, l := range r.Lines {
				if l.SKU != "LEG" {
					ofOne[l.Item] += l.Units
				}
			}
			for item, n := range ofOne {
				if r.Status != rma.Cancelled {
					units[item] += n
				}
				if n > 2 {
					rt.Fatalf("RMA %s is %s, for %d units of item %s", r.OrderSourceRMANumber, r.Status, n, item)
				}
			}
		}
		for item, most := range map[string]int{lamp: 2, mug: 1, desk2: 2} {
			if units[item] > most {
				rt.Fatalf("%d units of item %s are on RMAs, of %d", units[item], item, most)
			}
		}
	})
}

// read imports a report, which must work.
func (d *desk) read(f dated) rma.Imported {
	d.t.Helper()
	in, err := d.Import(d.t.Context(), account, "", f.meta(), f.file())
	require.NoError(d.t, err, fmt.Sprint(f))
	return in
}
