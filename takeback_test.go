package takeback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/cancel"
	ord "github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// office is a host: a desk on a store in memory, an order book, and a fake
// Amazon that is reached without sockets, all on the clock of the test's bubble.
type office struct {
	desk  *takeback.Desk
	store *memory.Store
	book  *ledgerBook
	fake  *amazontest.Server
}

const units = 2

// newOffice knows n orders of two units at 20.00 + 1.65 each: the even ones are
// shipped, the odd ones not.
func newOffice(t *testing.T, s settings.Settings, n int, change ...func(*takeback.Config)) *office {
	t.Helper()
	fake, err := amazontest.New(amazontest.Config{})
	require.NoError(t, err)
	require.NoError(t, fake.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLE", ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}))
	o := &office{store: memory.New(), book: &ledgerBook{orders: map[ord.ID]ord.Order{}}, fake: fake}
	for i := range n {
		paid := ord.Amounts{ord.Principal: decimal.RequireFromString("40.00"), ord.Tax: decimal.RequireFromString("3.30")}
		shipped := units * ((i + 1) % 2)
		id := ord.ID{Company: "acme", Number: fmt.Sprint("SO-", i)}
		o.book.orders[id] = ord.Order{
			ID: id, Amazon: amazonID(i), Currency: "USD", Fulfilment: ord.ByMerchant, Status: ord.StatusInProcess,
			Lines: []ord.Line{{Item: item(i), SKU: "MUG", Ordered: units, Shipped: shipped, Charges: paid}},
		}
		require.NoError(t, fake.Seed(amazontest.Order{
			Seller: "A1EXAMPLE", Number: amazonID(i).Number, Marketplace: "ATVPDKIKX0DER", Currency: "USD",
			Items: []amazontest.Item{{ID: item(i), SKU: "MUG", Quantity: units, Shipped: shipped, Charges: paid}},
		}))
	}
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}, nil
		},
		HTTPClient: fake.Client(),
	})
	require.NoError(t, err)
	config := takeback.Config{
		Store: o.store, Book: o.book, Amazon: client,
		Accounts: amazon.AccountList{seller},
		Settings: settings.Fixed(s), Installation: "test", Polling: takeback.Polling{Off: true},
	}
	for _, f := range change {
		f(&config)
	}
	o.desk, err = takeback.New(config)
	require.NoError(t, err)
	return o
}

func amazonID(i int) ord.AmazonID {
	return ord.AmazonID{Account: "acme-us", Number: fmt.Sprintf("111-0000000-%07d", i)}
}
func item(i int) string { return fmt.Sprintf("%015d", i+1) }

// refundOne issues a refund of one unit of order i.
func (o *office) refundOne(t *testing.T, i int, key string) refund.Refund {
	t.Helper()
	r, err := o.desk.Refunds.Issue(t.Context(), refund.Request{
		Order: amazonID(i), Lines: []refund.Ask{{Item: item(i), Units: 1}}, Reason: amazon.ReasonCustomerReturn, Key: key, By: "anna",
	})
	require.NoError(t, err)
	return r
}

// stepFor steps through a span of time, when each step says that the next is due.
func (o *office) stepFor(t *testing.T, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		next, _ := o.desk.Step(t.Context()) // what a step could not do shows in the states
		time.Sleep(max(time.Second, time.Until(next)))
	}
}

func (o *office) entry(t *testing.T, id queue.EntryID) queue.Entry {
	t.Helper()
	e, err := o.desk.Queue.Entry(t.Context(), id)
	require.NoError(t, err)
	return e
}

// assertBooksAgree holds our ledger against Amazon's: posted is what it paid, and
// reserved what is still open.
func (o *office) assertBooksAgree(t *testing.T, orders int) {
	t.Helper()
	posted := decimal.Zero
	for i := range orders {
		ledgers, err := o.store.Ledgers(t.Context(), []ord.AmazonID{amazonID(i)})
		require.NoError(t, err)
		posted = posted.Add(ledgers[0].TotalBy(ord.Posted, ord.CauseRefund))
	}
	assert.Equal(t, o.fake.Paid()["USD"].StringFixed(2), posted.StringFixed(2), "what Amazon paid, and what we posted")
}

