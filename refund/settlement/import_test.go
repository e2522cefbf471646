package settlement_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// day500 is a settlement with a bit of everything about two refunds of ours.
func day500() report {
	return report{id: "500", rows: slices.Concat(
		paid(lamp, noon.Add(day), "Principal", "10.00", "Shipping", "2.00"),
		[]row{{kind: "Order", order: number, item: lamp, sku: "LAMP", amountType: "ItemPrice", description: "Principal", amount: "33.00", at: noon}},
		paid(mug, noon.Add(day), "Principal", "4.00"),
		paid(mug, noon.Add(2*day), "Principal", "6.00"),
		[]row{{kind: "other-transaction", amountType: "other-transaction", description: "Subscription Fee", amount: "-39.99", at: noon}},
	)}
}

func (s *shop) read(file string) (settlement.Imported, error) {
	return s.Import(s.t.Context(), acme, settlement.AmazonFormat, amazon.ReportMeta{Name: "file.txt"}, strings.NewReader(file))
}

func TestASettlementIsKept(t *testing.T) {
	s := newShop(t, newOrder())
	in := s.load(day500())
	ss, err := s.Settlements(t.Context(), settlement.Query{})
	require.NoError(t, err)
	want := []settlement.Settlement{{
		ID: settlement.ID{Account: "acme-us", Number: "500"}, Version: 2, Company: "acme", Report: amazon.ReportMeta{Name: "500.txt"},
		Start: noon.Add(-3 * day), End: noon.Add(11 * day), Deposit: noon.Add(13 * day), Currency: "USD",
		Total: dec("-28.99"), Sum: dec("-28.99"), Rows: 6, Format: reportparse.TypeSettlement,
		Done: true, Imported: order.Stamp{By: "settlement report 500.txt", At: noon},
	}}
	assert.Empty(t, cmp.Diff(want, ss))
	assert.Empty(t, cmp.Diff(want, in.Settlements))
	assert.Empty(t, s.alerts())
	rows, err := s.memory.Events(t.Context(), order.AmazonID{Account: "acme-us"})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, "settlement 500 2026-10-30 to 2026-11-13, -28.99 USD: 6 rows, 0 of them bad", rows[0].Subject+" "+rows[0].Text)
}

func TestASettlementThatDoesNotAddUp(t *testing.T) {
	s := newShop(t, newOrder())
	r := day500()
	r.total = "-28.00"
	for range 2 {
		in := s.load(r)
		assert.Equal(t, "0.99", in.Settlements[0].Difference().String())
	}
	as, err := s.memory.Alerts(t.Context(), order.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, as, 1)
	assert.Equal(t, "difference/acme-us/500", as[0].Key)
	assert.Equal(t, order.Administrator, as[0].For)
	assert.Equal(t, "2026-10-30 to 2026-11-13, -28.00 USD: 6 rows, 0 of them bad; its rows come to -28.99 USD, which leaves 0.99 USD", as[0].Text)
	ends := s.ends().Ends
	assert.Equal(t, settlement.EndSettlement, ends[0].Kind)
	assert.Equal(t, "0.99 USD", ends[0].Amount.String())
}

const v1 = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\t" +
	"merchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tshipment-fee-type\tshipment-fee-amount\torder-fee-type\torder-fee-amount\t" +
	"fulfillment-id\tposted-date\torder-item-code\tmerchant-order-item-id\tmerchant-adjustment-item-id\tsku\tquantity-purchased\tprice-type\t" +
	"price-amount\titem-related-fee-type\titem-related-fee-amount\tmisc-fee-amount\tother-fee-amount\tother-fee-reason-description\t" +
	"direct-payment-type\tdirect-payment-amount\tother-amount\n" +
	"500\t2026-10-30T12:00:00+00:00\t2026-11-13T12:00:00+00:00\t2026-11-15T12:00:00+00:00\t-9.00\tUSD\n" +
	"500\t\t\t\t\t\tRefund\t" + number + "\t" + number + "\tamzn1:crow:x\t\tAmazon.com\t\t\t\t\tMFN\t2026-11-03T12:00:00+00:00\t" + lamp + "\t\t12\tLAMP\t\tPrincipal\t-10.00\n" +
	"500\t\t\t\t\t\tRefund\t" + number + "\t" + number + "\tamzn1:crow:x\t\tAmazon.com\t\t\t\t\tMFN\t2026-11-03T12:00:00+00:00\t" + lamp + "\t\t12\tLAMP\t\t\t\tCommission\t1.00\n"

