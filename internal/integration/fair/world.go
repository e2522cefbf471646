package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

const (
	interval = 30 * time.Minute
	timeout  = 30 * time.Second // of a call for a dead account
	merchant = "A2FAIR000001"

	maxAccounts = 99_999
	maxBacklog  = 9_999_999
)

// figures are what a run came to. Times are in seconds.
type figures struct {
	Served int     `json:"served"`
	Late   float64 `json:"late_seconds"`
	Steps  int     `json:"steps"`
	Tries  int     `json:"tries"`
	Real   float64 `json:"real_seconds"`

	missing int
}

// goal tells whether somebody had to wait for too long.
func (m figures) goal(s size) error {
	if m.missing > 0 {
		return fmt.Errorf("%d refunds of %d live accounts were not sent", m.missing, s.accounts-s.dead)
	}
	if m.Late > interval.Seconds() {
		return fmt.Errorf("a refund was sent %.0f s after it was due: the goal is %.0f s", m.Late, interval.Seconds())
	}
	return nil
}

// world is a queue, its store, and an Amazon that takes every document of a live
// account.
type world struct {
	now   time.Time
	store *memory.Store
	queue *queue.Queue
	dead  map[order.AccountID]bool
	feeds map[amazon.FeedID]int // how many messages each has
	due   map[queue.EntryID]time.Time
	asked int // how many refunds were queued

	backlog bool // the first account has one
	figures
}

func name(i int) order.AccountID { return order.AccountID(fmt.Sprintf("a%05d", i)) }

// measure has accounts ask for refunds over some intervals, and works on them.
// The first account has the backlog; the dead ones are spread among the others.
func measure(ctx context.Context, s size) (figures, error) {
	w := &world{
		now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), store: memory.New(),
		dead: map[order.AccountID]bool{}, feeds: map[amazon.FeedID]int{}, due: map[queue.EntryID]time.Time{},
		backlog: s.backlog > 0,
	}
	var accounts amazon.AccountList
	for i := range s.accounts {
		accounts = append(accounts, amazon.Account{
			ID: name(i), Company: order.CompanyID(fmt.Sprintf("c%d", i%100)), Merchant: merchant,
			Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		})
	}
	for i := range s.dead {
		w.dead[name(1+i*(s.accounts-1)/s.dead)] = true
	}
	var err error
	w.queue, err = queue.New(queue.Config{
		Store: w.store, Feeds: w, Accounts: accounts, Settings: settings.Fixed{Queue: true, AutoSubmit: true}, Installation: "fair",
		Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: w},
		Batching: queue.Batching{Interval: interval}, Now: func() time.Time { return w.now },
	})
	if err != nil {
		return figures{}, err
	}
	const atOnce = 10_000
	for left := s.backlog; left > 0; left -= atOnce {
		if err := w.enqueue(ctx, accounts[0], min(left, atOnce), w.now.Add(-interval)); err != nil {
			return figures{}, err
		}
	}
	realBegan := time.Now()
	if err := w.work(ctx, s, accounts); err != nil {
		return figures{}, err
	}
	w.Real = time.Since(realBegan).Round(time.Millisecond).Seconds()
	w.missing = len(w.due)
	return w.figures, nil
}

// work steps as a host does, while each account asks for one refund in each
// interval, until the last one of a live account is due for as long again.
func (w *world) work(ctx context.Context, s size, accounts amazon.AccountList) error {
	began := w.now
	total := s.intervals * len(accounts)
	next := 0
	for end := began.Add(time.Duration(s.intervals+2) * interval); w.now.Before(end); {
		for ; next < total; next++ {
			at := began.Add(time.Duration(next) * interval / time.Duration(len(accounts)))
			if at.After(w.now) {
				break
			}
			a := accounts[(next*7919)%len(accounts)] // in no order of theirs
			if err := w.enqueue(ctx, a, 1, at); err != nil {
				return err
			}
		}
		w.Steps++
		again, err := w.queue.Step(ctx)
		if err != nil && !errors.Is(err, errDead) || ctx.Err() != nil {
			return err
		}
		w.now = w.now.Add(max(time.Second, min(again.Sub(w.now), 10*time.Second)))
	}
	return nil
}

