package refund

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	Finances amazon.Finances // nil: Amazon is not asked what became of a refund
	Books    Books           // nil: what settlements showed is not known
	Returns  Returns         // nil: a refund of an order does not warn of its open returns

	// Reasons are Amazon's words for reasons at marketplaces that have their own.
	Reasons amazon.RefundReasons

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil: time.Now
}

// Service drafts and issues refunds, and handles their entries for the queue. It
// is safe for use from several goroutines.
type Service struct {
	c Config
}

var _ queue.Witness = (*Service)(nil)

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Book == nil || c.Accounts == nil || c.Settings == nil {
		return nil, errors.New("refund: Config needs Store, Book, Accounts and Settings")
	}
	if err := c.Reasons.Check(); err != nil {
		return nil, fmt.Errorf("refund: Config.Reasons: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{c}, nil
}

// Draft decides what a request would do and shows it. It only reads. With the
// key or token of a refund that was issued before, it returns that one with
// Existing set. An unknown order is store.ErrNotFound.
func (s *Service) Draft(ctx context.Context, r Request) (Draft, error) {
	f, err := s.facts(ctx, r)
	if err != nil {
		return Draft{}, fmt.Errorf("refund of order %s: %w", r.Order.Number, err)
	}
	return Decide(f, r)
}

func (s *Service) facts(ctx context.Context, r Request) (f Facts, err error) {
	f.Now, f.Reasons = s.c.Now(), s.c.Reasons
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
	if f.Orders, err = s.c.Book.Orders(ctx, []order.AmazonID{r.Order}); err != nil || len(f.Orders) == 0 {
		return f, err
	}
	company := f.Orders[0].ID.Company
	if f.Account, err = amazon.FindAccount(ctx, s.c.Accounts, r.Order.Account); err != nil {
		return f, err
	}
	if f.Settings, err = s.c.Settings.Settings(ctx, company); err != nil {
		return f, err
	}
	if f.Refunds, err = s.c.Store.Refunds(ctx, Query{Orders: []order.AmazonID{r.Order}}); err != nil {
		return f, err
	}
	if f.Booked, err = s.booked(ctx, r.Order); err != nil {
		return f, err
	}
	if f.Cancellations, err = s.cancellations(ctx, r.Order); err != nil {
		return f, err
	}
	if s.c.Returns != nil {
		if f.Returns, err = s.c.Returns.OpenReturns(ctx, r.Order); err != nil {
			return f, fmt.Errorf("open returns: %w", err)
		}
	}
	if s.c.Returns != nil && r.RMA != "" {
		due, err := s.c.Returns.Due(ctx, r.Order, r.RMA)
		if err != nil {
			return f, err
		}
		f.Due = &due
	}
	if r.Look && f.Account.ID != "" {
		if s.c.Finances == nil {
			return f, errors.New("to look at what Amazon has booked, set Config.Finances")
		}
		if f.Finances, err = s.c.Finances.Refunds(ctx, f.Account, r.Order.Number); err != nil {
			return f, fmt.Errorf("what Amazon has booked: %w", err)
		}
	}
	if r.Key == "" {
		return f, nil
	}
	// The same key may have been used for another order.
	id := queue.NewEntryID(queue.KindRefund, company, key(Refund{}, r))
	byKey, err := s.c.Store.Refunds(ctx, Query{IDs: []queue.EntryID{id}})
	f.Refunds = append(f.Refunds, byKey...)
	return f, err
}

// booked is what settlements showed of an order.
func (s *Service) booked(ctx context.Context, id order.AmazonID) ([]Booked, error) {
	if s.c.Books == nil {
		return nil, nil
	}
	booked, err := s.c.Books.Booked(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("what settlements showed of order %s: %w", id, err)
	}
	return booked, nil
}

// cancellations reads the entries of parts of orders that are cancelled.
func (s *Service) cancellations(ctx context.Context, ids ...order.AmazonID) ([]queue.Entry, error) {
	return s.c.Store.Entries(ctx, queue.EntryQuery{
		Orders: ids, Kinds: []queue.Kind{queue.KindCancellation}, Feeds: []amazon.FeedType{amazon.RefundFeed},
	})
}

// tellReturns tells whose RMAs were refunded, after that was saved. It may fail
// without harm: the RMA looks at its refunds by itself too.
func (s *Service) tellReturns(ctx context.Context, cs ...Change) {
	var rmas []string
	for _, c := range cs {
		for _, r := range c.Refunds {
			if r.RMA != "" && !slices.Contains(rmas, r.RMA) {
				rmas = append(rmas, r.RMA)
			}
		}
	}
	if s.c.Returns == nil || len(rmas) == 0 {
		return
	}
	if err := s.c.Returns.Refunded(ctx, rmas...); err != nil {
		s.c.Logger.WarnContext(ctx, "refunds are saved, and their RMAs were not told", "rmas", rmas, "error", err)
	}
}

// tellBooks tells that a refund was recorded, after that was saved. It may fail
// without harm: every import matches again what it could be.
func (s *Service) tellBooks(ctx context.Context, r Refund) {
	if s.c.Books == nil {
		return
	}
	if err := s.c.Books.Recorded(ctx, r); err != nil {
		s.c.Logger.WarnContext(ctx, "a refund is recorded, and settlements were not matched with it", "refund", r.ID, "error", err)
	}
}

// Issue drafts and saves on the service's own store, and drafts again on
// conflict. It needs the request's Token or Key, so that a repeated call meets
// the first one's refund. It answers store.ErrConflict when what is left of the
// order is not what the token's draft showed: show it anew. A repeat returns the
// first refund, with ErrEnded when that has ended and nothing of it was paid.
func (s *Service) Issue(ctx context.Context, r Request) (Refund, error) {
	if r.Token == "" && r.Key == "" {
		return Refund{}, fmt.Errorf("refund of order %s: %w: set Token to the draft's, or Key to one of your own", r.Order.Number, ErrUnconfirmed)
	}
	var d Draft
	var undecided error // a token of other balances is a conflict too, and stays one
	err := store.Retry(func() error {
		if d, undecided = s.Draft(ctx, r); undecided != nil {
			return nil
		}
		return d.Save(ctx, s.c.Store)
	})
	switch {
	case undecided != nil:
		return Refund{}, undecided
	case err != nil:
		return Refund{}, err
	case d.Existing && d.Refund.ended():
		return d.Refund, fmt.Errorf("refund of order %s: %w: %s", r.Order.Number, ErrEnded, d.Refund.renew())
	}
	d.Refund.Version = max(d.Refund.Version, 1)
	return d.Refund, nil
}

// Refund reads one refund by its ID; store.ErrNotFound when there is none.
func (s *Service) Refund(ctx context.Context, id queue.EntryID) (Refund, error) {
	found, err := s.c.Store.Refunds(ctx, Query{IDs: []queue.EntryID{id}})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Refund{}, fmt.Errorf("refund %s: %w", id, err)
	}
	return found[0], nil
}

// Refunds lists refunds.
func (s *Service) Refunds(ctx context.Context, q Query) ([]Refund, error) {
	return s.c.Store.Refunds(ctx, q)
}
