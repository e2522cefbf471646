package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

type counts = map[string]int

// theDay is what -json prints of the first run.
var theDay = summary{
	Steps: []*step{
		{"reports", counts{"rmas": 3, "skipped": 1, "buyer_requests": 1}},
		{"return", counts{"refunds": 1}},
		{"returnless_with_rma", counts{"refunds": 1}},
		{"kit_first_parcel", counts{"parts": 2, "refunds": 0}},
		{"promotion", counts{"refunds": 1}},
		{"lamp_one", counts{"refunds": 1}},
		{"buyer_request_accepted", counts{"cancellations": 1}},
		{"split_cancelled", counts{"cancellations": 1}},
		{"no_stock", counts{"cancellations": 1}},
		{"zero_out", counts{"in_stock": 0}},
		{"local_cancel", counts{"cancellations": 1}},
		{"gate", counts{"handed_over": 2, "kept_here": 1}},
		{"review_morning", counts{"requests": 7, "documents": 2}},
		{"answers_morning", counts{"accepted": 6, "refused": 0, "awaiting_shipment": 1}},
		{"second_returns_file", counts{"created": 1, "updated": 1, "unchanged": 2, "returnless": 1}},
		{"kit_second_parcel", counts{"refunds": 1}},
		{"lamp_two", counts{"refunds": 1}},
		{"buyer_request_too_late", counts{"too_late": 1}},
		{"shipments", counts{"confirmed_shipments": 2}},
		{"review_noon", counts{"requests": 2, "documents": 1}},
		{"answers_noon", counts{"accepted": 3, "refused": 0, "awaiting_shipment": 0}},
		{"seller_central", counts{"recorded": 1}},
		{"amazon_itself", counts{"refunds_by_amazon": 2}},
		{"auto", counts{"Auto": 1}},
		{"return_auto", counts{"refunds": 1}},
		{"lamp_three", counts{"refunds": 1}},
		{"goodwill", counts{"refunds": 1}},
		{"answers_auto", counts{"accepted": 3, "refused": 0, "awaiting_shipment": 0}},
		{"settlement", counts{"settlements": 1, "Settled": 10, "AmazonInitiated": 2, "Cancelled": 1}},
		{"cancellations", counts{"confirmed": 3, "local": 1}},
		{"returns", counts{"Closed": 3, "Open": 1, "without_rma": 1}},
		{"audit", counts{}},
		{"alerts", counts{"alerts": 2}},
		{"open_ends", counts{"accepted": 10, "settled": 10, "mismatched": 0, "open": 0, "by_amazon": 2, "cancelled": 1, "ends": 2}},
		{"ledgers", counts{"ledgers": 15}},
	},
	PaidByAmazon: "431.68 USD", PostedByUs: "431.68 USD", LedgerEqual: true,
}

// runJSON runs the program and reads what -json prints.
func runJSON(t *testing.T, args ...string) summary {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), append(args, "-json"), &out))
	var s summary
	require.NoError(t, json.Unmarshal(out.Bytes(), &s))
	return s
}

func TestDayInMemory(t *testing.T) {
	if diff := cmp.Diff(theDay, runJSON(t)); diff != "" {
		t.Errorf("the day (-want +got):\n%s", diff)
	}
}

// On SQLite the day is the same. Lived again on the same file, nothing is asked for,
// sent or changed.
func TestDayOnSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "host.db")
	if diff := cmp.Diff(theDay, runJSON(t, "-db", file)); diff != "" {
		t.Errorf("the day (-want +got):\n%s", diff)
	}
	first := left(t, file)
	again := runJSON(t, "-db", file)
	if diff := cmp.Diff(first, left(t, file)); diff != "" {
		t.Errorf("what a second run changes (-first +second):\n%s", diff)
	}

	sums := counts{}
	for _, s := range again.Steps {
		for _, what := range []string{"refunds", "cancellations", "requests", "documents", "created", "updated", "handed_over", "confirmed_shipments"} {
			sums[what] += s.Counts[what]
		}
	}
	assert.Equal(t, counts{
		"refunds": 0, "cancellations": 0, "requests": 0, "documents": 0, "created": 0, "updated": 0, "handed_over": 0, "confirmed_shipments": 0,
	}, sums, "what a second run does")
	again.Steps = theDay.Steps
	assert.Equal(t, theDay, again, "the books stay as they were")
}

// remains is what there is when a day is over.
type remains struct {
	Orders  []order.Order
	Stock   counts
	Ledgers []order.Ledger
	Journal map[string][]order.Event // by Amazon order number
	Feeds   []amazon.FeedID
}

// left opens a file again, and looks at what there is.
func left(t *testing.T, file string) (r remains) {
	t.Helper()
	d, err := begin(t.Context(), file, newStory(io.Discard, false))
	require.NoError(t, err)
	defer func() { assert.NoError(t, d.end()) }()
	r.Orders, err = d.shop.All(t.Context())
	require.NoError(t, err)
	r.Stock, r.Journal = counts{}, map[string][]order.Event{}
	for _, o := range ordersOfTheDay() {
		units, err := d.shop.Stock(t.Context(), o.Lines[0].SKU)
		require.NoError(t, err)
		r.Stock[o.Lines[0].SKU] = units
		ledgers, err := d.store.Ledgers(t.Context(), []order.AmazonID{o.Amazon})
		require.NoError(t, err)
		r.Ledgers = append(r.Ledgers, ledgers...)
		r.Journal[o.Amazon.Number], err = d.store.Events(t.Context(), o.Amazon)
		require.NoError(t, err)
	}
	for _, f := range d.amazon.Feeds() {
		r.Feeds = append(r.Feeds, f.ID)
	}
	return r
}

// Whoever runs the program hears when Amazon's books are not ours.
func TestBooksThatDoNotAgree(t *testing.T) {
	var out bytes.Buffer
	told := newStory(&out, true)
	d, err := begin(t.Context(), "", told)
	require.NoError(t, err)
	defer func() { assert.NoError(t, d.end()) }()
	require.NoError(t, d.work(t.Context()))

	require.NoError(t, d.amazon.Refund(amazon.ActorAmazon, tray, "114000000000094", order.Amounts{order.Principal: usd("1")}))
	require.ErrorIs(t, d.compareLedgers(t.Context()), errBooks)
	require.NoError(t, told.finish())
	var s summary
	require.NoError(t, json.Unmarshal(out.Bytes(), &s))
	assert.False(t, s.LedgerEqual)
	assert.Equal(t, "432.68 USD", s.PaidByAmazon)
	assert.Equal(t, "431.68 USD", s.PostedByUs)
}

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	for _, want := range []string{
		"RMA DK4sT9wpRRMA of larkspur/SO-102 is Open: 1 × TEA-POT, 2 × TEA-CUP",
		" of 78.60 USD: Principal 72.00, Tax 6.60 USD",
		"CHAIR-FOLD: 0 in stock",
		"larkspur/SO-113 stays here",
		"the wish about larkspur/SO-115 is TooLate",
		"larkspur/SO-112-C: Cancelled, Confirmed",
		"  settled            10     376.47 USD",
		"they agree to the cent",
	} {
		assert.Contains(t, out.String(), want)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"stray"}, {"-wrong"}, {"-db", filepath.Join(t.TempDir(), "no", "such", "folder")}} {
		assert.Error(t, run(t.Context(), args, io.Discard), "%v", args)
	}
	assert.NoError(t, run(t.Context(), []string{"-h"}, io.Discard))
}