// enqueue has refunds of an account wait, each of an order of its own.
func (w *world) enqueue(ctx context.Context, a amazon.Account, n int, at time.Time) error {
	entries := make([]queue.Entry, n)
	for i := range entries {
		w.asked++
		number := fmt.Sprintf("111-%07d-%07d", w.asked/maxBacklog, w.asked%maxBacklog)
		stamp := order.Stamp{By: "clerk", At: at, Why: "damaged"}
		entries[i] = queue.Entry{
			ID: queue.NewEntryID(queue.KindRefund, a.Company, number), Kind: queue.KindRefund, Feed: amazon.RefundFeed,
			HostOrder: order.ID{Company: a.Company, Number: "SO-" + number}, Order: order.AmazonID{Account: a.ID, Number: number},
			Amount: order.Money{Amount: five, Currency: "USD"}, State: queue.EntryQueued,
			Mode: settings.Auto, QueuedAt: at, Requested: stamp, Changed: stamp,
		}
	}
	behind := w.backlog && a.ID == name(0) // its own, which is older
	if n == 1 && !w.dead[a.ID] && !behind {
		w.due[entries[0].ID] = at.Add(interval)
	}
	return w.store.SaveQueue(ctx, queue.Change{Entries: entries})
}

var five = decimal.RequireFromString("5.00")

// Prepare implements [queue.Handler].
func (w *world) Prepare(_ context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	prepared := make([]queue.Prepared, len(es))
	for i, e := range es {
		item := "1234567" + e.Order.Number[len(e.Order.Number)-7:]
		prepared[i] = queue.Prepared{
			Entry: e.ID, Order: order.Writes{Order: e.Order},
			Messages: []queue.PreparedMessage{{Part: item, Message: amazon.Adjustment{
				Order: e.Order.Number, Item: item, AdjustmentID: string(e.ID),
				Reason: amazon.RefundCustomerReturn, Currency: "USD", Amounts: order.Amounts{order.Principal: five},
			}}},
		}
	}
	return prepared, nil
}

// Apply implements [queue.Handler].
func (w *world) Apply(ctx context.Context, es []queue.Entry) error {
	for _, e := range es {
		if due, ours := w.due[e.ID]; ours && e.State == queue.EntryAccepted {
			w.Late = max(w.Late, e.Attempt().At.Sub(due).Seconds())
			w.Served++
			delete(w.due, e.ID)
		}
	}
	return queue.ApplyTogether(ctx, es, func(ctx context.Context, es []queue.Entry) error {
		return w.store.SaveQueue(ctx, queue.Change{Entries: es})
	})
}

var errDead = errors.New("the account's authorization was revoked, and the connection hangs")

// Begin implements [amazon.Feeds].
func (w *world) Begin(_ context.Context, a amazon.Account, _ amazon.FeedType) (amazon.Ticket, error) {
	if w.dead[a.ID] {
		w.Tries++
		w.now = w.now.Add(timeout)
		return nil, errDead
	}
	return &ticket{world: w}, nil
}

// ticket sends one document.
type ticket struct {
	*world
	messages int
}

// Upload implements [amazon.Ticket].
func (t *ticket) Upload(_ context.Context, _ string, doc []byte) (fence, at time.Time, err error) {
	t.messages = bytes.Count(doc, []byte("<MessageID>"))
	return t.now.Add(time.Hour), t.now, nil
}

// Create implements [amazon.Ticket].
func (t *ticket) Create(context.Context) (amazon.Feed, error) {
	id := amazon.FeedID(strconv.Itoa(50_001 + len(t.feeds)))
	t.feeds[id] = t.messages
	return amazon.Feed{ID: id, Type: amazon.RefundFeed, CreatedAt: t.now}, nil
}

// Close implements [amazon.Ticket].
func (t *ticket) Close() {}

// Feed implements [amazon.Feeds].
func (w *world) Feed(_ context.Context, _ amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	return amazon.Feed{ID: id, Type: amazon.RefundFeed, Status: amazon.FeedDone, Result: amazon.DocumentID(id)}, nil
}

// ListFeeds implements [amazon.Feeds]; nothing is lost here, and one process does it all.
func (w *world) ListFeeds(context.Context, amazon.Account, amazon.FeedType, time.Time) (amazon.FeedList, error) {
	return amazon.FeedList{At: w.now}, nil
}

// CancelFeed implements [amazon.Feeds].
func (w *world) CancelFeed(context.Context, amazon.Account, amazon.FeedID) error {
	return &amazon.Error{Op: "cancelFeed", Sent: amazon.Answered, Status: 400}
}

// Document implements [amazon.Feeds].
func (w *world) Document(_ context.Context, _ amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	n := w.feeds[amazon.FeedID(id)]
	report, err := amazon.EncodeProcessingReport(merchant, amazon.ProcessingReport{
		TransactionID: string(id), StatusCode: "Complete", Summary: &amazon.Summary{Processed: n, Successful: n},
	})
	return io.NopCloser(bytes.NewReader(report)), err
}
