package takeback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Store is everything that a [Desk] keeps, in one value on one database: see
// package store for the contract, store/sqlite for one to use.
type Store interface {
	refund.Store
	cancel.Store
	rma.Store
	settlement.Store
	queue.Store
	order.Outbox
	order.Journal
	store.Cells
}

// Config is what a [Desk] works with.
type Config struct {
	Store    Store           // required
	Book     order.Book      // required: the host's orders
	Amazon   amazon.API      // required: spapi.Client, or one of the host's own
	Accounts amazon.Accounts // required; amazon.AccountList is a fixed one
	Settings settings.Source // required, because no settings at all would mean Direct; settings.Fixed is the same for all companies

	// Installation is the name of this installation; required. A process with
	// another name than the store has, such as one on a copy of the database, sends
	// nothing: see [queue.Queue.TakeOver].
	Installation string

	Polling  Polling        // of reports; zero fields take their defaults
	Formats  Formats        // files that the host reads beside Amazon's own
	Batching queue.Batching // zero fields take their defaults
	Budget   queue.Budget   // of one Step; zero fields take their defaults
	Margin   time.Duration  // how long after its creation Amazon may take to list a feed; zero: 4 hours

	// SplitNumber makes the number of a host order that is split off because the buyer
	// wishes to cancel a part of an order; see cancel.Config.
	SplitNumber func(from order.ID, n int) string

	// RefundReasons are Amazon's words for reasons at marketplaces that have their own.
	RefundReasons amazon.RefundReasons

	// Indefinite are codes of Amazon's errors that do not tell whether something was
	// done, beside those that amazon.Indefinite knows: a person decides then.
	Indefinite []int

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil: time.Now

	// Observe is told what happens, for metrics and alarms: see queue.Config. What
	// it is told is logged too. Nil: nobody is told.
	Observe func(context.Context, queue.Event)
}

// Formats read files beside Amazon's own, by the names that Import of each service
// is given.
type Formats struct {
	Returns     map[string]rma.Format
	Orders      map[string]cancel.OrderFormat
	Settlements map[string]settlement.Format
}

// Desk is the library put together. Each of its services can also be built
// alone.
type Desk struct {
	Returns     *rma.Service
	Refunds     *refund.Service
	Cancels     *cancel.Service
	Settlements *settlement.Service
	Queue       *queue.Queue
	Reports     *reportpoll.Poller

	outbox order.Outbox
	book   order.Book
	tell   func(context.Context, queue.Event)
	now    func() time.Time
}

