package rma_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

func TestNewWantsStoreAndBook(t *testing.T) {
	_, err := rma.New(rma.Config{Book: shelf{}})
	assert.Error(t, err)
	_, err = rma.New(rma.Config{Store: memory.New()})
	assert.Error(t, err)
}

// Every row is counted once, by what became of it.
func TestImportCounts(t *testing.T) {
	byAmazon, elsewhere := shipped("SO-2", numbered(2)), shipped("SO-3", numbered(3))
	byAmazon.Fulfilment = order.ByAmazon
	elsewhere.ID.Company = "other"
	d := open(t, shipped("SO-1", first), byAmazon, elsewhere)
	in := d.take(20, returns(
		lamps(1),
		with(with(with(lamps(1), "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2"), "Tracking ID", "9400"),
		with(lamps(1), "Return quantity", "many"),
		with(lamps(1), "Order ID", ""),
		with(lamps(1), "Order ID", numbered(2).Number),
		with(lamps(1), "Order ID", numbered(3).Number),
		with(lamps(1), "Order ID", numbered(8).Number),
		with(lamps(1), "Order ID", numbered(9).Number),
		with(with(lamps(1), "Amazon RMA ID", "DbbbbbbbRRMA"), "Return request status", "PendingApproval"),
		with(with(lamps(1), "Merchant SKU", "CHAIR"), "ASIN", "B0EXAMPLE7"),
		with(with(lamps(1), "Amazon RMA ID", "DcccccccRRMA"), "Return quantity", "2"),
	))
	require.Len(t, in.BadRows, 2)
	assert.ErrorContains(t, in.BadRows[0], `returns.txt: line 4: Return quantity is "many"`)
	assert.ErrorContains(t, in.BadRows[1], "returns.txt: line 5: Order ID is blank")
	want := rma.Imported{
		Created: 3, Unmatched: 2, Bad: 2, Warned: 1, UnmatchedOrders: []string{numbered(8).Number, numbered(9).Number},
		Skipped: map[string]int{
			"order is fulfilled by Amazon, which refunds it by itself": 1,
			"the order belongs to another company than the account":    1,
			"status is PendingApproval, not Approved":                  1,
			"the order has no line with SKU CHAIR or ASIN B0EXAMPLE7":  1,
		},
		Warnings: []rma.Warning{{Line: 12, Order: first.Number, Text: "2 of item " + lamp + " are returned, and 1 are left to return: the RMA has 1"}},
	}
	if diff := cmp.Diff(want, in, cmpopts.IgnoreFields(rma.Imported{}, "BadRows")); diff != "" {
		t.Errorf("imported (-want +got):\n%s", diff)
	}

	one := d.all()[0]
	assert.Equal(t, rma.Open, one.Status)
	assert.Equal(t, rma.Refund, one.Resolution)
	assert.Len(t, one.Lines, 2, "one RMA with a line for each item")
	read, err := d.RMA(t.Context(), one.ID)
	require.NoError(t, err)
	assert.Equal(t, one, read)
	_, err = d.RMA(t.Context(), "RMNONE")
	assert.ErrorIs(t, err, store.ErrNotFound)

	events, err := d.store.Events(t.Context(), first)
	require.NoError(t, err)
	require.NotEmpty(t, events)
	for _, e := range events {
		assert.Equal(t, order.EventImported, e.Kind)
		assert.Equal(t, "returns report returns.txt", e.By)
	}
	effects, err := d.store.Effects(t.Context(), morning, 10)
	require.NoError(t, err)
	i := slices.IndexFunc(effects, func(e order.Effect) bool { return e.Kind == order.EffectRMA })
	require.GreaterOrEqual(t, i, 0)
	assert.Equal(t, &order.RMANote{Number: string(one.ID), OrderSourceNumber: "DaaaaaaaRRMA", Status: "Open"}, effects[i].RMA)
}

func TestImportTwice(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	file := returns(lamps(1), lamps(1), with(lamps(1), "Tracking ID", "9400"))
	in := d.take(20, file)
	assert.Equal(t, 2, in.Created, "twins; the third is more than was ordered")
	before, head := d.all(), d.head(first)
	for range 2 {
		d.now = d.now.Add(48 * time.Hour)
		in = d.take(20, file)
		assert.Equal(t, 2, in.Unchanged)
		assert.Len(t, in.Skipped, 1)
		assert.Equal(t, before, d.all())
		assert.Equal(t, head, d.head(first), "nothing was written")
	}
}

func TestImportUpdates(t *testing.T) {
	tests := []struct {
		name  string
		later report
		want  func(*rma.RMA)
		n     int // updated
	}{
		{"a status", returns(with(lamps(1), "Return request status", "Closed")), func(r *rma.RMA) {
			r.AmazonStatus, r.Lines[0].AmazonStatus = "Closed", "Closed"
		}, 1},
		{"nothing", returns(lamps(1)), func(*rma.RMA) {}, 0},
		{"a blank cell", returns(with(lamps(1), "Resolution", "")), func(r *rma.RMA) { r.Lines[0].AmazonResolution = "" }, 1},
		{"a missing column", returns(lamps(1)).without("Resolution").without("Return carrier"), func(*rma.RMA) {}, 0},
		{"a tracking number", returns(with(lamps(1), "Tracking ID", "9400")), func(r *rma.RMA) {
			r.Notes = []rma.Note{{Text: "Return tracking number 9400", At: morning}}
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			d.take(20, returns(lamps(1)))
			want := d.one()
			in := d.take(21, tt.later)
			assert.Equal(t, tt.n, in.Updated)
			assert.Equal(t, 1-tt.n, in.Unchanged)
			assert.Zero(t, in.Created)

			tt.want(&want)
			want.AsOf = meta(21).AsOf
			if diff := cmp.Diff(want, d.one(), cmpopts.IgnoreFields(rma.RMA{}, "Version"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("RMA (-want +got):\n%s", diff)
			}
			head := d.head(first)
			again := d.take(21, tt.later)
			assert.Equal(t, 1, again.Unchanged, "once only")
			assert.Equal(t, head, d.head(first))
		})
	}
}

// Reports may come in any order: the values of the newest are the ones that stay.
func TestImportInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		reasons := []string{"CR-DEFECTIVE", "CR-SWITCHEROO", "CR-UNWANTED_ITEM", ""}
		days := []int{20, 21, 22, 23}
		files := map[int]report{}
		for _, day := range days {
			r := with(lamps(1), "Return Reason", rapid.SampledFrom(reasons).Draw(rt, "reason"))
			files[day] = returns(with(r, "Resolution", rapid.SampledFrom([]string{"StandardRefund", "Replacement"}).Draw(rt, "resolution")))
		}
		inOrder, shuffled := open(t, shipped("SO-1", first)), open(t, shipped("SO-1", first))
		for _, day := range days {
			inOrder.take(day, files[day])
		}
		for _, day := range rapid.Permutation(append(days, days...)).Draw(rt, "order of files") {
			shuffled.take(day, files[day])
		}
		if diff := cmp.Diff(inOrder.one(), shuffled.one(), cmpopts.IgnoreFields(rma.RMA{}, "Version")); diff != "" {
			rt.Fatalf("in order, and shuffled (-want +got):\n%s", diff)
		}
	})
}

