package drill

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

// Gate is asked at every call that a worker makes to its store or to Amazon. An
// error before a call keeps it from being made; one after it takes the place of
// its answer. It may be asked by several goroutines.
type Gate interface {
	Before(call string) error
	After(call string) error
}

// What a [Gate] may answer.
var (
	// ErrLost is a connection that broke.
	ErrLost = errors.New("connection lost")

	// ErrUnsent is a connection to Amazon that could not be made: whoever calls
	// can tell that nothing was sent.
	ErrUnsent = errors.New("no connection")
)

// through makes a call through a gate.
func through[V any](g Gate, call string, do func() (V, error)) (V, error) {
	var none V
	if err := g.Before(call); err != nil {
		return none, err
	}
	v, err := do()
	if lost := g.After(call); lost != nil {
		return none, lost
	}
	return v, err
}

func saved(g Gate, call string, do func() error) error {
	_, err := through(g, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// wire is the way to Amazon, through a gate.
type wire struct {
	gate Gate
	base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	call := "amazon " + r.Method + " " + r.URL.Path
	if err := w.gate.Before(call); err != nil {
		if r.Body != nil && !errors.Is(err, ErrUnsent) {
			// On the wire, as far as the caller can tell.
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
		}
		return nil, closed(r, err)
	}
	resp, err := w.base.RoundTrip(r)
	if lost := w.gate.After(call); lost != nil {
		if err == nil {
			lost = errors.Join(lost, resp.Body.Close())
		}
		return nil, lost
	}
	return resp, err
}

// closed is the error of a request whose body nobody else will close.
func closed(r *http.Request, err error) error {
	if r.Body == nil {
		return err
	}
	return errors.Join(err, r.Body.Close())
}

// Gated is a store behind a gate, which is asked at every call.
func Gated(st takeback.Store, g Gate) takeback.Store { return gated{st, g} }

// gated is a store behind a gate.
type gated struct {
	takeback.Store
	gate Gate
}

func (s gated) Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error) {
	return through(s.gate, "store.Refunds", func() ([]refund.Refund, error) { return s.Store.Refunds(ctx, q) })
}

func (s gated) Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error) {
	return through(s.gate, "store.Ledgers", func() ([]order.Ledger, error) { return s.Store.Ledgers(ctx, ids) })
}

func (s gated) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	return saved(s.gate, "store.SaveRefunds", func() error { return s.Store.SaveRefunds(ctx, cs) })
}

func (s gated) Cancellations(ctx context.Context, q cancel.Query) ([]cancel.Cancellation, error) {
	return through(s.gate, "store.Cancellations", func() ([]cancel.Cancellation, error) { return s.Store.Cancellations(ctx, q) })
}

func (s gated) Gates(ctx context.Context, ids []order.ID) ([]cancel.Gate, error) {
	return through(s.gate, "store.Gates", func() ([]cancel.Gate, error) { return s.Store.Gates(ctx, ids) })
}

func (s gated) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	return saved(s.gate, "store.SaveCancellations", func() error { return s.Store.SaveCancellations(ctx, cs) })
}

func (s gated) BuyerRequests(ctx context.Context, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
	return through(s.gate, "store.BuyerRequests", func() ([]cancel.BuyerRequest, error) { return s.Store.BuyerRequests(ctx, q) })
}

func (s gated) RMAs(ctx context.Context, q rma.Query) ([]rma.RMA, error) {
	return through(s.gate, "store.RMAs", func() ([]rma.RMA, error) { return s.Store.RMAs(ctx, q) })
}

func (s gated) Returns(ctx context.Context, q rma.ReturnQuery) ([]rma.Return, error) {
	return through(s.gate, "store.Returns", func() ([]rma.Return, error) { return s.Store.Returns(ctx, q) })
}

func (s gated) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	return saved(s.gate, "store.SaveRMAs", func() error { return s.Store.SaveRMAs(ctx, cs) })
}

func (s gated) Settlements(ctx context.Context, q settlement.Query) ([]settlement.Settlement, error) {
	return through(s.gate, "store.Settlements", func() ([]settlement.Settlement, error) { return s.Store.Settlements(ctx, q) })
}

func (s gated) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	return saved(s.gate, "store.SaveSettlement", func() error { return s.Store.SaveSettlement(ctx, row) })
}

func (s gated) Bookings(ctx context.Context, q settlement.BookingQuery) ([]settlement.Booking, error) {
	return through(s.gate, "store.Bookings", func() ([]settlement.Booking, error) { return s.Store.Bookings(ctx, q) })
}

func (s gated) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	return saved(s.gate, "store.SaveBookings", func() error { return s.Store.SaveBookings(ctx, cs) })
}

func (s gated) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	return through(s.gate, "store.Entries", func() ([]queue.Entry, error) { return s.Store.Entries(ctx, q) })
}

func (s gated) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	return through(s.gate, "store.Batches", func() ([]queue.Batch, error) { return s.Store.Batches(ctx, q) })
}

func (s gated) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	return through(s.gate, "store.Lanes", func() ([]queue.Lane, error) { return s.Store.Lanes(ctx, states...) })
}

func (s gated) Counts(ctx context.Context, company order.CompanyID) ([]queue.Count, error) {
	return through(s.gate, "store.Counts", func() ([]queue.Count, error) { return s.Store.Counts(ctx, company) })
}

func (s gated) Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error) {
	return through(s.gate, "store.Alerts", func() ([]order.Alert, error) { return s.Store.Alerts(ctx, q) })
}

func (s gated) SaveQueue(ctx context.Context, c queue.Change) error {
	return saved(s.gate, "store.SaveQueue", func() error { return s.Store.SaveQueue(ctx, c) })
}

func (s gated) Effects(ctx context.Context, now time.Time, limit int) ([]order.Effect, error) {
	return through(s.gate, "store.Effects", func() ([]order.Effect, error) { return s.Store.Effects(ctx, now, limit) })
}

func (s gated) SaveEffects(ctx context.Context, outcomes []order.EffectOutcome) error {
	return saved(s.gate, "store.SaveEffects", func() error { return s.Store.SaveEffects(ctx, outcomes) })
}

func (s gated) Events(ctx context.Context, id order.AmazonID) ([]order.Event, error) {
	return through(s.gate, "store.Events", func() ([]order.Event, error) { return s.Store.Events(ctx, id) })
}

func (s gated) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	return through(s.gate, "store.Cells", func() ([]store.Cell, error) { return s.Store.Cells(ctx, names) })
}

func (s gated) SaveCell(ctx context.Context, c store.Cell) error {
	return saved(s.gate, "store.SaveCell", func() error { return s.Store.SaveCell(ctx, c) })
}