func TestNewWantsItsConfig(t *testing.T) {
	full := func() takeback.Config {
		client, err := spapi.New(spapi.Config{Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{}, nil
		}})
		require.NoError(t, err)
		return takeback.Config{Store: memory.New(), Book: shelf{}, Amazon: client, Accounts: amazon.AccountList{}, Settings: settings.Fixed{}, Installation: "test"}
	}
	_, err := takeback.New(full())
	require.NoError(t, err)

	for name, remove := range map[string]func(*takeback.Config){
		"Store":                        func(c *takeback.Config) { c.Store = nil },
		"Book":                         func(c *takeback.Config) { c.Book = nil },
		"Amazon":                       func(c *takeback.Config) { c.Amazon = nil },
		"Accounts":                     func(c *takeback.Config) { c.Accounts = nil },
		"Settings":                     func(c *takeback.Config) { c.Settings = nil },
		"Batching":                     func(c *takeback.Config) { c.Batching.Messages = -1 },
		"Budget":                       func(c *takeback.Config) { c.Budget.Time = -1 },
		"Polling":                      func(c *takeback.Config) { c.Polling.Orders = -1 },
		"missing after -1 settlements": func(c *takeback.Config) { c.Settings = settings.Fixed{Policy: settings.Policy{MissingAfter: -1}} },
		"listed twice, for companies acme and bravo": func(c *takeback.Config) {
			us := amazon.Account{ID: "us", Company: "acme", Merchant: "A1", Region: amazon.NorthAmerica, Marketplaces: []ord.MarketplaceID{"ATVPDKIKX0DER"}}
			theirs := us
			theirs.Company = "bravo"
			c.Accounts = amazon.AccountList{us, theirs}
		},
		"Formats": func(c *takeback.Config) { c.Formats.Returns = map[string]rma.Format{"theirs": nil} },

		"Installation": func(c *takeback.Config) { c.Installation = "" },
	} {
		c := full()
		remove(&c)
		_, err := takeback.New(c)
		assert.ErrorContains(t, err, name)
	}
}

func TestDirectSendsAtTheNextStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{}, 2)
		paid := o.refundOne(t, 0, "one")
		gone, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{Order: amazonID(1), Reason: amazon.ReasonNoInventory, By: "ben"})
		require.NoError(t, err)

		o.stepFor(t, 5*time.Minute)
		assert.Equal(t, queue.EntryAccepted, o.entry(t, paid.ID).State)
		assert.Equal(t, queue.EntryAccepted, o.entry(t, gone.ID).State)
		assert.Equal(t, "21.65", o.fake.Paid()["USD"].String())
		o.assertBooksAgree(t, 2)

		assert.Equal(t, ord.StatusCancelled, o.book.order("SO-1").Status)
		assert.Equal(t, ord.PartialRefund, o.book.payment["SO-0"], "the host's order shows the refund")
	})
}

// Law 3: whichever way the answer of createFeed gets lost, the document is sent
// once and the request stays open and reserved: where its feed is found, until
// something proves that it is ours; where there is none, for a person.
func TestLostAnswerIsNeverSentAgain(t *testing.T) {
	tests := []struct {
		name  string
		fault amazontest.Fault
		paid  string
	}{
		{"connection broken before the effect", amazontest.Fault{Drop: true}, "0"},
		{"connection broken after the effect", amazontest.Fault{Drop: true, After: true}, "21.65"},
		{"500 before the effect", amazontest.Fault{Status: 500}, "0"},
		{"500 after the effect", amazontest.Fault{Status: 500, After: true}, "21.65"},
		{"503 after the effect", amazontest.Fault{Status: 503, After: true}, "21.65"},
		{"202 without a feed ID, after the effect", amazontest.Fault{Status: 202, After: true}, "21.65"},
		{"redirect after the effect", amazontest.Fault{Status: 307, After: true}, "21.65"},
		{"403 that does not name the token", amazontest.Fault{Status: 403}, "0"},
		{"404 before the effect", amazontest.Fault{Status: 404}, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, settings.Settings{}, 1)
				calls := failCreateFeed(o.fake, tt.fault, 1)
				r := o.refundOne(t, 0, "one")
				o.stepFor(t, 48*time.Hour)

				assert.Equal(t, 1, *calls, "createFeed on the wire")
				e := o.entry(t, r.ID)
				want := map[string]queue.State{"0": queue.EntryNeedsDecision, "21.65": queue.EntryUnknownResult}
				assert.Equal(t, want[tt.paid], e.State)
				assert.NotEmpty(t, e.Why)
				assert.Equal(t, tt.paid, o.fake.Paid()["USD"].String())
				ledgers, err := o.store.Ledgers(t.Context(), []ord.AmazonID{amazonID(0)})
				require.NoError(t, err)
				assert.Equal(t, "21.65", ledgers[0].Total(ord.Reserved).String(), "the reservation is kept")

				// The rest of the line can be promised, what is open cannot.
				_, err = o.desk.Refunds.Draft(t.Context(), refund.Request{
					Order: amazonID(0), Lines: []refund.Ask{{Item: item(0), Amounts: ord.Amounts{ord.Principal: decimal.NewFromInt(21)}}},
					Reason: amazon.ReasonCustomerReturn, By: "anna",
				})
				assert.ErrorIs(t, err, ord.ErrOver)
			})
		})
	}
}

