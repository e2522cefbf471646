package queue_test

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/store"
)

// gate is asked at every call that a queue makes. An error before the call keeps
// it from being made; one after it takes the place of its answer.
type gate interface {
	before(call string) error
	after(call string) error
}

// through makes a call through gates. Its answer counts only when there is no
// error.
func through[V any](gates []gate, name string, call func() (V, error)) (V, error) {
	var none V
	for _, g := range gates {
		if err := g.before(name); err != nil {
			return none, err
		}
	}
	v, err := call()
	for _, g := range gates {
		if lost := g.after(name); lost != nil {
			return none, lost
		}
	}
	return v, err
}

type nothing = struct{}

func act(call func() error) func() (nothing, error) {
	return func() (nothing, error) { return nothing{}, call() }
}

// failing fails the n-th call of a kind, before or after its effect.
type failing struct {
	of     string // "store" or "amazon"
	n      int    // from 1 on; 0 never
	late   bool   // after its effect
	err    error
	count  int
	failed string // the call that failed
}

func (f *failing) before(call string) error {
	if !strings.HasPrefix(call, f.of) {
		return nil
	}
	f.count++
	if f.count == f.n && !f.late {
		f.failed = call
		return f.err
	}
	return nil
}

func (f *failing) after(call string) error {
	if strings.HasPrefix(call, f.of) && f.count == f.n && f.late && f.failed == "" {
		f.failed = call
		return f.err
	}
	return nil
}

// turnstile stops a worker before each of its calls until it is let through.
type turnstile struct {
	arrived chan string
	pass    chan nothing
	done    chan nothing   // closed when the worker is
	ended   <-chan nothing // the test is over: nobody will let it through
	stands  string         // the call that the worker stands before
}

func newTurnstile(ctx context.Context) *turnstile {
	return &turnstile{arrived: make(chan string), pass: make(chan nothing), done: make(chan nothing), ended: ctx.Done()}
}

func (s *turnstile) before(call string) error {
	select {
	case s.arrived <- call:
	case <-s.ended:
		return context.Canceled
	}
	select {
	case <-s.pass:
		return nil
	case <-s.ended:
		return context.Canceled
	}
}

func (s *turnstile) after(string) error { return nil }

// let lets a worker make n calls and returns when it stands before the next one;
// false when it is done before that.
func (s *turnstile) let(n int) bool {
	for ; ; n-- {
		if s.stands == "" {
			select {
			case s.stands = <-s.arrived:
			case <-s.done:
				return false
			}
		}
		if n == 0 {
			return true
		}
		s.stands = ""
		s.pass <- nothing{}
	}
}

// finish lets a worker make all the calls that it has left.
func (s *turnstile) finish() {
	for s.let(1) {
	}
}

// until lets a worker go on until it stands before a call of this name; false
// when it is done before that.
func (s *turnstile) until(call string) bool {
	for s.let(0) {
		if s.stands == call {
			return true
		}
		s.let(1)
	}
	return false
}

// gatedStore is a store behind gates.
type gatedStore struct {
	*journal
	gates []gate
}

func (s *gatedStore) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	return through(s.gates, "store.Entries", func() ([]queue.Entry, error) { return s.journal.Entries(ctx, q) })
}

func (s *gatedStore) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	return through(s.gates, "store.Batches", func() ([]queue.Batch, error) { return s.journal.Batches(ctx, q) })
}

func (s *gatedStore) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	return through(s.gates, "store.Lanes", func() ([]queue.Lane, error) { return s.journal.Lanes(ctx, states...) })
}

func (s *gatedStore) Counts(ctx context.Context, company order.CompanyID) ([]queue.Count, error) {
	return through(s.gates, "store.Counts", func() ([]queue.Count, error) { return s.journal.Counts(ctx, company) })
}

func (s *gatedStore) Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error) {
	return through(s.gates, "store.Alerts", func() ([]order.Alert, error) { return s.journal.Alerts(ctx, q) })
}

func (s *gatedStore) SaveQueue(ctx context.Context, c queue.Change) error {
	_, err := through(s.gates, "store.SaveQueue", act(func() error { return s.journal.SaveQueue(ctx, c) }))
	return err
}

func (s *gatedStore) Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error) {
	return through(s.gates, "store.Ledgers", func() ([]order.Ledger, error) { return s.journal.Ledgers(ctx, ids) })
}

func (s *gatedStore) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	_, err := through(s.gates, "store.SaveRefunds", act(func() error { return s.journal.SaveRefunds(ctx, cs) }))
	return err
}

func (s *gatedStore) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	return through(s.gates, "store.Cells", func() ([]store.Cell, error) { return s.journal.Cells(ctx, names) })
}

func (s *gatedStore) SaveCell(ctx context.Context, c store.Cell) error {
	_, err := through(s.gates, "store.SaveCell", act(func() error { return s.journal.SaveCell(ctx, c) }))
	return err
}

// gatedFeeds is an Amazon behind gates.
type gatedFeeds struct {
	*scripted
	gates []gate
}

func (f *gatedFeeds) Begin(ctx context.Context, a amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	return through(f.gates, "amazon.Begin", func() (amazon.Ticket, error) {
		tk, err := f.scripted.Begin(ctx, a, t)
		return &gatedTicket{tk, f.gates}, err
	})
}

func (f *gatedFeeds) Feed(ctx context.Context, a amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	return through(f.gates, "amazon.Feed", func() (amazon.Feed, error) { return f.scripted.Feed(ctx, a, id) })
}

func (f *gatedFeeds) ListFeeds(ctx context.Context, a amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, error) {
	return through(f.gates, "amazon.ListFeeds", func() (amazon.FeedList, error) { return f.scripted.ListFeeds(ctx, a, t, since) })
}

func (f *gatedFeeds) Document(ctx context.Context, a amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	return through(f.gates, "amazon.Document", func() (io.ReadCloser, error) { return f.scripted.Document(ctx, a, id) })
}

func (f *gatedFeeds) CancelFeed(ctx context.Context, a amazon.Account, id amazon.FeedID) error {
	_, err := through(f.gates, "amazon.CancelFeed", act(func() error { return f.scripted.CancelFeed(ctx, a, id) }))
	return err
}

type gatedTicket struct {
	amazon.Ticket
	gates []gate
}

func (t *gatedTicket) Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	_, err = through(t.gates, "amazon.Upload", act(func() error {
		fence, at, err = t.Ticket.Upload(ctx, contentType, doc)
		return err
	}))
	return fence, at, err
}

func (t *gatedTicket) Create(ctx context.Context) (amazon.Feed, error) {
	return through(t.gates, "amazon.Create", func() (amazon.Feed, error) { return t.Ticket.Create(ctx) })
}
