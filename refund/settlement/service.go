package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// Store keeps settlements and bookings. See package store for what every save and
// read owes.
type Store interface {
	// Settlements returns the settlements that a query selects.
	Settlements(ctx context.Context, q Query) ([]Settlement, error)

	// Bookings returns the bookings that a query selects.
	Bookings(ctx context.Context, q BookingQuery) ([]Booking, error)

	// Refunds and Ledgers are those of [refund.Store], Entries that of [queue.Store].
	Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error)
	Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error)
	Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error)

	// SaveSettlement saves one settlement.
	SaveSettlement(ctx context.Context, s Settlement) error

	// SaveBookings saves changes, all or nothing.
	SaveBookings(ctx context.Context, cs []Change) error
}

// Change is everything that one decision about one Amazon order writes.
type Change struct {
	Bookings []Booking
	Refunds  []refund.Refund
	order.Writes
}

// empty reports whether there is nothing to save.
func (c Change) empty() bool {
	return len(c.Bookings) == 0 && len(c.Refunds) == 0 && len(c.Postings) == 0 && len(c.Effects) == 0 && len(c.Events) == 0
}

// Config is what a [Service] works with. Store, Book and Settings are required.
type Config struct {
	Store    Store
	Book     order.Book
	Settings settings.Source
	Formats  map[string]Format // by name, beside [AmazonFormat]
	Now      func() time.Time  // nil: time.Now
}

// Service imports settlements and matches them with refunds. It is safe for use
// from several goroutines.
type Service struct {
	c Config
}

var _ refund.Books = (*Service)(nil)

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Book == nil || c.Settings == nil {
		return nil, errors.New("settlement: Config needs Store, Book and Settings")
	}
	for name, format := range c.Formats {
		if name == "" || name == AmazonFormat || format == nil {
			return nil, fmt.Errorf("settlement: Config.Formats has %q: want a name other than %q, and a function", name, AmazonFormat)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

// Settlements lists imported settlements.
func (s *Service) Settlements(ctx context.Context, q Query) ([]Settlement, error) {
	return s.c.Store.Settlements(ctx, q)
}

// Bookings lists what settlements have shown of refunds.
func (s *Service) Bookings(ctx context.Context, q BookingQuery) ([]Booking, error) {
	return s.c.Store.Bookings(ctx, q)
}

// Booked implements [refund.Books]. What came back from the buyer and rows of fees
// alone are left out.
func (s *Service) Booked(ctx context.Context, id order.AmazonID) ([]refund.Booked, error) {
	bs, err := s.c.Store.Bookings(ctx, BookingQuery{Orders: []order.AmazonID{id}})
	if err != nil {
		return nil, fmt.Errorf("bookings of order %s: %w", id, err)
	}
	var booked []refund.Booked
	for _, b := range bs {
		if b.Match == MatchReversed || b.Match == MatchFees || !b.Amounts.Total().IsPositive() {
			continue
		}
		known := refund.Booked{
			Name: b.ID, Item: b.Item, SKU: b.SKU, Amounts: b.Amounts, Currency: b.Currency, PostedAt: b.PostedAt,
			Refund: b.Refund, Cancellation: b.Cancellation, ByAmazonAlone: b.Match == MatchAmazonInitiated,
		}
		if b.Refund != "" || b.Cancellation != "" {
			known.Item = b.RefundItem
		}
		booked = append(booked, known)
	}
	return booked, nil
}

// readPage is how many rows are read at a time.
const readPage = 1000

// bookings reads all bookings that a query selects.
func (s *Service) bookings(ctx context.Context, q BookingQuery) (all []Booking, err error) {
	q.Limit = readPage
	for {
		page, err := s.c.Store.Bookings(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			return all, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}

// refunds reads all refunds that a query selects.
func (s *Service) refunds(ctx context.Context, q refund.Query) (all []refund.Refund, err error) {
	q.Limit = readPage
	for {
		page, err := s.c.Store.Refunds(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			return all, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}