// Law 12: what was not sent is sent later, and was no attempt that counts.
func TestThrottledIsNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{}, 1)
		calls := failCreateFeed(o.fake, amazontest.Fault{Status: 429}, 3)
		r := o.refundOne(t, 0, "one")
		o.stepFor(t, time.Hour)

		assert.Equal(t, 4, *calls, "three were refused for coming too early")
		assert.Equal(t, queue.EntryAccepted, o.entry(t, r.ID).State)
		assert.Len(t, o.entry(t, r.ID).Attempts, 1)
		o.assertBooksAgree(t, 1)
	})
}

func TestARefusedCallNeedsADecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{}, 1)
		calls := failCreateFeed(o.fake, amazontest.Fault{Status: 400}, 1)
		r := o.refundOne(t, 0, "one")
		o.stepFor(t, 24*time.Hour)

		assert.Equal(t, 1, *calls, "a refused call is not repeated by itself")
		assert.Equal(t, queue.EntryNeedsDecision, o.entry(t, r.ID).State)
		assert.Empty(t, o.fake.Feeds())
	})
}

// Alerts are heard of whoever raises them: the queue, a handler, or the delivery
// of effects; and so is what the order book does not take.
func TestAlertsAndRefusedEffectsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := map[queue.EventKind][]queue.Event{}
		o := newOffice(t, settings.Settings{}, 2, func(c *takeback.Config) {
			c.Observe = func(_ context.Context, e queue.Event) { heard[e.Kind] = append(heard[e.Kind], e) }
		})
		gone, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{Order: amazonID(1), Reason: amazon.ReasonNoInventory, By: "ben"})
		require.NoError(t, err)
		require.NoError(t, o.fake.Refuse(amazonID(1).Number, 8008, "too late"))
		o.refundOne(t, 0, "one")
		o.book.refuse("SO-0", true)
		o.stepFor(t, time.Hour)

		require.Equal(t, queue.EntryRefused, o.entry(t, gone.ID).State)
		require.Len(t, heard[queue.EventAlert], 1)
		alert := heard[queue.EventAlert][0]
		assert.Equal(t, "refused/"+string(gone.ID)+"/1", alert.Alert)
		assert.Equal(t, ord.AccountID("acme-us"), alert.Account)
		listed, err := o.desk.Queue.Alerts(t.Context(), ord.AlertQuery{Keys: []string{alert.Alert}}, "acme")
		require.NoError(t, err)
		assert.Len(t, listed, 1)

		require.NotEmpty(t, heard[queue.EventEffectRefused])
		effect := heard[queue.EventEffectRefused][0]
		assert.Equal(t, ord.ID{Company: "acme", Number: "SO-0"}, effect.HostOrder)
		assert.ErrorContains(t, effect.Err, "the host's database is away")
		assert.Regexp(t, "^Payment ", effect.Text)
		assert.Len(t, heard[queue.EventBatchEnded], 2)
	})
}

// noEffects is a store whose effects cannot be read.
type noEffects struct{ takeback.Store }

func (noEffects) Effects(context.Context, time.Time, int) ([]ord.Effect, error) {
	return nil, errors.New("the disk is gone")
}

// When effects cannot be read, everything else goes on, and both the log and who
// observes are told, once for each step, of nothing but events.
func TestUndeliverableEffectsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var told []queue.Event
		o := newOffice(t, settings.Settings{}, 1, func(c *takeback.Config) {
			c.Store = noEffects{c.Store}
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.Observe = func(_ context.Context, e queue.Event) {
				if e.Kind == queue.EventStepFailed {
					told = append(told, e)
				}
			}
		})
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second) // one step
		defer stop()
		require.ErrorIs(t, o.desk.Run(ctx), context.DeadlineExceeded)
		require.Len(t, told, 1)
		assert.ErrorContains(t, told[0].Err, "deliver effects: read effects: the disk is gone")
		assert.False(t, told[0].At.IsZero())
		assert.Equal(t, 1, strings.Count(log.String(), "\n"), "%s", &log)
		assert.Contains(t, log.String(), `level=WARN msg="takeback StepFailed"`)
	})
}

