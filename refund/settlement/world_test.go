package settlement_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// The order that most tests are about: the buyer paid 36.00 and 2.50 tax for lamps,
// and 20.00 for mugs. All of it has shipped.
const (
	number = "111-1234567-1234567"
	lamp   = "11111111111111"
	mug    = "22222222222222"
)

var (
	sold = order.AmazonID{Account: "acme-us", Number: number}
	acme = amazon.Account{
		ID: "acme-us", Company: "acme", Merchant: "A1ACME", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
	}
	noon = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)
)

const day = 24 * time.Hour

func newOrder() order.Order {
	return order.Order{
		ID: order.ID{Company: "acme", Number: "SO-1"}, Amazon: sold, Marketplace: "ATVPDKIKX0DER", Currency: "USD",
		Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
		Lines: []order.Line{
			{
				Item: lamp, SKU: "LAMP", Ordered: 3, Shipped: 3,
				Charges:    order.Amounts{order.Principal: dec("33.00"), order.Tax: dec("2.50"), order.Shipping: dec("6.00")},
				Promotions: order.Amounts{order.Principal: dec("3.00")},
			},
			{Item: mug, SKU: "MUG", Ordered: 2, Shipped: 2, Charges: principal("20.00")},
		},
	}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func principal(s string) order.Amounts { return order.Amounts{order.Principal: dec(s)} }

// shop is a merchant with refunds and settlements.
type shop struct {
	*settlement.Service
	t       testing.TB
	store   settlement.Store // what the services see
	memory  *memory.Store
	refunds *refund.Service
	book    *book
	now     time.Time
	batches int
	asked   int
}

func newShop(t testing.TB, orders ...order.Order) *shop {
	t.Helper()
	m := memory.New()
	s := &shop{t: t, store: m, memory: m, book: &book{orders: orders}, now: noon}
	s.open(settings.Settings{})
	return s
}

func (s *shop) open(set settings.Settings) {
	s.t.Helper()
	var err error
	s.Service, err = settlement.New(settlement.Config{Store: s.store, Book: s.book, Settings: settings.Fixed(set), Now: s.clock})
	require.NoError(s.t, err)
	s.refunds, err = refund.New(refund.Config{
		Store: s.memory, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed(set), Books: s.Service, Now: s.clock,
	})
	require.NoError(s.t, err)
}

func (s *shop) clock() time.Time { return s.now }

// batch is that of the n-th attempt.
func batch(n int) queue.BatchID { return queue.BatchID(fmt.Sprint("acme-us-", n)) }

// book is an order book that does not keep what it is told to change.
type book struct {
	mu     sync.Mutex
	orders []order.Order
}

func (b *book) Orders(_ context.Context, ids []order.AmazonID) ([]order.Order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []order.Order
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			o.Lines = slices.Clone(o.Lines)
			found = append(found, o)
		}
	}
	return found, nil
}

func (b *book) ApplyOrder(context.Context, order.Effect) error { return nil }

// issue asks for a refund of one item.
func (s *shop) issue(item string, a order.Amounts) queue.EntryID {
	s.t.Helper()
	s.asked++
	r, err := s.refunds.Issue(s.t.Context(), refund.Request{
		Order: sold, Lines: []refund.Ask{{Item: item, Amounts: a}}, Reason: amazon.ReasonCustomerReturn, By: "ann", Key: fmt.Sprint("ask-", s.asked),
	})
	require.NoError(s.t, err)
	return r.ID
}

// sent offers a refund to Amazon once more, which answers.
func (s *shop) sent(id queue.EntryID, to queue.State, v amazon.Verdict) {
	s.t.Helper()
	e := s.entry(id)
	s.batches++
	a := queue.Attempt{Batch: batch(s.batches), At: s.now}
	for _, l := range s.refund(id).Lines {
		a.Messages = append(a.Messages, queue.Part{Message: amazon.MessageID(s.batches), Part: l.Item})
		a.Results = append(a.Results, queue.Result{Part: l.Item, Verdict: v})
	}
	e.Attempts = append(e.Attempts, a)
	s.apply(e, to)
}

// answered changes what is known of the last attempt.
func (s *shop) answered(id queue.EntryID, to queue.State, v amazon.Verdict) {
	s.t.Helper()
	e := s.entry(id)
	for i := range e.Attempt().Results {
		e.Attempts[len(e.Attempts)-1].Results[i].Verdict = v
	}
	s.apply(e, to)
}

func (s *shop) apply(e queue.Entry, to queue.State) {
	s.t.Helper()
	e.State, e.Changed = to, order.Stamp{By: "Amazon", At: s.now}
	require.NoError(s.t, s.refunds.Apply(s.t.Context(), []queue.Entry{e}))
}

// accepted is a refund that Amazon has accepted.
func (s *shop) accepted(item string, a order.Amounts) queue.EntryID {
	s.t.Helper()
	id := s.issue(item, a)
	s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted)
	return id
}

func (s *shop) entry(id queue.EntryID) queue.Entry {
	s.t.Helper()
	es, err := s.memory.Entries(s.t.Context(), queue.EntryQuery{IDs: []queue.EntryID{id}})
	require.NoError(s.t, err)
	require.Len(s.t, es, 1)
	return es[0]
}

func (s *shop) refund(id queue.EntryID) refund.Refund {
	s.t.Helper()
	r, err := s.refunds.Refund(s.t.Context(), id)
	require.NoError(s.t, err)
	return r
}

