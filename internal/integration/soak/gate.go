package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

var (
	errStore = errors.New("the database did not answer")
	errBook  = errors.New("the order book did not answer")
)

// gatedStore is the store as one worker sees it: each call stops before its
// effect and after it.
type gatedStore struct {
	takeback.Store
	life *life
}

// through makes a call that has an effect.
func (g gatedStore) through(what string, call func() error) error {
	switch g.life.wait("store "+what, false) {
	case fail:
		return errStore
	case crash:
		end()
	}
	err := call()
	switch g.life.wait("store "+what, true) {
	case fail:
		return errStore
	case crash:
		end()
	}
	return err
}

// read makes a call that has no effect, so that it stops only once.
func read[T any](g gatedStore, what string, call func() ([]T, error)) ([]T, error) {
	switch g.life.wait("store "+what, false) {
	case fail:
		return nil, errStore
	case crash:
		end()
	}
	return call()
}

func (g gatedStore) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	return read(g, "Entries", func() ([]queue.Entry, error) { return g.Store.Entries(ctx, q) })
}

func (g gatedStore) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	return read(g, "Batches", func() ([]queue.Batch, error) { return g.Store.Batches(ctx, q) })
}

func (g gatedStore) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	return read(g, "Lanes", func() ([]queue.Lane, error) { return g.Store.Lanes(ctx, states...) })
}

func (g gatedStore) SaveQueue(ctx context.Context, c queue.Change) error {
	return g.through("SaveQueue", func() error { return g.Store.SaveQueue(ctx, c) })
}

func (g gatedStore) Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error) {
	return read(g, "Refunds", func() ([]refund.Refund, error) { return g.Store.Refunds(ctx, q) })
}

func (g gatedStore) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	return g.through("SaveRefunds", func() error { return g.Store.SaveRefunds(ctx, cs) })
}

func (g gatedStore) Cancellations(ctx context.Context, q cancel.Query) ([]cancel.Cancellation, error) {
	return read(g, "Cancellations", func() ([]cancel.Cancellation, error) { return g.Store.Cancellations(ctx, q) })
}

func (g gatedStore) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	return g.through("SaveCancellations", func() error { return g.Store.SaveCancellations(ctx, cs) })
}

func (g gatedStore) Gates(ctx context.Context, ids []order.ID) ([]cancel.Gate, error) {
	return read(g, "Gates", func() ([]cancel.Gate, error) { return g.Store.Gates(ctx, ids) })
}

func (g gatedStore) BuyerRequests(ctx context.Context, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
	return read(g, "BuyerRequests", func() ([]cancel.BuyerRequest, error) { return g.Store.BuyerRequests(ctx, q) })
}

func (g gatedStore) RMAs(ctx context.Context, q rma.Query) ([]rma.RMA, error) {
	return read(g, "RMAs", func() ([]rma.RMA, error) { return g.Store.RMAs(ctx, q) })
}

func (g gatedStore) Returns(ctx context.Context, q rma.ReturnQuery) ([]rma.Return, error) {
	return read(g, "Returns", func() ([]rma.Return, error) { return g.Store.Returns(ctx, q) })
}

func (g gatedStore) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	return g.through("SaveRMAs", func() error { return g.Store.SaveRMAs(ctx, cs) })
}

func (g gatedStore) Settlements(ctx context.Context, q settlement.Query) ([]settlement.Settlement, error) {
	return read(g, "Settlements", func() ([]settlement.Settlement, error) { return g.Store.Settlements(ctx, q) })
}

func (g gatedStore) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	return g.through("SaveSettlement", func() error { return g.Store.SaveSettlement(ctx, row) })
}

func (g gatedStore) Bookings(ctx context.Context, q settlement.BookingQuery) ([]settlement.Booking, error) {
	return read(g, "Bookings", func() ([]settlement.Booking, error) { return g.Store.Bookings(ctx, q) })
}

func (g gatedStore) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	return g.through("SaveBookings", func() error { return g.Store.SaveBookings(ctx, cs) })
}

func (g gatedStore) Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error) {
	return read(g, "Ledgers", func() ([]order.Ledger, error) { return g.Store.Ledgers(ctx, ids) })
}

func (g gatedStore) Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error) {
	return read(g, "Alerts", func() ([]order.Alert, error) { return g.Store.Alerts(ctx, q) })
}

func (g gatedStore) Effects(ctx context.Context, now time.Time, limit int) ([]order.Effect, error) {
	return read(g, "Effects", func() ([]order.Effect, error) { return g.Store.Effects(ctx, now, limit) })
}

