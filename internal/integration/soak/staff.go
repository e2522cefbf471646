package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// awaitingApproval are the entries that wait for another actor to agree.
var awaitingApproval = queue.EntryQuery{States: []queue.State{queue.EntryAwaitingApproval}}

// process is an operator who sends what waits, of one company.
func (r *run) process(ctx context.Context, d desk) error {
	return processAll(ctx, d, r.anyAccount().Company)
}

func processAll(ctx context.Context, d desk, company order.CompanyID) error {
	es, err := d.Queue.Entries(ctx, queue.EntryQuery{Company: company, States: []queue.State{queue.EntryQueued}})
	if err != nil {
		return err
	}
	var ids []queue.EntryID
	for _, e := range es {
		if e.Selection == nil {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = d.Queue.Process(ctx, "operator", ids...)
	return err
}

// changeMind is somebody who takes back what waits, or tries again what ended.
func (r *run) changeMind(ctx context.Context, d desk) error {
	es, err := d.Queue.Entries(ctx, queue.EntryQuery{States: []queue.State{
		queue.EntryQueued, queue.EntryRefused, queue.EntryRejected, queue.EntryWithdrawn, queue.EntryGivenUp,
	}})
	if err != nil || len(es) == 0 {
		return err
	}
	switch e := es[r.random.IntN(len(es))]; {
	case e.State != queue.EntryQueued:
		return d.Queue.Retry(ctx, "clerk", "asked again", e.ID)
	case r.chance(0.5):
		return d.Queue.Withdraw(ctx, "clerk", "no longer wanted", e.ID)
	default:
		return d.Queue.Reject(ctx, "operator", "not this one", e.ID)
	}
}

// meddle is what staff and hosts do at odd times: pause, resume, pass on a
// notification of Amazon's, have a document cancelled.
func (r *run) meddle(ctx context.Context, d desk) error {
	a := r.anyAccount()
	switch r.random.IntN(4) {
	case 0:
		return d.Queue.Pause(ctx, "administrator", "stocktaking", queue.Scope{Account: a.ID})
	case 1:
		return r.resume(ctx, d, a)
	case 2:
		return d.Queue.Notify(ctx, a.ID, amazon.FeedID("50000000001"))
	}
	bs, err := d.Queue.Batches(ctx, queue.BatchQuery{Accounts: []order.AccountID{a.ID}, States: []queue.BatchState{queue.BatchInQueue}, Limit: 1})
	if err != nil || len(bs) == 0 {
		return err
	}
	return d.Queue.CancelFeed(ctx, "administrator", "takes too long", bs[0].ID)
}

// resume lets an account send again, unless Amazon has a feed of which the queue
// does not tell how it came there.
func (r *run) resume(ctx context.Context, d desk, a amazon.Account) error {
	paused, err := d.Queue.Paused(ctx, queue.Scope{Account: a.ID})
	if err != nil || paused == (order.Stamp{}) {
		return err
	}
	alerts, err := d.Queue.Alerts(ctx, order.AlertQuery{Accounts: []order.AccountID{a.ID}})
	if err != nil {
		return err
	}
	for _, alert := range alerts {
		feed, ours := strings.CutPrefix(alert.Key, "unclaimed/"+string(a.ID)+"/")
		if !ours {
			continue
		}
		if known, err := r.explained(ctx, d, a, amazon.FeedID(feed)); err != nil || !known {
			return err
		}
	}
	r.tell("  %s is resumed", a.ID)
	return d.Queue.Resume(ctx, "administrator", "looked into it", queue.Scope{Account: a.ID})
}

// explained tells whether some batch's evidence says what a feed is.
func (r *run) explained(ctx context.Context, d desk, a amazon.Account, feed amazon.FeedID) (bool, error) {
	bs, err := d.Queue.Batches(ctx, queue.BatchQuery{Accounts: []order.AccountID{a.ID}})
	return slices.ContainsFunc(bs, func(b queue.Batch) bool {
		return slices.ContainsFunc(b.Evidence, func(e queue.Evidence) bool {
			return e.Kind == queue.EvidenceReport && e.Document == feed
		})
	}), err
}

// tidy is staff who leave nothing lying.
func (r *run) tidy(ctx context.Context, d desk) error {
	var errs []error
	for _, a := range r.world.accounts {
		errs = append(errs, r.resume(ctx, d, a))
	}
	for _, company := range r.world.companies() {
		errs = append(errs, processAll(ctx, d, company))
	}
	for _, task := range []func(context.Context, desk) error{r.approve, r.heedBuyer, r.answerBuyer, r.openGates, r.shipAll, r.person} {
		errs = append(errs, task(ctx, d))
	}
	return errors.Join(errs...)
}

// heedBuyer takes back what the buyer's wish keeps from being sent.
func (r *run) heedBuyer(ctx context.Context, d desk) error {
	return r.withdrawFor(ctx, d, order.AmazonID{})
}

// catchUp is staff who do what has been left undone.
func (r *run) catchUp(ctx context.Context, d desk) error {
	return errors.Join(r.hearAll(ctx, d), r.importRest(ctx, d), r.recordRest(ctx, d), r.finishReturns(ctx, d))
}

func (r *run) anyAccount() amazon.Account {
	return r.world.accounts[r.random.IntN(len(r.world.accounts))]
}
