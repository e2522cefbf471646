package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
	"github.com/takebackhq/takeback/store/storetest"
)

// faulty is a store that breaks one sentence of the contract.
type faulty struct {
	takeback.Store
	fault string
}

func (f faulty) Refunds(ctx context.Context, q refund.Query) ([]refund.Refund, error) {
	switch f.fault {
	case "not found is an error":
		rs, err := f.Store.Refunds(ctx, q)
		if err == nil && len(rs) == 0 {
			err = store.ErrNotFound
		}
		return rs, err
	case "limit forgotten":
		q.Limit = 0
	case "open forgotten":
		q.Open = false
	case "cursor included":
		if q.After != (refund.Cursor{}) {
			q.After.IssuedAt = q.After.IssuedAt.Add(-time.Nanosecond)
		}
	case "local times":
		rs, err := f.Store.Refunds(ctx, q)
		for i := range rs {
			rs[i].Issued.At = rs[i].Issued.At.In(time.FixedZone("here", 3600))
		}
		return rs, err
	case "microseconds":
		rs, err := f.Store.Refunds(ctx, q)
		for i := range rs {
			rs[i].Issued.At = rs[i].Issued.At.Truncate(time.Microsecond)
		}
		return rs, err
	case "rounded amounts":
		rs, err := f.Store.Refunds(ctx, q)
		for i := range rs {
			rs[i].Surplus = rs[i].Surplus.Truncate(0)
		}
		return rs, err
	}
	return f.Store.Refunds(ctx, q)
}

func (f faulty) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	switch f.fault {
	case "half of a save":
		for _, c := range cs {
			if err := f.Store.SaveRefunds(ctx, []refund.Change{c}); err != nil {
				return err
			}
		}
		return nil
	case "conflict not told":
		if err := f.Store.SaveRefunds(ctx, cs); err != nil {
			return fmt.Errorf("database: %v", err)
		}
		return nil
	case "context forgotten":
		return f.Store.SaveRefunds(context.WithoutCancel(ctx), cs)
	}
	return f.Store.SaveRefunds(ctx, cs)
}

func (f faulty) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	if f.fault == "head not raised" {
		for i := range cs {
			cs[i].Order.Account = order.AccountID(fmt.Sprint("elsewhere-", time.Now().UnixNano()))
			cs[i].Version = 0
		}
	}
	return f.Store.SaveRMAs(ctx, cs)
}

func (f faulty) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	if f.fault == "postings forgotten" {
		for i := range cs {
			cs[i].Postings = nil
		}
	}
	return f.Store.SaveCancellations(ctx, cs)
}

func (f faulty) SaveQueue(ctx context.Context, c queue.Change) error {
	switch f.fault {
	case "document number not unique":
		for i := range c.Batches {
			c.Batches[i].DocumentNumber = ""
		}
	case "rows with a key appended twice":
		for i := range c.Events {
			c.Events[i].Key = ""
		}
	case "other batches' versions forgotten":
		if len(c.Batches) > 1 && c.Batches[0].Version > 0 {
			c.Batches = c.Batches[len(c.Batches)-1:]
		}
	case "heads of claims forgotten":
		c.Orders = nil
	}
	return f.Store.SaveQueue(ctx, c)
}

func (f faulty) Returns(ctx context.Context, q rma.ReturnQuery) ([]rma.Return, error) {
	rs, err := f.Store.Returns(ctx, q)
	for i := range rs {
		if f.fault == "a field forgotten" {
			rs[i].Row.Extra = nil
		}
	}
	return rs, err
}

func (f faulty) BuyerRequests(ctx context.Context, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
	if f.fault == "wishes that need no look" {
		q.LookBy = time.Time{}
	}
	return f.Store.BuyerRequests(ctx, q)
}

func (f faulty) SaveSettlement(ctx context.Context, row settlement.Settlement) error {
	err := f.Store.SaveSettlement(ctx, row)
	if f.fault == "settlement imported twice" && errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

func (f faulty) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	if f.fault == "refunds of bookings forgotten" {
		for i := range cs {
			cs[i].Refunds = nil
		}
	}
	return f.Store.SaveBookings(ctx, cs)
}