func (g gatedStore) SaveEffects(ctx context.Context, outcomes []order.EffectOutcome) error {
	return g.through("SaveEffects", func() error { return g.Store.SaveEffects(ctx, outcomes) })
}

func (g gatedStore) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	return read(g, "Cells", func() ([]store.Cell, error) { return g.Store.Cells(ctx, names) })
}

func (g gatedStore) SaveCell(ctx context.Context, c store.Cell) error {
	return g.through("SaveCell", func() error { return g.Store.SaveCell(ctx, c) })
}

// gatedBook is the host's order book as one worker sees it.
type gatedBook struct {
	order.Book
	life *life
}

func (g gatedBook) Orders(ctx context.Context, ids []order.AmazonID) ([]order.Order, error) {
	switch g.life.wait("book Orders", false) {
	case fail:
		return nil, errBook
	case crash:
		end()
	}
	return g.Book.Orders(ctx, ids)
}

func (g gatedBook) ApplyOrder(ctx context.Context, e order.Effect) error {
	switch g.life.wait("book ApplyOrder "+string(e.Kind), false) {
	case fail:
		return errBook
	case crash:
		end()
	}
	err := g.Book.ApplyOrder(ctx, e)
	g.life.worker.run.tell("  the host is told of order %s: %s, error %v", e.Order, describe(e), err)
	switch g.life.wait("book ApplyOrder "+string(e.Kind), true) {
	case fail:
		return errBook
	case crash:
		end()
	}
	return err
}

// describe is an effect in a few words.
func describe(e order.Effect) string {
	switch e.Kind {
	case order.EffectStatus:
		return fmt.Sprintf("status %s from %v", e.Status.To, e.Status.Expect)
	case order.EffectHold:
		return fmt.Sprintf("hold by %s", e.Hold.Owner)
	case order.EffectRelease:
		return fmt.Sprintf("release by %s", e.Release.Owner)
	case order.EffectSplit:
		return fmt.Sprintf("split %v off into %s", e.Split.Lines, e.Split.To)
	case order.EffectNote:
		return e.Note.Text
	}
	return string(e.Kind)
}

// gatedWire is the network as one worker sees it.
type gatedWire struct {
	to   http.RoundTripper
	life *life
}

// errUnsent breaks a connection before the first byte, errBroken after.
var (
	errUnsent = errors.New("connection refused")
	errBroken = errors.New("connection reset")
)

// RoundTrip implements [http.RoundTripper]. A crash looks like a broken
// connection: the goroutine ends at its next call to the store.
func (g gatedWire) RoundTrip(r *http.Request) (*http.Response, error) {
	what := "amazon " + operation(r)
	if g.life.wait(what, false) != proceed {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errUnsent
	}
	resp, err := g.to.RoundTrip(r)
	if g.life.wait(what, true) != proceed && err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return nil, errBroken
	}
	return resp, err
}

// operation names what a request asks for, roughly as Amazon does.
func operation(r *http.Request) string {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch _, rest, _ := strings.Cut(path, "/"); {
	case r.URL.Host == "api.amazon.com":
		return "login"
	case strings.HasPrefix(r.URL.Path, "/feeds/") && rest == "feeds":
		return map[string]string{http.MethodPost: opCreateFeed, http.MethodGet: "getFeeds"}[r.Method]
	case strings.HasPrefix(r.URL.Path, "/feeds/") && rest == "documents":
		return "createFeedDocument"
	}
	return r.Method + " " + r.URL.Path
}

const opCreateFeed = "createFeed"

// throttledFeeds has Amazon refuse a createFeed for its rate now and then. The
// client draws at random when to come back from Amazon's own 429, so that one
// could not be repeated.
type throttledFeeds struct {
	amazon.API
	life *life
}

func (t throttledFeeds) Begin(ctx context.Context, a amazon.Account, f amazon.FeedType) (amazon.Ticket, error) {
	ticket, err := t.API.Begin(ctx, a, f)
	if err != nil {
		return nil, err
	}
	return throttledTicket{ticket, t.life}, nil
}

type throttledTicket struct {
	amazon.Ticket
	life *life
}

func (t throttledTicket) Create(ctx context.Context) (amazon.Feed, error) {
	w := t.life.worker
	if !t.life.dead.Load() && w.run.throttles() {
		return amazon.Feed{}, &amazon.Error{
			Op: opCreateFeed, Sent: amazon.NotSent, Status: http.StatusTooManyRequests, RetryAt: w.now().Add(2 * time.Minute),
		}
	}
	return t.Ticket.Create(ctx)
}