const xml = `<?xml version="1.0"?><AmazonEnvelope><MessageType>SettlementReport</MessageType><Message><SettlementReport>
<SettlementData><AmazonSettlementID>500</AmazonSettlementID><TotalAmount currency="USD">-9.00</TotalAmount>
<StartDate>2026-10-30T12:00:00+00:00</StartDate><EndDate>2026-11-13T12:00:00+00:00</EndDate><DepositDate>2026-11-15T12:00:00+00:00</DepositDate></SettlementData>
<Refund><AmazonOrderID>` + number + `</AmazonOrderID><AdjustmentID>amzn1:crow:x</AdjustmentID><MarketplaceName>Amazon.com</MarketplaceName>
<Fulfillment><MerchantFulfillmentID>MFN</MerchantFulfillmentID><PostedDate>2026-11-03T12:00:00+00:00</PostedDate>
<AdjustedItem><AmazonOrderItemCode>` + lamp + `</AmazonOrderItemCode><MerchantAdjustmentItemID>12</MerchantAdjustmentItemID><SKU>LAMP</SKU>
<ItemPriceAdjustments><Component><Type>Principal</Type><Amount currency="USD">-10.00</Amount></Component></ItemPriceAdjustments>
<ItemFeeAdjustments><Fee><Type>Commission</Type><Amount currency="USD">1.00</Amount></Fee></ItemFeeAdjustments></AdjustedItem></Fulfillment></Refund>
</SettlementReport></Message></AmazonEnvelope>`

// A settlement is imported from one of its formats, whichever comes first.
func TestOneFormatOfASettlement(t *testing.T) {
	v2 := report{id: "500", rows: and(paid(lamp, noon.Add(day), "Principal", "10.00"), "ItemFees", "Commission", "1.00")}.v2()
	files := map[string]string{"settlement": v2, "settlement-v1": v1, "settlement-xml": xml}
	for first, file := range files {
		t.Run(first, func(t *testing.T) {
			s := newShop(t, newOrder())
			id := s.accepted(lamp, principal("10.00"))
			in, err := s.read(file)
			require.NoError(t, err)
			assert.Equal(t, map[settlement.Match]int{settlement.MatchSettled: 1}, in.Bookings)
			assert.Equal(t, refund.Settled, s.line(id).Proof)
			before := s.bookings()
			assert.Equal(t, "1", before[0].CommissionReturned.String())
			for then, other := range files {
				in, err := s.read(other)
				require.NoError(t, err)
				if then == first {
					assert.Equal(t, 1, in.Known)
					assert.Empty(t, in.Skipped)
					continue
				}
				assert.Equal(t, map[settlement.ID]string{
					{Account: "acme-us", Number: "500"}: "it was imported from a report of type " + first + ", and one of type " + then + " counts its rows otherwise",
				}, in.Skipped)
				assert.Zero(t, in.Known+len(in.Bookings))
			}
			assert.Empty(t, cmp.Diff(before, s.bookings()))
			assert.Equal(t, "Principal 10", s.posted(lamp))
		})
	}
}

func TestAnotherReportUnderTheSameID(t *testing.T) {
	s := newShop(t, newOrder())
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "4.00")})
	in := s.load(report{id: "500", rows: slices.Concat(paid(mug, noon.Add(day), "Principal", "5.00"), paid(mug, noon.Add(2*day), "Principal", "4.00"))})
	assert.Equal(t, "its rows [1] do not come to -4.00 USD, as they did when it was imported before: this is another report under the same ID",
		in.Skipped[settlement.ID{Account: "acme-us", Number: "500"}])
	assert.Equal(t, "Principal 4", s.posted(mug))
}

func TestSettlementsInOneFile(t *testing.T) {
	s := newShop(t, newOrder())
	second := report{id: "501", rows: paid(mug, noon.Add(day), "Principal", "5.00")}.v2()
	_, rows, _ := strings.Cut(second, "\n")
	in, err := s.read(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "4.00")}.v2() + rows)
	require.NoError(t, err)
	assert.Len(t, in.Settlements, 2)
	assert.Equal(t, "Principal 9", s.posted(mug))
}