// line is the only line of a refund.
func (s *shop) line(id queue.EntryID) refund.Line {
	s.t.Helper()
	r := s.refund(id)
	require.Len(s.t, r.Lines, 1)
	return r.Lines[0]
}

func (s *shop) ledger() order.Ledger {
	s.t.Helper()
	ls, err := s.memory.Ledgers(s.t.Context(), []order.AmazonID{sold})
	require.NoError(s.t, err)
	return ls[0]
}

// posted is what the ledger says went to the buyer of an item.
func (s *shop) posted(item string) string {
	s.t.Helper()
	return s.ledger().Sum(order.Posted, item).String()
}

// bookings are those of an order, as "match amount" in the order of their time.
func (s *shop) bookings() []settlement.Booking {
	s.t.Helper()
	bs, err := s.Bookings(s.t.Context(), settlement.BookingQuery{})
	require.NoError(s.t, err)
	return bs
}

func (s *shop) matches() []settlement.Match {
	s.t.Helper()
	var ms []settlement.Match
	for _, b := range s.bookings() {
		ms = append(ms, b.Match)
	}
	return ms
}

func (s *shop) load(r report) settlement.Imported {
	s.t.Helper()
	in, err := s.Import(s.t.Context(), acme, "", amazon.ReportMeta{Name: r.id + ".txt"}, strings.NewReader(r.v2()))
	require.NoError(s.t, err)
	return in
}

// alerts are the keys of all alerts, up to what they are about.
func (s *shop) alerts() []string {
	s.t.Helper()
	as, err := s.memory.Alerts(s.t.Context(), order.AlertQuery{})
	require.NoError(s.t, err)
	var keys []string
	for _, a := range as {
		key, _, _ := strings.Cut(a.Key, "/")
		keys = append(keys, key)
	}
	return keys
}

// effects are those of a kind on the host's orders.
func (s *shop) effects(k order.EffectKind) []order.Effect {
	s.t.Helper()
	es, err := s.memory.Effects(s.t.Context(), noon.AddDate(5, 0, 0), 10_000)
	require.NoError(s.t, err)
	return slices.DeleteFunc(es, func(e order.Effect) bool { return e.Kind != k })
}

func (s *shop) payment() order.Payment {
	s.t.Helper()
	es := s.effects(order.EffectPayment)
	require.NotEmpty(s.t, es)
	return *es[len(es)-1].Payment
}

func (s *shop) ends() settlement.Report {
	s.t.Helper()
	r, err := s.OpenEnds(s.t.Context(), settlement.EndsQuery{})
	require.NoError(s.t, err)
	return r
}

// report is a settlement report.
type report struct {
	id       string
	start    time.Time
	currency string
	total    string // empty: what the rows add up to
	rows     []row
}

// row is one amount of it.
type row struct {
	kind, order, item, sku  string
	adjustment, ours        string
	amountType, description string
	amount                  string // as Amazon has it: below zero for the buyer
	at                      time.Time
}

// paid is a refund of an item as a settlement shows it: amounts are pairs of a
// description and what the buyer got.
func paid(item string, at time.Time, amounts ...string) []row {
	var rows []row
	for pair := range slices.Chunk(amounts, 2) {
		rows = append(rows, row{
			kind: "Refund", order: number, item: item, sku: map[string]string{lamp: "LAMP", mug: "MUG"}[item],
			adjustment: "amzn1:crow:" + at.Format("0102150405"), amountType: "ItemPrice", description: pair[0], amount: dec(pair[1]).Neg().String(), at: at,
		})
	}
	return rows
}

// with changes rows.
func with(rows []row, change func(*row)) []row {
	rows = slices.Clone(rows)
	for i := range rows {
		change(&rows[i])
	}
	return rows
}

// and adds an amount to a refund, as Amazon has it.
func and(rows []row, amountType, description, amount string) []row {
	next := rows[len(rows)-1]
	next.amountType, next.description, next.amount = amountType, description, amount
	return append(slices.Clip(rows), next)
}

const v2Header = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\t" +
	"merchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\tamount-description\tamount\tfulfillment-id\tposted-date\t" +
	"posted-date-time\torder-item-code\tmerchant-order-item-id\tmerchant-adjustment-item-id\tsku\tquantity-purchased\tpromotion-id\n"

const layout = "2006-01-02 15:04:05 UTC"

// sum is what the rows that can be read add up to.
func (r report) sum() decimal.Decimal {
	sum := decimal.Zero
	for _, row := range r.rows {
		if amount, err := decimal.NewFromString(row.amount); err == nil {
			sum = sum.Add(amount)
		}
	}
	return sum
}

func (r report) v2() string {
	var b strings.Builder
	start := r.start
	if start.IsZero() {
		start = noon.Add(-3 * day)
	}
	b.WriteString(v2Header)
	line := func(cells ...string) { b.WriteString(strings.Join(cells, "\t") + "\n") }
	summary := make([]string, 24)
	copy(summary, []string{
		r.id, start.Format(layout), start.Add(14 * day).Format(layout), start.Add(16 * day).Format(layout),
		cmp.Or(r.total, r.sum().StringFixed(2)), cmp.Or(r.currency, "USD"),
	})
	line(summary...)
	for _, row := range r.rows {
		posted, at := "", ""
		if !row.at.IsZero() {
			posted, at = row.at.Format("2006-01-02"), row.at.Format(layout)
		}
		line(r.id, "", "", "", "", "", row.kind, row.order, row.order, row.adjustment, "", "Amazon.com",
			row.amountType, row.description, row.amount, "MFN", posted, at, row.item, "", row.ours, row.sku, "", "")
	}
	return b.String()
}