func (f faulty) Events(ctx context.Context, id order.AmazonID) ([]order.Event, error) {
	es, err := f.Store.Events(ctx, id)
	for i := range es {
		if f.fault == "values before and after forgotten" {
			es[i].Before, es[i].After = "", ""
		}
	}
	return es, err
}

func (f faulty) Batches(ctx context.Context, q queue.BatchQuery) ([]queue.Batch, error) {
	if f.fault == "contents always" {
		q.Contents = true
	}
	return f.Store.Batches(ctx, q)
}

func (f faulty) Lanes(ctx context.Context, states ...queue.State) ([]queue.Lane, error) {
	ls, err := f.Store.Lanes(ctx, states...)
	for i := range ls {
		if f.fault == "lanes without their time" {
			ls[i].Ready = time.Time{}
		}
	}
	return ls, err
}

func (f faulty) Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error) {
	if f.fault == "closed alerts shown" {
		q.Closed = true
	}
	return f.Store.Alerts(ctx, q)
}

func (f faulty) SaveCell(ctx context.Context, c store.Cell) error {
	if f.fault == "lease taken over blindly" {
		cells, err := f.Store.Cells(ctx, []string{c.Name})
		if err != nil {
			return err
		}
		for _, there := range cells {
			c.Version = there.Version
		}
		if err := f.Store.SaveCell(ctx, c); !errors.Is(err, store.ErrConflict) {
			return err
		}
		return nil
	}
	return f.Store.SaveCell(ctx, c)
}

func (f faulty) Effects(ctx context.Context, now time.Time, limit int) ([]order.Effect, error) {
	if f.fault == "effects too early" {
		now = now.AddDate(1, 0, 0)
	}
	return f.Store.Effects(ctx, now, limit)
}

const faultVariable = "TAKEBACK_STORETEST_FAULT"

// TestRun runs the suite on a store without a fault, or with the one that
// TestRunFails asks for.
func TestRun(t *testing.T) {
	storetest.Run(t, func(*testing.T) takeback.Store { return faulty{memory.New(), os.Getenv(faultVariable)} })
}

// TestRunFails runs the suite in processes of their own, since a test that fails
// cannot be taken back.
func TestRunFails(t *testing.T) {
	tests := []struct{ fault, about, says string }{
		{"not found is an error", "refunds", "never answers ErrNotFound"},
		{"limit forgotten", "refunds", "Limit at most so many"},
		{"open forgotten", "refunds", "answers what its query's Match says"},
		{"a field forgotten", "returns", "every field that it was saved with"},
		{"wishes that need no look", "buyer requests", "answers what its query's Match says"},
		{"settlement imported twice", "settlements", "answers ErrConflict"},
		{"refunds of bookings forgotten", "refunds by SaveBookings", "the stored row gets version 1"},
		{"values before and after forgotten", "journal", "in the order they were saved"},
		{"cursor included", "refunds", "strictly after a place"},
		{"local times", "refunds", "times as the same instant in UTC"},
		{"microseconds", "refunds", "times as the same instant in UTC"},
		{"rounded amounts", "refunds", "amounts with all their digits"},
		{"half of a save", "refunds", "all or nothing"},
		{"conflict not told", "refunds", "answers ErrConflict"},
		{"context forgotten", "context", "stops when its context ends"},
		{"head not raised", "order", "raises it by one"},
		{"postings forgotten", "order", "raises it by one"},
		{"document number not unique", "batches", "another batch of the account has is a conflict"},
		{"contents always", "batches", "leave Messages, Document and Report nil unless asked for"},
		{"effects too early", "outbox", "NotBefore after now"},
		{"rows with a key appended twice", "journal", "key is there already is not appended again"},
		{"other batches' versions forgotten", "queue", "carry the other's version exactly one succeeds"},
		{"heads of claims forgotten", "queue", "that claim entries of one Amazon order"},
		{"lanes without their time", "queue", "Lanes, Counts and Entries answer what follows"},
		{"closed alerts shown", "alerts", "that no row of kind Closed closes"},
		{"lease taken over blindly", "cells", "exactly one has it"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun$/^"+tt.about+"$")
			cmd.Env = append(os.Environ(), faultVariable+"="+tt.fault)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes a store with this fault")
			assert.Contains(t, string(out), tt.says, "the sentence that is broken")
		})
	}
}