// A row that cannot be read makes nothing of what is left of its order.
func TestARowThatCannotBeRead(t *testing.T) {
	s := newShop(t, newOrder())
	id := s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Shipping: dec("2.00")})
	other := s.accepted(mug, principal("4.00"))
	good := report{id: "500", rows: slices.Concat(
		paid(lamp, noon.Add(day), "Principal", "10.00", "Shipping", "2.00"), paid(mug, noon.Add(day), "Principal", "4.00"),
	)}
	bad := report{id: "500", rows: slices.Clone(good.rows), total: "-16.00"}
	bad.rows[1].amount = "two"
	in := s.load(bad)
	assert.Equal(t, 1, in.Bad)
	var row *reportparse.RowError
	require.ErrorAs(t, in.BadRows[0], &row)
	assert.Equal(t, "two", row.Value)
	assert.Equal(t, map[settlement.Match]int{settlement.MatchIncomplete: 1, settlement.MatchSettled: 1}, in.Bookings)
	assert.Equal(t, refund.Unproven, s.line(id).Proof)
	assert.Equal(t, refund.Settled, s.line(other).Proof, "to the cent")
	assert.Equal(t, "Principal 10, Shipping 2", s.posted(lamp))
	assert.Equal(t, []string{"difference", "incomplete"}, sorted(s.alerts()))

	in = s.load(good)
	assert.Equal(t, 2, in.Known)
	assert.Equal(t, 2, in.Rematched)
	assert.Equal(t, refund.Settled, s.line(id).Proof)
	assert.Equal(t, []settlement.Match{settlement.MatchSettled, settlement.MatchSettled}, s.matches())
	assert.Equal(t, []int{1, 2}, s.bookings()[0].Rows)
	assert.Zero(t, in.Settlements[0].Bad)
	assert.Equal(t, "Principal 10, Shipping 2", s.posted(lamp))
}

var noSettings settings.Settings

func sorted(keys []string) []string {
	slices.Sort(keys)
	return keys
}

