package storetest

import (
	"context"
	"testing"

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
)

// Tx is a transaction of the host's, and the store bound to it.
type Tx struct {
	Store    takeback.Store
	Commit   func() error
	Rollback func() error
}

// TxStore is a store that can be bound to a transaction of the host's. Begin
// starts one as the adapter's documentation tells the host to.
type TxStore struct {
	takeback.Store
	Begin func(ctx context.Context) (Tx, error)
}

// RunTx checks a store that can be bound to a transaction of the host's. Open
// returns a new, empty store for each subtest. While a transaction is open,
// nothing here uses the store itself, so a pool of one connection is enough.
func RunTx(t *testing.T, open func(t *testing.T) TxStore) {
	for _, p := range []struct {
		name, says string
		check      func(*testing.T, TxStore)
	}{
		{"commit", "A store bound to the host's transaction writes there, and what it wrote is there when the host commits.", checkCommit},
		{"rollback", "A store bound to the host's transaction leaves commit and rollback to the host: after a rollback nothing was saved.", checkRollback},
		{"own writes", "A store bound to the host's transaction reads there: it sees what was saved in the same transaction.", checkOwnWrites},
		{"conflict", "Expected conflicts are never found by a statement that fails: after ErrConflict the host's transaction still works.", checkTxConflict},
		{"two drafts", "Two drafts of one Amazon order in one transaction: the second conflicts.", checkTwoDrafts},
		{"context", "A save stops when its context ends; its error is the context's.", checkTxContext},
	} {
		t.Run(p.name, func(t *testing.T) {
			explain(t, p.says)
			p.check(t, open(t))
		})
	}
}

// everything makes one save of each kind about an order of its own.
func everything(t *testing.T, st takeback.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, st.SaveRefunds(ctx, []refund.Change{{Refunds: []refund.Refund{refundRow(1)}, Entries: []queue.Entry{entryRow(1)}, Writes: filled(1, 0)}}))
	require.NoError(t, st.SaveCancellations(ctx, []cancel.Change{{Cancellations: []cancel.Cancellation{cancellationRow(2)}, Gates: []cancel.Gate{gateRow(2)}, Requests: []cancel.BuyerRequest{requestRow(2)}, Writes: filled(2, 0)}}))
	require.NoError(t, st.SaveRMAs(ctx, []rma.Change{{RMAs: []rma.RMA{rmaRow(3)}, Returns: []rma.Return{returnRow(3)}, Writes: filled(3, 0)}}))
	require.NoError(t, st.SaveSettlement(ctx, settlementRow(1)))
	require.NoError(t, st.SaveBookings(ctx, []settlement.Change{{Bookings: []settlement.Booking{bookingRow(5)}, Refunds: []refund.Refund{refundRow(5)}, Writes: filled(5, 0)}}))
	require.NoError(t, st.SaveQueue(ctx, queue.Change{Batches: []queue.Batch{batchRow(4)}, Orders: []order.Writes{filled(4, 0)}}))
	require.NoError(t, st.SaveCell(ctx, cellRow(5)))
	require.NoError(t, st.SaveEffects(ctx, []order.EffectOutcome{{Key: effect(4, 1).Key, Done: true}}))
}

// counts tells how many rows of each noun are there.
func counts(t *testing.T, st takeback.Store) map[string]int {
	t.Helper()
	ctx := t.Context()
	n := map[string]int{}
	refunds, err := st.Refunds(ctx, refund.Query{})
	require.NoError(t, err)
	n["refunds"] = len(refunds)
	cancellations, err := st.Cancellations(ctx, cancel.Query{})
	require.NoError(t, err)
	n["cancellations"] = len(cancellations)
	gates, err := st.Gates(ctx, []order.ID{hostOrder(2)})
	require.NoError(t, err)
	n["gates"] = len(gates)
	rmas, err := st.RMAs(ctx, rma.Query{})
	require.NoError(t, err)
	n["RMAs"] = len(rmas)
	returns, err := st.Returns(ctx, rma.ReturnQuery{})
	require.NoError(t, err)
	n["returns"] = len(returns)
	requests, err := st.BuyerRequests(ctx, cancel.RequestQuery{})
	require.NoError(t, err)
	n["requests"] = len(requests)
	settlements, err := st.Settlements(ctx, settlement.Query{})
	require.NoError(t, err)
	n["settlements"] = len(settlements)
	bookings, err := st.Bookings(ctx, settlement.BookingQuery{})
	require.NoError(t, err)
	n["bookings"] = len(bookings)
	entries, err := st.Entries(ctx, queue.EntryQuery{})
	require.NoError(t, err)
	n["entries"] = len(entries)
	batches, err := st.Batches(ctx, queue.BatchQuery{})
	require.NoError(t, err)
	n["batches"] = len(batches)
	cells, err := st.Cells(ctx, []string{cellRow(5).Name})
	require.NoError(t, err)
	n["cells"] = len(cells)
	effects, err := st.Effects(ctx, noon, 100)
	require.NoError(t, err)
	n["effects"] = len(effects)
	events, err := st.Events(ctx, amazonOrder(1))
	require.NoError(t, err)
	n["events"] = len(events)
	for _, w := range writes(t, st, amazonOrder(1), amazonOrder(2), amazonOrder(3), amazonOrder(4), amazonOrder(5)) {
		n["heads"] += int(w.Version)
	}
	return n
}

