package rma

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Config is what a [Service] works with. Store, Book and Settings are required.
type Config struct {
	Store    Store
	Book     order.Book
	Settings settings.Source
	Formats  map[string]Format // by name: of files beside Amazon's own; [AmazonFormat] is always there
	Now      func() time.Time  // nil: time.Now
}

// Service imports returns and keeps RMAs. It is safe for use from several
// goroutines.
type Service struct {
	c Config
}

var _ refund.Returns = (*Service)(nil)

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Book == nil || c.Settings == nil {
		return nil, errors.New("rma: Config needs Store, Book and Settings")
	}
	for name, format := range c.Formats {
		if name == "" || name == AmazonFormat || format == nil {
			return nil, fmt.Errorf("rma: Config.Formats has %q: want a name other than %q, and a function", name, AmazonFormat)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

// RMA reads one RMA by its ID; store.ErrNotFound when there is none.
func (s *Service) RMA(ctx context.Context, id ID) (RMA, error) {
	found, err := s.c.Store.RMAs(ctx, Query{IDs: []ID{id}})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return RMA{}, fmt.Errorf("RMA %s: %w", id, err)
	}
	return found[0], nil
}

// RMAs lists RMAs.
func (s *Service) RMAs(ctx context.Context, q Query) ([]RMA, error) {
	return s.c.Store.RMAs(ctx, q)
}

// Returns lists what reports said of returned items: those without an RMA, by their
// state, and those that have one.
func (s *Service) Returns(ctx context.Context, q ReturnQuery) ([]Return, error) {
	return s.c.Store.Returns(ctx, q)
}

// facts reads what decisions about some Amazon orders of a company rest on, in the
// order of their IDs.
func (s *Service) facts(ctx context.Context, company order.CompanyID, ids []order.AmazonID) ([]Facts, error) {
	of, err := s.c.Settings.Settings(ctx, company)
	if err != nil {
		return nil, err
	}
	// The heads first: what is read after them can only be newer, and then the
	// save conflicts.
	ledgers, err := s.c.Store.Ledgers(ctx, ids)
	if err != nil {
		return nil, err
	}
	orders, err := s.c.Book.Orders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	returns, err := s.c.Store.Returns(ctx, ReturnQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	rmas, err := s.c.Store.RMAs(ctx, Query{Orders: ids})
	if err != nil {
		return nil, err
	}
	var refunds []refund.Refund
	if len(rmas) > 0 { // a refund of an RMA needs the RMA
		if refunds, err = s.c.Store.Refunds(ctx, refund.Query{Orders: ids}); err != nil {
			return nil, err
		}
	}
	fs := make([]Facts, len(ids))
	at := map[order.AmazonID]*Facts{}
	for i, id := range ids {
		fs[i] = Facts{Company: company, Ledger: ledgers[i], Settings: of}
		fs[i].Ledger.Order = id
		at[id] = &fs[i]
	}
	for _, o := range orders {
		if at[o.Amazon] == nil {
			return nil, fmt.Errorf("order book: it gave order %s of %s, which was not asked for", o.ID, o.Amazon)
		}
		at[o.Amazon].Orders = append(at[o.Amazon].Orders, o)
	}
	for _, k := range returns {
		at[k.Order].Returns = append(at[k.Order].Returns, k)
	}
	for _, r := range rmas {
		at[r.Order].RMAs = append(at[r.Order].RMAs, r)
	}
	for _, r := range refunds {
		at[r.Order].Refunds = append(at[r.Order].Refunds, r)
	}
	return fs, nil
}

// one reads an RMA with what a decision about it rests on.
func (s *Service) one(ctx context.Context, id ID) (RMA, Facts, error) {
	r, err := s.RMA(ctx, id)
	if err != nil {
		return RMA{}, Facts{}, err
	}
	fs, err := s.facts(ctx, r.HostOrder.Company, []order.AmazonID{r.Order})
	if err != nil {
		return RMA{}, Facts{}, fmt.Errorf("RMA %s: %w", id, err)
	}
	i := slices.IndexFunc(fs[0].RMAs, func(r RMA) bool { return r.ID == id })
	if i < 0 {
		return RMA{}, Facts{}, fmt.Errorf("RMA %s: %w", id, store.ErrNotFound)
	}
	return fs[0].RMAs[i], fs[0], nil
}

// decide makes a decision about one Amazon order and saves it, again when the order
// changed meanwhile. One that changes nothing saves nothing.
func (s *Service) decide(ctx context.Context, company order.CompanyID, id order.AmazonID, rule func(Facts, order.Stamp) (Change, error)) error {
	return store.Retry(func() error {
		fs, err := s.facts(ctx, company, []order.AmazonID{id})
		if err != nil {
			return err
		}
		c, err := rule(fs[0], order.Stamp{At: s.c.Now().UTC()})
		if err != nil || c.empty() {
			return err
		}
		return s.c.Store.SaveRMAs(ctx, []Change{c})
	})
}

func (c Change) empty() bool { return len(c.RMAs) == 0 && len(c.Returns) == 0 }