// failCreateFeed breaks the first n calls of createFeed and counts them all.
func failCreateFeed(fake *amazontest.Server, f amazontest.Fault, n int) *int {
	calls := 0
	fake.Fail(func(c amazontest.Call) amazontest.Fault {
		if c.Op != "createFeed" {
			return amazontest.Fault{}
		}
		if calls++; calls > n {
			return amazontest.Fault{}
		}
		return f
	})
	return &calls
}

// A day of requests, made while Run is at work in Auto mode: everything is sent
// in few documents, everything is answered, and the books agree.
func TestRunThroughADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const orders = 40
		o := newOffice(t, settings.Settings{Queue: true, AutoSubmit: true}, orders)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- o.desk.Run(ctx) }()

		for i := 0; i < orders; i += 2 {
			o.refundOne(t, i, fmt.Sprint("first ", i))
			time.Sleep(15 * time.Minute)
			o.refundOne(t, i, fmt.Sprint("second ", i))
			time.Sleep(20 * time.Minute)
		}
		time.Sleep(3 * time.Hour)
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)

		entries, err := o.desk.Queue.Entries(t.Context(), queue.EntryQuery{Company: "acme"})
		require.NoError(t, err)
		require.Len(t, entries, orders)
		for _, e := range entries {
			assert.Equal(t, queue.EntryAccepted, e.State, e.ID)
		}
		assert.Equal(t, "866", o.fake.Paid()["USD"].String(), "20 orders of 43.30")
		o.assertBooksAgree(t, orders)
		assert.LessOrEqual(t, len(o.fake.Feeds()), 40*35/30+2, "about one document in 30 minutes")
		assert.Equal(t, ord.FullRefund, o.book.payment["SO-0"])
	})
}

// Effects reach the host's orders although one of them fails for hours: it
// blocks only its own order, and comes through in the end.
func TestEffectsOutlastAFailingOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{}, 3)
		o.book.refuse("SO-0", true)
		o.refundOne(t, 0, "one")
		o.refundOne(t, 2, "two")
		o.stepFor(t, time.Hour)
		assert.Empty(t, o.book.payment["SO-0"])
		assert.Equal(t, ord.PartialRefund, o.book.payment["SO-2"])

		o.book.refuse("SO-0", false)
		o.stepFor(t, time.Hour)
		assert.Equal(t, ord.PartialRefund, o.book.payment["SO-0"])
		assert.True(t, slices.IsSorted(o.book.seen["SO-0"]), "in the order of their numbers")
	})
}

// ledgerBook is an order book that shows what effects said.
type ledgerBook struct {
	mu      sync.Mutex
	orders  map[ord.ID]ord.Order
	payment map[string]ord.PaymentStatus
	seen    map[string][]int64
	refused map[string]bool
}

func (b *ledgerBook) order(number string) ord.Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.orders[ord.ID{Company: "acme", Number: number}]
}

func (b *ledgerBook) refuse(number string, refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = map[string]bool{number: refused}
}

func (b *ledgerBook) Orders(_ context.Context, ids []ord.AmazonID) (found []ord.Order, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (b *ledgerBook) ApplyOrder(_ context.Context, e ord.Effect) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused[e.Order.Number] {
		return errors.New("the host's database is away")
	}
	if b.payment == nil {
		b.payment, b.seen = map[string]ord.PaymentStatus{}, map[string][]int64{}
	}
	b.seen[e.Order.Number] = append(b.seen[e.Order.Number], e.Seq)
	o, found := b.orders[e.Order]
	if !found {
		return fmt.Errorf("order %s: not here", e.Order)
	}
	switch e.Kind {
	case ord.EffectSplit:
		var err error
		if o, err = b.split(o, e); err != nil {
			return err
		}
	case ord.EffectStatus:
		o.Status = e.Status.To
	case ord.EffectPayment:
		b.payment[e.Order.Number] = e.Payment.Status
	}
	b.orders[e.Order] = o
	return nil
}