func TestImportNotesATrackingNumberOnce(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	tracked := with(with(lamps(1), "Return carrier", "USPS"), "Tracking ID", "9400")
	for day := range 3 {
		d.take(20+day, returns(tracked, with(with(tracked, "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2")))
	}
	d.take(25, returns(with(tracked, "Tracking ID", "9500")))
	var texts []string
	for _, n := range d.one().Notes {
		texts = append(texts, n.Text)
	}
	assert.Equal(t, []string{"Return carrier USPS", "Return tracking number 9400", "Return tracking number 9500"}, texts)
}

// Notes are in the order of their texts, whichever file said them first.
func TestImportNotesInAnyOrder(t *testing.T) {
	carried, tracked := with(lamps(1), "Return carrier", "USPS"), with(lamps(1), "Tracking ID", "9400")
	want := []rma.Note{{Text: "Return carrier USPS", At: morning}, {Text: "Return tracking number 9400", At: morning}}
	for _, rows := range [][][]string{{carried, tracked}, {tracked, carried}} {
		d := open(t, shipped("SO-1", first))
		for _, row := range rows {
			d.take(20, returns(row))
		}
		assert.Equal(t, want, d.one().Notes)
	}
}

// A report that says it was made in ten years would count as the newest until then.
func TestImportFromTheFuture(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	future := amazon.ReportMeta{Name: "returns.txt", AsOf: morning.AddDate(10, 0, 0)}
	in, err := d.Import(t.Context(), account, "", future, returns(lamps(1)).file())
	require.ErrorContains(t, err, `report "returns.txt" was made at 2036-03-31T09:00:00Z, and now it is 2026-03-31T09:00:00Z`)
	assert.Zero(t, in.Total())
	require.ErrorContains(t, d.ImportReport(t.Context(), account, future, returns(lamps(1)).file()), "was made at 2036")
	assert.Empty(t, d.all())

	future.AsOf = morning.Add(24 * time.Hour)
	require.NoError(t, d.ImportReport(t.Context(), account, future, returns(lamps(1)).file()), "clocks differ")
	d.now = morning.Add(25 * time.Hour)
	in, err = d.Import(t.Context(), account, "", amazon.ReportMeta{AsOf: d.now}, returns(lamps(2)).file())
	require.NoError(t, err)
	assert.Equal(t, 1, in.Updated)
}

func TestImportXML(t *testing.T) {
	data, err := os.ReadFile("testdata/returns.xml")
	require.NoError(t, err)
	d := open(t, shipped("SO-1", first))
	m := amazon.ReportMeta{Name: "returns.xml", AsOf: meta(20).AsOf}
	in, err := d.Import(t.Context(), account, "", m, bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, rma.Imported{Created: 2, Unmatched: 1, UnmatchedOrders: []string{"111-0000007-0000007"}, Skipped: map[string]int{}}, in)
	one := d.one()
	require.Len(t, one.Lines, 2)
	assert.Equal(t, []int{2, 1}, []int{one.Lines[0].Units, one.Lines[1].Units})
	assert.Equal(t, time.Date(2026, time.March, 19, 12, 44, 17, 0, time.UTC), one.RequestedAt)
	require.Len(t, one.Notes, 2)
	assert.Equal(t, "Return tracking number 9400100000000000000001", one.Notes[1].Text)

	// The same return in the flat file is the same RMA.
	flat := d.take(20, returns(lamps(2)))
	assert.Equal(t, 1, flat.Unchanged)
	assert.Equal(t, one, d.one())
}

// A file that breaks off: what came before counts, and the error says so.
func TestImportOfABrokenFile(t *testing.T) {
	data, err := os.ReadFile("testdata/returns.xml")
	require.NoError(t, err)
	at := bytes.Index(data, []byte("DbbbbbbbRRMA"))
	require.Positive(t, at)
	d := open(t, shipped("SO-1", first))
	m := amazon.ReportMeta{Name: "returns.xml", AsOf: meta(20).AsOf}
	in, err := d.Import(t.Context(), account, "", m, bytes.NewReader(data[:at]))
	require.ErrorContains(t, err, "import returns: returns.xml")
	assert.Equal(t, 2, in.Created)
	assert.Len(t, d.one().Lines, 2)

	in, err = d.Import(t.Context(), account, "", m, bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, 2, in.Unchanged, "the whole file adds what was missing")
	assert.Equal(t, 1, in.Unmatched)
}

func TestImportRefuses(t *testing.T) {
	fba := "return-date\torder-id\tsku\tasin\tfnsku\tproduct-name\tquantity\tfulfillment-center-id\tdetailed-disposition\treason\tstatus\tlicense-plate-number\tcustomer-comments\n" +
		"2026-03-01\t" + first.Number + "\tLAMP-RED\tB0EXAMPLE1\tX000000001\tLamp\t1\tABC1\tSELLABLE\tUNWANTED_ITEM\tUnit returned to inventory\tLPN1\t\n"
	tests := []struct {
		name    string
		account amazon.Account
		file    string
		wrong   bool
		says    string
	}{
		{"a report of Amazon's own returns", account, fba, true, "returns.txt"},
		{"a file without the columns", account, "Order ID\tASIN\n", true, "Return quantity"},
		{"an empty file", account, "", false, "returns.txt"},
		{"no account", amazon.Account{}, fba, false, "import returns: account without an ID"},
		{"an account of no company", amazon.Account{ID: "acme-us"}, fba, false, "no company"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, shipped("SO-1", first))
			in, err := d.Import(t.Context(), tt.account, "", meta(20), strings.NewReader(tt.file))
			require.ErrorContains(t, err, tt.says)
			assert.Equal(t, tt.wrong, errors.Is(err, reportparse.ErrWrongReport))
			assert.Zero(t, in.Total())
			assert.Empty(t, d.all())
		})
	}
	_, err := open(t).Import(t.Context(), account, "", meta(20), nil)
	assert.ErrorContains(t, err, "no report given")
}

