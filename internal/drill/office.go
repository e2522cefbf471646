package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
)

// Config is what an [Office] works with. All fields are required.
type Config struct {
	Plan   Plan
	Store  takeback.Store
	Amazon http.RoundTripper // carries calls to any host to the fake Amazon
	Gate   Gate
	Now    func() time.Time
	Wait   func(context.Context, time.Duration) error // what the client does between two tries
	Report func(string)                               // hears of changes of state that the queue's table does not have
}

// Office is one process of a host. What it knows beside its store ends with it.
type Office struct {
	plan  Plan
	desk  *takeback.Desk
	store takeback.Store
	now   func() time.Time
	asked map[string]bool // requests, by key, that it knows to be saved
}

// Open puts an office together, and calls nobody.
func Open(c Config) (*Office, error) {
	st := gated{table{c.Store, c.Report}, c.Gate}
	client, err := spapi.New(spapi.Config{
		Credentials: func(_ context.Context, a amazon.Account) (spapi.Credentials, error) { return secrets(a), nil },
		HTTPClient:  &http.Client{Transport: wire{c.Gate, c.Amazon}},
		Buckets:     st,
		Now:         c.Now, Wait: c.Wait,
	})
	if err != nil {
		return nil, err
	}
	desk, err := takeback.New(takeback.Config{
		Store: st, Book: shelf(c.Plan.Orders), Amazon: client, Accounts: c.Plan.Accounts, Settings: c.Plan.Settings, Now: c.Now,
		Installation: "drill",
		Polling:      takeback.Polling{Off: true},
		Batching:     queue.Batching{Interval: autoInterval, Messages: c.Plan.Messages},
	})
	return &Office{plan: c.Plan, desk: desk, store: st, now: c.Now, asked: map[string]bool{}}, err
}

// autoInterval is short, so that a drill is not mostly waiting.
const autoInterval = 4 * time.Minute

func secrets(a amazon.Account) spapi.Credentials {
	return spapi.Credentials{ClientID: "app-" + string(a.ID), ClientSecret: "not-a-secret", RefreshToken: "Atzr|" + string(a.ID)}
}

// Work is one round: what was not asked for yet is asked for, a person sends what
// waits for one and decides what nobody else can, and the library makes one pass.
// It says when to come back.
//
// Whether a request was saved only the store knows: after an error, or a restart,
// the office asks again under the same key.
func (o *Office) Work(ctx context.Context) (next time.Time, err error) {
	errs := []error{o.Ask(ctx), o.process(ctx), Decide(ctx, o.desk.Queue, o.now())}
	next, err = o.Step(ctx)
	return next, errors.Join(append(errs, err)...)
}

// Step makes one pass of the library, and says when to come back. It may be called
// from several goroutines.
func (o *Office) Step(ctx context.Context) (next time.Time, err error) { return o.desk.Step(ctx) }

// Ask asks for what was not asked for yet.
func (o *Office) Ask(ctx context.Context) error {
	var errs []error
	for _, r := range o.plan.Requests {
		if !o.asked[r.Key] {
			err := o.request(ctx, r)
			o.asked[r.Key] = err == nil
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (o *Office) request(ctx context.Context, r Request) error {
	var err error
	switch r.Kind {
	case queue.KindRefund:
		_, err = o.desk.Refunds.Issue(ctx, refund.Request{Order: r.Order, Lines: r.Lines, Reason: amazon.ReasonCustomerReturn, Key: r.Key, By: "clerk"})
		if errors.Is(err, refund.ErrEnded) {
			err = nil
		}
	case queue.KindCancellation:
		_, err = o.desk.Cancels.Issue(ctx, cancel.Request{Order: r.Order, Reason: amazon.ReasonNoInventory, Key: r.Key, By: "clerk"})
		if errors.Is(err, cancel.ErrEnded) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("request %s: %w", r.Key, err)
	}
	return nil
}

// process sends what waits for a person.
func (o *Office) process(ctx context.Context) error {
	for _, a := range o.plan.Accounts {
		if s := o.plan.Settings[a.Company]; !s.Queue || s.AutoSubmit {
			continue
		}
		waiting, err := o.desk.Queue.Entries(ctx, queue.EntryQuery{Company: a.Company, States: []queue.State{queue.EntryQueued}})
		if err != nil {
			return err
		}
		var ids []queue.EntryID
		for _, e := range waiting {
			if e.Selection == nil {
				ids = append(ids, e.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if _, err := o.desk.Queue.Process(ctx, "operator", ids...); err != nil {
			return err
		}
	}
	return nil
}

// shelf is an order book that keeps nothing of what it is told.
type shelf []order.Order

// Orders implements [order.Book].
func (s shelf) Orders(_ context.Context, ids []order.AmazonID) ([]order.Order, error) {
	var found []order.Order
	for _, o := range s {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

// ApplyOrder implements [order.Book].
func (shelf) ApplyOrder(context.Context, order.Effect) error { return nil }