func TestWhatIsNoSettlement(t *testing.T) {
	s := newShop(t, newOrder())
	for name, c := range map[string]struct {
		account amazon.Account
		format  string
		file    io.Reader
		want    string
	}{
		"nothing":          {acme, "", nil, "import settlement: no report given"},
		"another report":   {acme, "", strings.NewReader("Order ID\tOrder date\tReturn request date\tReturn request status\tAmazon RMA ID\n"), "wrong report"},
		"an unknown form":  {acme, "Theirs", strings.NewReader(""), `import settlement: format "Theirs" is unknown: want one of ["Amazon Format"]`},
		"an empty account": {amazon.Account{}, "", strings.NewReader(""), "import settlement: account without an ID"},
		"one that breaks off": {acme, "", io.MultiReader(strings.NewReader(day500().v2()), failing{}),
			"broken wire"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Import(t.Context(), c.account, c.format, amazon.ReportMeta{Name: "file.txt"}, c.file)
			require.ErrorContains(t, err, c.want)
			assert.Empty(t, s.bookings())
			ss, err := s.Settlements(t.Context(), settlement.Query{})
			require.NoError(t, err)
			assert.Empty(t, ss)
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken wire") }

// A host's own format is read by its own code, and told from Amazon's.
func TestAFormatOfTheHosts(t *testing.T) {
	s := newShop(t, newOrder())
	shouting := func(r io.Reader, o reportparse.Options) (settlement.Rows, error) {
		file, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		rows, err := reportparse.Settlement(strings.NewReader(strings.ReplaceAll(string(file), "!", "")), o)
		return shouted{rows}, err
	}
	c := settlement.Config{Store: s.store, Book: s.book, Settings: settings.Fixed(noSettings), Formats: map[string]settlement.Format{"Shouting": shouting}}
	var err error
	s.Service, err = settlement.New(c)
	require.NoError(t, err)
	file := strings.ReplaceAll(day500().v2(), number, number+"!")
	in, err := s.Import(t.Context(), acme, "Shouting", amazon.ReportMeta{}, strings.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, map[settlement.Match]int{settlement.MatchAmazonInitiated: 3}, in.Bookings)
	in, err = s.read(day500().v2())
	require.NoError(t, err)
	assert.Len(t, in.Skipped, 1)

	_, err = s.Import(t.Context(), acme, "Whispering", amazon.ReportMeta{}, strings.NewReader(file))
	require.ErrorContains(t, err, `format "Whispering" is unknown: want one of ["Amazon Format" "Shouting"]`)
	for name, format := range map[string]settlement.Format{settlement.AmazonFormat: shouting, "": shouting, "None": nil} {
		c.Formats = map[string]settlement.Format{name: format}
		_, err = settlement.New(c)
		require.ErrorContains(t, err, "Config.Formats", name)
	}
}

type shouted struct{ settlement.Rows }

func (shouted) Type() reportparse.Type { return "shouting" }

// An import that breaks off anywhere is completed by the next, and nothing is there
// twice.
func TestAnImportThatBreaksOff(t *testing.T) {
	start := func(t *testing.T) *shop {
		s := newShop(t, newOrder())
		s.accepted(lamp, order.Amounts{order.Principal: dec("10.00"), order.Shipping: dec("3.00")})
		s.accepted(mug, principal("4.00"))
		return s
	}
	file := day500()
	file.total = "1.00" // so that there is an alert, too
	whole := start(t)
	whole.load(file)
	for n := 1; ; n++ {
		broke := false
		for _, late := range []bool{false, true} {
			s := start(t)
			fault := &faulty{Store: s.store, at: n, late: late}
			s.store = fault
			s.open(noSettings)
			_, err := s.read(file.v2())
			if fault.saves < n {
				require.NoError(t, err)
				break
			}
			broke = true
			require.ErrorIs(t, err, errDown)
			in, err := s.read(file.v2())
			require.NoError(t, err)
			assert.True(t, in.Settlements[0].Done)
			bookings := func(s *shop) []string {
				var is []string
				for _, b := range s.bookings() {
					is = append(is, fmt.Sprint(b.ID, b.Match, b.Refund, b.Amounts, b.Difference))
				}
				return is
			}
			assert.Equal(t, bookings(whole), bookings(s))
			assert.Equal(t, whole.posted(lamp)+whole.posted(mug), s.posted(lamp)+s.posted(mug))
			assert.Equal(t, whole.alerts(), s.alerts())
			assert.Empty(t, cmp.Diff(whole.ends(), s.ends()))
		}
		if !broke {
			assert.Greater(t, n, 4)
			return
		}
	}
}

var errDown = errors.New("the database is down")

// faulty fails one save, before its effect or after.
type faulty struct {
	settlement.Store
	at    int
	late  bool
	saves int
}

func (f *faulty) save(do func() error) error {
	if f.saves++; f.saves != f.at {
		return do()
	}
	if f.late {
		return errors.Join(do(), errDown)
	}
	return errDown
}

func (f *faulty) SaveSettlement(ctx context.Context, s settlement.Settlement) error {
	return f.save(func() error { return f.Store.SaveSettlement(ctx, s) })
}

func (f *faulty) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	return f.save(func() error { return f.Store.SaveBookings(ctx, cs) })
}

// An order that changes while it is matched is matched again.
func TestAnOrderThatChangesMeanwhile(t *testing.T) {
	s := newShop(t, newOrder())
	busy := &busy{Store: s.store, times: 3, change: func() { s.accepted(mug, principal("1.00")) }}
	held := s.issue(lamp, principal("1.00"))
	s.store = busy
	s.open(noSettings)
	s.load(report{id: "500", rows: paid(mug, noon.Add(day), "Principal", "1.00")})
	assert.Equal(t, []settlement.Match{settlement.MatchSettled}, s.matches(), "one of those that came meanwhile")
	assert.Equal(t, "Principal 3", s.posted(mug))

	busy.times, busy.change = 1000, func() { s.apply(s.entry(held), queue.EntryQueued) }
	_, err := s.read(report{id: "501", rows: paid(lamp, noon.Add(day), "Principal", "1.00")}.v2())
	require.ErrorIs(t, err, store.ErrConflict)
}

type busy struct {
	settlement.Store
	times  int
	change func()
}

func (b *busy) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	if b.times--; b.times >= 0 {
		b.change()
	}
	return b.Store.SaveBookings(ctx, cs)
}

// Settlements as Amazon makes them.
func TestAmazonsSettlements(t *testing.T) {
	dir := os.Getenv("TAKEBACK_AMAZON")
	if dir == "" {
		t.Skip("TAKEBACK_AMAZON names no folder with Amazon's files")
	}
	for name, c := range map[string]struct {
		total string
		want  map[settlement.Match]int
	}{
		"settlement_v1_ca_33col_no_orders.txt": {"-321.69", map[settlement.Match]int{}},
		"settlement_v1_ca_36col_refund.txt":    {"-62.31", map[settlement.Match]int{settlement.MatchUnknownOrder: 1}},
		"settlement_v1_ca_36col_b.txt":         {"2539.66", map[settlement.Match]int{}},
		"settlement_v1_ca_36col_c.txt":         {"3894.24", map[settlement.Match]int{}},
		"settlement_v2_us_synthetic.txt":       {"582.89", map[settlement.Match]int{settlement.MatchUnknownOrder: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.Open(filepath.Join(dir, "samples", name))
			require.NoError(t, err)
			defer file.Close()
			s := newShop(t, newOrder())
			in, err := s.Import(t.Context(), acme, "", amazon.ReportMeta{Name: name}, file)
			require.NoError(t, err)
			require.Len(t, in.Settlements, 1)
			got := in.Settlements[0]
			assert.Equal(t, c.total, got.Total.String())
			assert.Equal(t, c.total, got.Sum.String())
			assert.Empty(t, s.alerts())
			assert.Equal(t, c.want, in.Bookings)
		})
	}
}