// Japanese reports come in Shift_JIS, often with nothing that says so but the
// account's marketplace.
func TestImportFromJapan(t *testing.T) {
	japan := account
	japan.Region, japan.Marketplaces = amazon.FarEast, []order.MarketplaceID{"A1VC38T7YXB528"}
	file := transform.NewReader(returns(with(lamps(1), "Return Reason", "破損")).file(), japanese.ShiftJIS.NewEncoder())
	d := open(t, shipped("SO-1", first))
	in, err := d.Import(t.Context(), japan, "", meta(20), file)
	require.NoError(t, err)
	assert.Zero(t, in.Replaced)
	require.Len(t, d.all(), 1)
	assert.Equal(t, "破損", d.all()[0].Lines[0].Reason)
}

func TestImportOfNoRows(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	assert.Zero(t, d.take(20, returns()).Total())
}

// A long file is read in pieces; an RMA whose rows stand on either side of a cut
// is one RMA, and its twins stay twins.
func TestImportOfALongFile(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	var rows [][]string
	for i := range 499 {
		rows = append(rows, with(lamps(1), "Order ID", numbered(1000+i).Number))
	}
	rows = append(rows, lamps(1), lamps(1), with(with(lamps(1), "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2"))
	in := d.take(20, returns(rows...))
	assert.Equal(t, 3, in.Created)
	assert.Equal(t, 499, in.Unmatched)
	assert.Len(t, in.UnmatchedOrders, 100, "the first of them are named")
	var keys []string
	for _, l := range d.one().Lines {
		keys = append(keys, l.Row)
	}
	assert.Equal(t, []string{lamp + "#1", lamp + "#2", mug + "#1"}, keys)

	head := d.head(first)
	assert.Equal(t, 3, d.take(20, returns(rows...)).Unchanged)
	assert.Equal(t, head, d.head(first))
}

func TestImportAgainstAnother(t *testing.T) {
	t.Run("that is faster sometimes", func(t *testing.T) {
		d := open(t, shipped("SO-1", first))
		d.store.times = 3
		assert.Equal(t, 1, d.take(20, returns(lamps(1))).Created, "counted once")
		assert.Len(t, d.one().Lines, 1)
	})
	t.Run("that is always faster", func(t *testing.T) {
		d := open(t, shipped("SO-1", first))
		d.store.times = 1000
		in, err := d.Import(t.Context(), account, "", meta(20), returns(lamps(1)).file())
		require.ErrorIs(t, err, store.ErrConflict)
		assert.Zero(t, in.Total(), "nothing was imported, and nothing is counted")
		assert.Empty(t, d.all())
	})
}

func TestQueryMatch(t *testing.T) {
	d := open(t, shipped("SO-1", first), shipped("SO-2", numbered(2)))
	d.take(20, returns(lamps(1), with(with(lamps(1), "Order ID", numbered(2).Number), "Amazon RMA ID", "DbbbbbbbRRMA")))
	all := d.all()
	require.Len(t, all, 2)
	tests := []struct {
		name string
		q    rma.Query
		want int
	}{
		{"all", rma.Query{}, 2},
		{"one by ID", rma.Query{IDs: []rma.ID{all[0].ID}}, 1},
		{"a company's", rma.Query{Company: "acme"}, 2},
		{"another company's", rma.Query{Company: "other"}, 0},
		{"an Amazon order's", rma.Query{Orders: []order.AmazonID{first}}, 1},
		{"a host order's", rma.Query{HostOrders: []order.ID{so1}}, 1},
		{"open ones", rma.Query{Statuses: []rma.Status{rma.Open}}, 2},
		{"closed ones", rma.Query{Statuses: []rma.Status{rma.Closed}}, 0},
		{"the first page", rma.Query{Limit: 1}, 1},
		{"the page after the first", rma.Query{After: all[0].Cursor()}, 1},
		{"both must hold", rma.Query{Orders: []order.AmazonID{first}, HostOrders: []order.ID{{Company: "acme", Number: "SO-2"}}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := d.RMAs(t.Context(), tt.q)
			require.NoError(t, err)
			assert.Len(t, got, tt.want, fmt.Sprint(tt.q))
		})
	}
}