var (
	nothing = map[string]int{
		"refunds": 0, "cancellations": 0, "gates": 0, "requests": 0, "RMAs": 0, "returns": 0, "settlements": 0, "bookings": 0,
		"entries": 0, "batches": 0, "cells": 0, "effects": 0, "events": 0, "heads": 0,
	}
	all = map[string]int{
		"refunds": 2, "cancellations": 1, "gates": 1, "requests": 1, "RMAs": 1, "returns": 1, "settlements": 1, "bookings": 1,
		"entries": 1, "batches": 1, "cells": 1, "effects": 4, "events": 1, "heads": 5,
	}
)

// begin starts a transaction that a test which fails in between leaves behind.
func begin(t *testing.T, st TxStore) Tx {
	t.Helper()
	tx, err := st.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func checkCommit(t *testing.T, st TxStore) {
	tx := begin(t, st)
	everything(t, tx.Store)
	require.NoError(t, tx.Commit())
	assert.Equal(t, all, counts(t, st), "rows after the commit")
	holds(t, st, 1, 1)
}

func checkRollback(t *testing.T, st TxStore) {
	tx := begin(t, st)
	everything(t, tx.Store)
	require.NoError(t, tx.Rollback())
	assert.Equal(t, nothing, counts(t, st), "rows after the rollback")
	everything(t, st)
	assert.Equal(t, all, counts(t, st), "rows after the same was saved outside")
}

func checkOwnWrites(t *testing.T, st TxStore) {
	tx := begin(t, st)
	assert.Equal(t, nothing, counts(t, tx.Store), "rows at the beginning of the transaction")
	everything(t, tx.Store)
	assert.Equal(t, all, counts(t, tx.Store), "rows in the transaction")
	require.NoError(t, tx.Commit())
}

func checkTxConflict(t *testing.T, st TxStore) {
	everything(t, st)
	tx := begin(t, st)
	ctx := t.Context()
	for name, err := range map[string]error{
		"a head that is there":       tx.Store.SaveRefunds(ctx, []refund.Change{{Writes: filled(1, 0)}}),
		"a head that is not there":   tx.Store.SaveRefunds(ctx, []refund.Change{{Writes: filled(9, 5)}}),
		"a batch that is there":      tx.Store.SaveQueue(ctx, queue.Change{Batches: []queue.Batch{batchRow(4)}}),
		"an entry that is not there": tx.Store.SaveQueue(ctx, queue.Change{Entries: []queue.Entry{{ID: "unknown", Version: 1}}}),
		"a document number in use": tx.Store.SaveQueue(ctx, queue.Change{Batches: []queue.Batch{
			{ID: "other", Account: batchRow(4).Account, DocumentNumber: batchRow(4).DocumentNumber}}}),
		"a cell that is there":         tx.Store.SaveCell(ctx, cellRow(5)),
		"a settlement that is there":   tx.Store.SaveSettlement(ctx, settlementRow(1)),
		"a booking that is there":      tx.Store.SaveBookings(ctx, []settlement.Change{{Bookings: []settlement.Booking{bookingRow(5)}, Writes: filled(5, 1)}}),
		"a buyer's wish that is there": tx.Store.SaveCancellations(ctx, []cancel.Change{{Requests: []cancel.BuyerRequest{requestRow(2)}, Writes: filled(2, 1)}}),
		"a return that is there":       tx.Store.SaveRMAs(ctx, []rma.Change{{Returns: []rma.Return{returnRow(3)}, Writes: filled(3, 1)}}),
	} {
		assert.ErrorIs(t, err, store.ErrConflict, name)
	}
	assert.Equal(t, int64(1), writes(t, tx.Store, amazonOrder(1))[0].Version, "a head that is read in the transaction after conflicts")
	require.NoError(t, tx.Rollback())
	assert.Equal(t, all, counts(t, st), "rows after the rollback")
}

func checkTwoDrafts(t *testing.T, st TxStore) {
	tx := begin(t, st)
	require.NoError(t, tx.Store.SaveRefunds(t.Context(), []refund.Change{{Refunds: []refund.Refund{refundRow(1)}, Writes: filled(1, 0)}}))
	second := filled(1, 0)
	second.Postings, second.Effects = nil, nil
	assert.ErrorIs(t, tx.Store.SaveCancellations(t.Context(), []cancel.Change{{Cancellations: []cancel.Cancellation{cancellationRow(1)}, Writes: second}}), store.ErrConflict)
	require.NoError(t, tx.Rollback())
	assert.Equal(t, nothing, counts(t, st), "rows after the rollback")
}

func checkTxContext(t *testing.T, st TxStore) {
	tx := begin(t, st)
	ended, stop := context.WithCancel(t.Context())
	stop()
	assert.ErrorIs(t, tx.Store.SaveCell(ended, cellRow(5)), context.Canceled)
	require.NoError(t, tx.Rollback())
	assert.Equal(t, nothing, counts(t, st), "rows after the rollback")
}
