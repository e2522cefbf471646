package cancel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Config is what a [Service] works with. Store, Book, Accounts and Settings are
// required.
type Config struct {
	Store    Store
	Book     order.Book
	Accounts amazon.Accounts
	Settings settings.Source
	Orders   amazon.Orders // nil: what became of a cancellation is not looked for at the order

	// Withdraw takes entries of the queue back, as queue.Queue.Withdraw does, when
	// their order is found to be cancelled. Nil: they stay until somebody does.
	Withdraw func(ctx context.Context, by, why string, ids ...queue.EntryID) error

	OrderFormats map[string]OrderFormat // by name: of order reports beside Amazon's own; [AmazonFormat] is always there

	// SplitNumber makes the number of the n-th host order that is split off from one,
	// for buyers' wishes about a part of an order, where nobody said one. Nil: the
	// order's number, a hyphen and n.
	SplitNumber func(from order.ID, n int) string

	Now func() time.Time // nil: time.Now
}

// Service cancels orders, keeps the ship gate, and handles its entries for the
// queue. It is safe for use from several goroutines.
type Service struct {
	c Config
}

var _ queue.Witness = (*Service)(nil)

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Book == nil || c.Accounts == nil || c.Settings == nil {
		return nil, errors.New("cancel: Config needs Store, Book, Accounts and Settings")
	}
	for name, format := range c.OrderFormats {
		if name == "" || name == AmazonFormat || format == nil {
			return nil, fmt.Errorf("cancel: Config.OrderFormats has %q: want a name other than %q, and a function", name, AmazonFormat)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

// Draft decides what a request would do and shows it. It only reads. For an
// order whose cancellation was asked for before, it returns that one with
// Existing set, whatever became of it. An unknown order is store.ErrNotFound.
func (s *Service) Draft(ctx context.Context, r Request) (Draft, error) {
	f, err := s.facts(ctx, r)
	if err != nil {
		return Draft{}, fmt.Errorf("cancellation of order %s: %w", r.Order.Number, err)
	}
	return Decide(f, r)
}

// facts reads what a decision about an order rests on. Of one that the host does not
// have that is what is known here.
func (s *Service) facts(ctx context.Context, r Request) (f Facts, err error) {
	f.Now = s.c.Now()
	if err := r.Order.Check(); err != nil {
		return f, err
	}
	// The head first: what is read after it can only be newer, and then the save
	// conflicts.
	ledgers, err := s.c.Store.Ledgers(ctx, []order.AmazonID{r.Order})
	if err != nil {
		return f, err
	}
	f.Ledger = ledgers[0]
	if f.Account, err = amazon.FindAccount(ctx, s.c.Accounts, r.Order.Account); err != nil {
		return f, err
	}
	if f.Orders, err = s.c.Book.Orders(ctx, []order.AmazonID{r.Order}); err != nil {
		return f, err
	}
	if f.Requests, err = s.c.Store.BuyerRequests(ctx, RequestQuery{Orders: []order.AmazonID{r.Order}}); err != nil {
		return f, err
	}
	if f.Cancellations, err = s.c.Store.Cancellations(ctx, Query{Orders: []order.AmazonID{r.Order}}); err != nil || len(f.Orders) == 0 {
		return f, err
	}
	f.catchUp()
	company := f.Orders[0].ID.Company
	if f.Settings, err = s.c.Settings.Settings(ctx, company); err != nil {
		return f, err
	}
	var ids []order.ID
	for _, o := range f.Orders {
		ids = append(ids, o.ID)
	}
	if f.Unsplit, err = s.refusedSplits(ctx, f.Cancellations); err != nil {
		return f, err
	}
	if f.Gates, err = s.c.Store.Gates(ctx, ids); err != nil || r.Key == "" && r.SplitTo == "" {
		return f, err
	}
	// The same key may have been used for another order.
	id := queue.NewEntryID(queue.KindCancellation, company, f.key(r))
	byKey, err := s.c.Store.Cancellations(ctx, Query{IDs: []queue.EntryID{id}})
	f.Cancellations = append(f.Cancellations, byKey...)
	return f, err
}

// refusedSplits finds the cancellations whose split the order book has refused. Effects of an
// order come one after the other, so that none that was refused is carried out later.
func (s *Service) refusedSplits(ctx context.Context, cs []Cancellation) (refused []queue.EntryID, err error) {
	by := map[string]queue.EntryID{}
	for _, c := range cs {
		if c.SplitBy != "" {
			by[order.StaleKey(c.SplitBy)] = c.ID
		}
	}
	if len(by) == 0 {
		return nil, nil
	}
	alerts, err := s.c.Store.Alerts(ctx, order.AlertQuery{Keys: slices.Collect(maps.Keys(by)), Closed: true})
	for _, a := range alerts {
		refused = append(refused, by[a.Key])
	}
	return refused, err
}

// Issue drafts and saves on the service's own store, and drafts again on
// conflict. A repeat returns the first cancellation, with ErrEnded when that was
// refused, rejected, withdrawn or given up: the order is not being cancelled.
func (s *Service) Issue(ctx context.Context, r Request) (Cancellation, error) {
	var d Draft
	err := store.Retry(func() (err error) {
		if d, err = s.Draft(ctx, r); err != nil {
			return err
		}
		return d.Save(ctx, s.c.Store)
	})
	switch {
	case err != nil:
		return Cancellation{}, err
	case d.Existing && d.Cancellation.ended():
		return d.Cancellation, fmt.Errorf("cancellation of order %s: %w: %s", r.Order.Number, ErrEnded, d.Cancellation.renew())
	}
	d.Cancellation.Version = max(d.Cancellation.Version, 1)
	return d.Cancellation, nil
}

// Cancellation reads one cancellation by its ID; store.ErrNotFound when there is
// none.
func (s *Service) Cancellation(ctx context.Context, id queue.EntryID) (Cancellation, error) {
	found, err := s.c.Store.Cancellations(ctx, Query{IDs: []queue.EntryID{id}})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Cancellation{}, fmt.Errorf("cancellation %s: %w", id, err)
	}
	return found[0], nil
}

// Cancellations lists cancellations.
func (s *Service) Cancellations(ctx context.Context, q Query) ([]Cancellation, error) {
	return s.c.Store.Cancellations(ctx, q)
}