// New checks the configuration and puts the services together. Accounts and Settings
// that can tell beforehand what is wrong with them, by a method Check, are asked for it.
// It calls neither the store nor Amazon.
func New(c Config) (*Desk, error) {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Store", c.Store == nil}, {"Book", c.Book == nil}, {"Amazon", c.Amazon == nil},
		{"Accounts", c.Accounts == nil}, {"Settings", c.Settings == nil},
	} {
		if field.missing {
			return nil, fmt.Errorf("takeback: Config.%s is required", field.name)
		}
	}
	for _, source := range []any{c.Accounts, c.Settings} {
		if fixed, ok := source.(interface{ Check() error }); ok { // others are checked as they are read
			if err := fixed.Check(); err != nil {
				return nil, fmt.Errorf("takeback: Config: %w", err)
			}
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	tell := queue.Observer(c.Logger, c.Observe)
	c.Store = heardStore{c.Store, tell}
	d := &Desk{outbox: c.Store, book: heardBook{c.Book, tell, c.Now}, tell: tell, now: c.Now}
	var err, e error
	d.Returns, e = rma.New(rma.Config{Store: c.Store, Book: c.Book, Settings: c.Settings, Formats: c.Formats.Returns, Now: c.Now})
	err = errors.Join(err, e)
	d.Settlements, e = settlement.New(settlement.Config{Store: c.Store, Book: c.Book, Settings: c.Settings, Formats: c.Formats.Settlements, Now: c.Now})
	err = errors.Join(err, e)
	d.Refunds, e = refund.New(refund.Config{
		Store: c.Store, Book: c.Book, Accounts: c.Accounts, Settings: c.Settings,
		Finances: c.Amazon, Books: d.Settlements, Returns: d.Returns, Reasons: c.RefundReasons, Logger: c.Logger, Now: c.Now,
	})
	err = errors.Join(err, e)
	d.Cancels, e = cancel.New(cancel.Config{
		Store: c.Store, Book: c.Book, Accounts: c.Accounts, Settings: c.Settings, Orders: c.Amazon, Now: c.Now,
		OrderFormats: c.Formats.Orders, SplitNumber: c.SplitNumber,
		Withdraw: func(ctx context.Context, by, why string, ids ...queue.EntryID) error {
			return d.Queue.Withdraw(ctx, by, why, ids...)
		},
	})
	err = errors.Join(err, e)
	if err != nil {
		return nil, err
	}
	jobs, err := c.Polling.jobs(c.Settings, sinks{returns: d.Returns, orders: d.Cancels, settlements: d.Settlements})
	if err != nil {
		return nil, err
	}
	if d.Reports, err = reportpoll.New(reportpoll.Config{Reports: c.Amazon, Accounts: c.Accounts, Cells: c.Store, Jobs: jobs, Now: c.Now}); err != nil {
		return nil, err
	}
	d.Queue, err = queue.New(queue.Config{
		Store: c.Store, Feeds: c.Amazon, Accounts: c.Accounts, Settings: c.Settings,
		Handlers:     map[queue.Kind]queue.Handler{queue.KindRefund: d.Refunds, queue.KindCancellation: d.Cancels},
		Installation: c.Installation, Batching: c.Batching, Budget: c.Budget, Margin: c.Margin, Indefinite: c.Indefinite,
		Logger: c.Logger, Now: c.Now, Observe: c.Observe,
	})
	return d, err
}

// deliverAtOnce is how many effects are read at a time.
const deliverAtOnce = 200

// Step makes one pass: it sends what is due, applies what Amazon answered, looks
// after cancellations, returns and reports, and tells the host's order book what
// changed. It says when to come back at the latest, and that is about a minute after
// an idle pass: what was asked for since waits for a Step. A host with cron needs
// nothing else. In Direct mode a host steps after each request, which sends it. Errors of one
// account or order do not keep the others from their turn.
//
// On a store that belongs to another installation, which is [queue.ErrInstallation],
// nothing is asked of Amazon either: a copy of the database would take the reports
// and the rate limits of the original.
func (d *Desk) Step(ctx context.Context) (next time.Time, err error) {
	next, err = d.Queue.Step(ctx)
	parts := []interface {
		Step(context.Context) (time.Time, error)
	}{d.Returns}
	if !errors.Is(err, queue.ErrInstallation) {
		parts = append(parts, d.Cancels, d.Reports)
	}
	var failed error // what the queue does not tell
	for _, part := range parts {
		at, e := part.Step(ctx)
		if at.Before(next) {
			next = at
		}
		failed = errors.Join(failed, e)
	}
	failed = errors.Join(failed, d.deliver(ctx))
	if failed != nil && ctx.Err() == nil {
		d.tell(ctx, queue.Event{Kind: queue.EventStepFailed, At: d.now().UTC(), Next: next, Err: failed})
	}
	return next, errors.Join(err, failed)
}

func (d *Desk) deliver(ctx context.Context) error {
	for {
		delivered, err := order.Deliver(ctx, d.outbox, d.book, d.now().UTC(), deliverAtOnce)
		if err != nil {
			return fmt.Errorf("deliver effects: %w", err)
		}
		if delivered == 0 {
			return nil
		}
	}
}

// Run steps until the context ends, and returns what ended it. It starts no
// goroutine. What goes wrong in a step is told to Logger and Observe, and the next
// step tries again.
func (d *Desk) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, _ := d.Step(ctx) // its errors are told
		wait := time.NewTimer(max(time.Second, next.Sub(d.now())))
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
	return ctx.Err()
}
