// Package storetest tells whether a store keeps the contract of package store.
//
// An implementer runs it in a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) takeback.Store { return open(t) })
//	}
//
// and, when the store can be bound to a transaction of the host's, [RunTx] too.
// Every subtest that fails tells which sentence of the contract is broken.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

// promise is one sentence of the contract and what checks it.
type promise struct {
	name  string
	says  string
	check func(t *testing.T, st takeback.Store)
}

// Run checks a store. Open returns a new, empty store for each subtest, and
// closes it with t.Cleanup where it has to be closed. A pool of one connection
// is enough for everything here; a subtest that never ends means that the store
// wants two.
func Run(t *testing.T, open func(t *testing.T) takeback.Store) {
	for _, p := range slices.Concat(rowPromises(), orderPromises(), queryPromises(), queuePromises(), contextPromises()) {
		t.Run(p.name, func(t *testing.T) {
			explain(t, p.says)
			p.check(t, open(t))
		})
	}
}

// explain adds the broken sentence to the report of a failed test.
func explain(t *testing.T, says string) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the contract says: %s", says)
		}
	})
}

// same compares what was read with what should be there: by value, except that
// times have to be in UTC.
func same[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(rowcopy.Of(want), got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool {
		return a.Equal(b) && a.Location() == b.Location()
	})); diff != "" {
		t.Errorf("the store answers something else than was saved (-want +got):\n%s", diff)
	}
}

// writes returns the part of the next save about each of these Amazon orders.
func writes(t *testing.T, st takeback.Store, ids ...order.AmazonID) []order.Writes {
	t.Helper()
	ledgers, err := st.Ledgers(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, ledgers, len(ids), "Ledgers answers one ledger for each ID")
	ws := make([]order.Writes, len(ids))
	for i, l := range ledgers {
		ws[i] = order.Writes{Order: ids[i], Version: l.Version}
	}
	return ws
}

// contextPromises are about contexts that have ended.
func contextPromises() []promise {
	calls := []struct {
		name string
		call func(context.Context, takeback.Store) error
	}{
		{"Refunds", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Refunds(ctx, refund.Query{})
			return err
		}},
		{"Cancellations", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Cancellations(ctx, cancel.Query{})
			return err
		}},
		{"Gates", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Gates(ctx, []order.ID{hostOrder(1)})
			return err
		}},
		{"RMAs", func(ctx context.Context, st takeback.Store) error {
			_, err := st.RMAs(ctx, rma.Query{})
			return err
		}},
		{"Returns", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Returns(ctx, rma.ReturnQuery{})
			return err
		}},
		{"BuyerRequests", func(ctx context.Context, st takeback.Store) error {
			_, err := st.BuyerRequests(ctx, cancel.RequestQuery{})
			return err
		}},
		{"Settlements", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Settlements(ctx, settlement.Query{})
			return err
		}},
		{"Bookings", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Bookings(ctx, settlement.BookingQuery{})
			return err
		}},
		{"Entries", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Entries(ctx, queue.EntryQuery{})
			return err
		}},
		{"Batches", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Batches(ctx, queue.BatchQuery{})
			return err
		}},
		{"Ledgers", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Ledgers(ctx, []order.AmazonID{amazonOrder(1)})
			return err
		}},
		{"Effects", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Effects(ctx, noon, 10)
			return err
		}},
		{"Events", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Events(ctx, amazonOrder(1))
			return err
		}},
		{"Lanes", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Lanes(ctx, queue.EntryQueued)
			return err
		}},
		{"Counts", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Counts(ctx, "")
			return err
		}},
		{"Alerts", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Alerts(ctx, order.AlertQuery{})
			return err
		}},
		{"Cells", func(ctx context.Context, st takeback.Store) error {
			_, err := st.Cells(ctx, []string{"cell"})
			return err
		}},
		{"SaveRefunds", func(ctx context.Context, st takeback.Store) error {
			return st.SaveRefunds(ctx, []refund.Change{{Writes: order.Writes{Order: amazonOrder(1)}}})
		}},
		{"SaveCancellations", func(ctx context.Context, st takeback.Store) error {
			return st.SaveCancellations(ctx, []cancel.Change{{Writes: order.Writes{Order: amazonOrder(1)}}})
		}},
		{"SaveRMAs", func(ctx context.Context, st takeback.Store) error {
			return st.SaveRMAs(ctx, []rma.Change{{Writes: order.Writes{Order: amazonOrder(1)}}})
		}},
		{"SaveSettlement", func(ctx context.Context, st takeback.Store) error {
			return st.SaveSettlement(ctx, settlementRow(1))
		}},
		{"SaveBookings", func(ctx context.Context, st takeback.Store) error {
			return st.SaveBookings(ctx, []settlement.Change{{Writes: order.Writes{Order: amazonOrder(1)}}})
		}},
		{"SaveQueue", func(ctx context.Context, st takeback.Store) error {
			return st.SaveQueue(ctx, queue.Change{Orders: []order.Writes{{Order: amazonOrder(1)}}})
		}},
		{"SaveEffects", func(ctx context.Context, st takeback.Store) error {
			return st.SaveEffects(ctx, []order.EffectOutcome{{Key: "key"}})
		}},
		{"SaveCell", func(ctx context.Context, st takeback.Store) error {
			return st.SaveCell(ctx, store.Cell{Name: "cell"})
		}},
	}
	return []promise{{
		name: "context/ended",
		says: "Any method stops when its context ends; its error is the context's, and nothing was saved.",
		check: func(t *testing.T, st takeback.Store) {
			ended, stop := context.WithCancel(t.Context())
			stop()
			for _, c := range calls {
				assert.ErrorIs(t, c.call(ended, st), context.Canceled, "%s with a context that was cancelled", c.name)
			}
			assert.Equal(t, []order.Writes{{Order: amazonOrder(1)}}, writes(t, st, amazonOrder(1)), "head row after the cancelled saves")
			cells, err := st.Cells(t.Context(), []string{"cell"})
			require.NoError(t, err)
			assert.Empty(t, cells, "cells after the cancelled save")
			settlements, err := st.Settlements(t.Context(), settlement.Query{})
			require.NoError(t, err)
			assert.Empty(t, settlements, "settlements after the cancelled save")
		},
	}}
}
