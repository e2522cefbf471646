package refund_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// The order that most tests are about: lamps have shipped, one of two mugs has,
// the vase has not. The buyer paid 38.50 + 20.00 + 5.00 = 63.50.
const (
	lamp = "11111111111111"
	mug  = "22222222222222"
	vase = "33333333333333"
)

var (
	sold = order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}
	acme = amazon.Account{
		ID: "acme-us", Company: "acme", Merchant: "A1ACME", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
	}
	noon = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)
)

func newOrder() order.Order {
	return order.Order{
		ID: order.ID{Company: "acme", Number: "SO-1"}, Amazon: sold, Currency: "USD",
		Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
		Lines: []order.Line{
			{Item: lamp, SKU: "LAMP", TaxModel: order.TaxNamed, Ordered: 3, Shipped: 3, Charges: order.Amounts{
				order.Principal: dec("33.00"), order.Tax: dec("2.50"), order.Shipping: dec("6.00"),
			}, Promotions: order.Amounts{order.Principal: dec("3.00")}},
			{Item: mug, SKU: "MUG", TaxModel: order.TaxNamed, Ordered: 2, Shipped: 1, Charges: order.Amounts{order.Principal: dec("20.00")}},
			{Item: vase, SKU: "VASE", TaxModel: order.TaxNamed, Ordered: 1, Charges: order.Amounts{order.Principal: dec("5.00")}},
		},
	}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func principal(s string) order.Amounts { return order.Amounts{order.Principal: dec(s)} }

func goodwill(s string) order.Amounts { return order.Amounts{order.Goodwill: dec(s)} }

// ask is a request of one line.
func ask(line refund.Ask) refund.Request {
	return refund.Request{Order: sold, Lines: []refund.Ask{line}, Reason: amazon.ReasonCustomerReturn, By: "ann"}
}

// exactly asks for an amount of Principal of the lamps, under the host's key.
func exactly(key, amount string) refund.Request {
	r := ask(refund.Ask{Item: lamp, Amounts: principal(amount)})
	r.Key = key
	return r
}

// shop is a refund service with its order book and its store.
type shop struct {
	*refund.Service
	t     testing.TB
	store *memory.Store
	book  *book
	clock func() time.Time
	c     refund.Config
}

func newShop(t testing.TB, set settings.Settings, orders ...order.Order) *shop {
	s := &shop{t: t, store: memory.New(), book: &book{orders: orders}, clock: func() time.Time { return noon }}
	s.with(func(c *refund.Config) {
		*c = refund.Config{
			Store: s.store, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed(set),
			Now: func() time.Time { return s.clock() },
		}
	})
	return s
}

// with opens the service with another configuration on what there is.
func (s *shop) with(change func(*refund.Config)) *shop {
	s.t.Helper()
	change(&s.c)
	var err error
	s.Service, err = refund.New(s.c)
	require.NoError(s.t, err)
	return s
}

// policy is the settings of a merchant who has chosen one.
func policy(p settings.Policy) settings.Settings { return settings.Settings{Policy: p} }

// book is an order book that does not keep what it is told to change.
type book struct {
	mu     sync.Mutex
	orders []order.Order
	during func() // happens once, between a reading and its answer
}

func (b *book) Orders(_ context.Context, ids []order.AmazonID) ([]order.Order, error) {
	b.mu.Lock()
	var found []order.Order
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			o.Lines = slices.Clone(o.Lines)
			found = append(found, o)
		}
	}
	during := b.during
	b.during = nil
	b.mu.Unlock()
	if during != nil {
		during()
	}
	return found, nil
}

func (b *book) ApplyOrder(context.Context, order.Effect) error { return nil }

func (s *shop) issue(r refund.Request) refund.Refund {
	s.t.Helper()
	issued, err := s.Issue(s.t.Context(), r)
	require.NoError(s.t, err)
	return issued
}

func (s *shop) draft(r refund.Request) refund.Draft {
	s.t.Helper()
	d, err := s.Draft(s.t.Context(), r)
	require.NoError(s.t, err)
	return d
}

// confirm drafts a request and returns it with the token of the draft.
func (s *shop) confirm(r refund.Request) refund.Request {
	s.t.Helper()
	r.Token = s.draft(r).Token
	return r
}

func (s *shop) ledger() order.Ledger {
	s.t.Helper()
	ls, err := s.store.Ledgers(s.t.Context(), []order.AmazonID{sold})
	require.NoError(s.t, err)
	return ls[0]
}

func (s *shop) refund(id queue.EntryID) refund.Refund {
	s.t.Helper()
	r, err := s.Refund(s.t.Context(), id)
	require.NoError(s.t, err)
	return r
}

func (s *shop) entry(id queue.EntryID) queue.Entry {
	s.t.Helper()
	es, err := s.store.Entries(s.t.Context(), queue.EntryQuery{IDs: []queue.EntryID{id}})
	require.NoError(s.t, err)
	require.Len(s.t, es, 1)
	return es[0]
}

// sent is the entry of a refund as the queue would hand it over after Amazon
// gave these results.
func (s *shop) sent(id queue.EntryID, to queue.State, results ...queue.Result) queue.Entry {
	s.t.Helper()
	e := s.decided(id, to)
	e.Changed.By = "Amazon"
	e.Attempts = append(e.Attempts, queue.Attempt{Batch: batch(len(e.Attempts) + 1), At: noon, Results: results})
	return e
}

// batch is that of the n-th attempt.
func batch(n int) queue.BatchID { return queue.BatchID(fmt.Sprint("acme-us-", n)) }

// decided is the entry of a refund after somebody here gave it another state.
func (s *shop) decided(id queue.EntryID, to queue.State) queue.Entry {
	s.t.Helper()
	e := s.entry(id)
	e.State, e.Changed = to, order.Stamp{By: "bob", At: noon.Add(time.Hour)}
	return e
}

func (s *shop) apply(es ...queue.Entry) {
	s.t.Helper()
	require.NoError(s.t, s.Apply(s.t.Context(), es))
}

func accepted(item string) queue.Result {
	return queue.Result{Part: item, Verdict: amazon.VerdictAccepted}
}

func refused(item string) queue.Result {
	return queue.Result{Part: item, Verdict: amazon.VerdictRefused, Code: 18028, Text: "more than was charged"}
}

func unknown(item string) queue.Result {
	return queue.Result{Part: item, Verdict: amazon.VerdictUnknown, Text: "no report"}
}

// payment is what the host's order was last told about its money.
func (s *shop) payment() order.Payment {
	s.t.Helper()
	es, err := s.store.Effects(s.t.Context(), noon.AddDate(1, 0, 0), 1000)
	require.NoError(s.t, err)
	es = slices.DeleteFunc(es, func(e order.Effect) bool { return e.Kind != order.EffectPayment })
	require.NotEmpty(s.t, es)
	return *es[len(es)-1].Payment
}

func (s *shop) events() []order.Event {
	s.t.Helper()
	es, err := s.store.Events(s.t.Context(), sold)
	require.NoError(s.t, err)
	return es
}
