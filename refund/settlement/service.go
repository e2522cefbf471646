package settlement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
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

	// Refunds and Ledgers are those of [refund.Store].
	Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error)
	Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error)

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

// Config is what a [Service] works with. All fields but Now are required.
type Config struct {
	Store    Store
	Book     order.Book
	Settings settings.Source
	Now      func() time.Time // nil: time.Now
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
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}, nil
}

// Imported counts what a settlement report brought.
type Imported struct {
	Settlements []Settlement
	Known       int           // bookings that had been imported before
	Bookings    map[Match]int // new ones, by what they were taken for
	Bad         int           // rows that could not be read
	BadRows     []error       // the first of them, as *reportparse.RowError
}

// Import reads a settlement report of an account.
func (s *Service) Import(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) (Imported, error) {
	return Imported{}, errors.New("import settlement: not implemented")
}

// ImportReport implements the sink of the poller.
func (s *Service) ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	_, err := s.Import(ctx, a, m, r)
	return err
}

// Booked implements [refund.Books].
func (s *Service) Booked(ctx context.Context, id order.AmazonID) ([]refund.Booked, error) {
	bs, err := s.c.Store.Bookings(ctx, BookingQuery{Orders: []order.AmazonID{id}})
	if err != nil {
		return nil, fmt.Errorf("bookings of order %s: %w", id, err)
	}
	var booked []refund.Booked
	for _, b := range bs {
		booked = append(booked, refund.Booked{Name: b.ID, Item: b.Item, SKU: b.SKU, Amounts: b.Amounts, Currency: b.Currency, PostedAt: b.PostedAt})
	}
	return booked, nil
}
