// Package sqlite_test runs store/sqlite on a real database.
package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/sqlite"
	"github.com/takebackhq/takeback/store/storetest"
)

// durable are the settings that the documentation asks a host for.
const durable = "_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"

// openDB opens a database file.
func openDB(t testing.TB, file, settings string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?"+settings)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "orders.db") }

// openStore prepares a database file and opens a store on it.
func openStore(t testing.TB, file string) (*sqlite.Store, *sql.DB) {
	t.Helper()
	db := openDB(t, file, durable)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	return st, db
}

func TestStoreOnOneConnection(t *testing.T) {
	storetest.Run(t, func(t *testing.T) takeback.Store {
		t.Parallel()
		st, db := openStore(t, newFile(t))
		db.SetMaxOpenConns(1)
		return st
	})
}

func TestStoreOnAPool(t *testing.T) {
	storetest.Run(t, func(t *testing.T) takeback.Store {
		t.Parallel()
		st, _ := openStore(t, newFile(t))
		return st
	})
}

func TestStoreInATransaction(t *testing.T) {
	storetest.RunTx(t, func(t *testing.T) storetest.TxStore {
		st, db := openStore(t, newFile(t))
		db.SetMaxOpenConns(1)
		return storetest.TxStore{Store: st, Begin: func(ctx context.Context) (storetest.Tx, error) {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return storetest.Tx{}, err
			}
			return storetest.Tx{Store: st.WithTx(tx), Commit: tx.Commit, Rollback: tx.Rollback}, nil
		}}
	})
}

// TestStoreOnSeveralHandles has several pools on one file raise one head row, as
// several processes would.
func TestStoreOnSeveralHandles(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	var stores []*sqlite.Store
	for range 4 {
		st, _ := openStore(t, file)
		stores = append(stores, st)
	}
	const saves = 10
	id := order.AmazonID{Account: "SELLER", Number: "111-0000001-0000001"}
	var wg sync.WaitGroup
	for _, st := range stores {
		wg.Go(func() {
			for saved := 0; saved < saves; {
				ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{id})
				if !assert.NoError(t, err) {
					return
				}
				err = st.SaveRefunds(t.Context(), []refund.Change{change(ledgers[0])})
				if err == nil {
					saved++
				} else if !assert.ErrorIs(t, err, store.ErrConflict) {
					return
				}
			}
		})
	}
	wg.Wait()
	ledgers, err := stores[0].Ledgers(t.Context(), []order.AmazonID{id})
	require.NoError(t, err)
	assert.EqualValues(t, len(stores)*saves, ledgers[0].Version, "version of the head row after the saves of all")
	assert.Len(t, ledgers[0].Postings, len(stores)*saves, "postings after the saves of all")
}

// change is a refund that one more posting goes with.
func change(l order.Ledger) refund.Change {
	stamp := order.Stamp{By: "test", At: time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)}
	n := len(l.Postings) + 1
	return refund.Change{
		Refunds: []refund.Refund{{ID: queue.EntryID(fmt.Sprint("RF", n)), Order: l.Order, Currency: "USD", Issued: stamp}},
		Writes: order.Writes{Order: l.Order, Version: l.Version, Postings: []order.Posting{{
			Order: l.Order, Seq: n, Item: "12345678901234", Component: order.Principal, Balance: order.Charged, Currency: "USD", Stamp: stamp,
		}}},
	}
}

func TestSaveInTheHostsTransaction(t *testing.T) {
	id := order.AmazonID{Account: "SELLER", Number: "111-0000001-0000001"}
	tests := []struct {
		name string
		end  func(*sql.Tx) error
		want int
	}{
		{"commit keeps the host's row and ours", (*sql.Tx).Commit, 1},
		{"rollback keeps neither", (*sql.Tx).Rollback, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, db := openStore(t, newFile(t))
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (number TEXT PRIMARY KEY, status TEXT)")
			require.NoError(t, err)

			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "INSERT INTO orders VALUES ('SO-1', 'OnHold')")
			require.NoError(t, err)
			require.NoError(t, st.WithTx(tx).SaveRefunds(t.Context(), []refund.Change{change(order.Ledger{Order: id})}))
			require.NoError(t, tt.end(tx))

			var orders int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM orders").Scan(&orders))
			refunds, err := st.Refunds(t.Context(), refund.Query{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, orders, "orders of the host")
			assert.Len(t, refunds, tt.want, "refunds")
		})
	}
}

func TestSaveRefusesWhatIsNotDurable(t *testing.T) {
	const normal = "_pragma=synchronous(NORMAL)&_txlock=immediate"
	file := newFile(t)
	durableStore, _ := openStore(t, file)
	db := openDB(t, file, normal)
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)

	err = st.SaveCell(t.Context(), store.Cell{Name: "cell"})
	assert.ErrorContains(t, err, "PRAGMA synchronous is 1 on this connection, want FULL (2)")
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	err = st.WithTx(tx).SaveCell(t.Context(), store.Cell{Name: "cell"})
	assert.ErrorContains(t, err, "PRAGMA synchronous is 1 on this connection, want FULL (2)")
	require.NoError(t, tx.Rollback())
	cells, err := durableStore.Cells(t.Context(), []string{"cell"})
	require.NoError(t, err)
	assert.Empty(t, cells, "cells after the refused saves")
}

func TestMigrate(t *testing.T) {
	t.Run("a second time changes nothing", func(t *testing.T) {
		st, db := openStore(t, newFile(t))
		require.NoError(t, st.SaveCell(t.Context(), store.Cell{Name: "cell"}))
		require.NoError(t, sqlite.Migrate(t.Context(), db))
		cells, err := st.Cells(t.Context(), []string{"cell"})
		require.NoError(t, err)
		assert.Len(t, cells, 1, "cells after the second migration")
	})
	t.Run("several at once", func(t *testing.T) {
		file := newFile(t)
		var wg sync.WaitGroup
		for range 6 {
			db := openDB(t, file, durable)
			wg.Go(func() { assert.NoError(t, sqlite.Migrate(t.Context(), db)) })
		}
		wg.Wait()
		_, err := sqlite.New(t.Context(), openDB(t, file, durable))
		assert.NoError(t, err)
	})
	t.Run("not called", func(t *testing.T) {
		_, err := sqlite.New(t.Context(), openDB(t, newFile(t), durable))
		assert.ErrorContains(t, err, "call sqlite.Migrate first")
	})
	t.Run("newer schema", func(t *testing.T) {
		_, db := openStore(t, newFile(t))
		_, err := db.ExecContext(t.Context(), "INSERT INTO takeback_schema (version) VALUES (1000)")
		require.NoError(t, err)
		assert.ErrorContains(t, sqlite.Migrate(t.Context(), db), "schema version is 1000")
		_, err = sqlite.New(t.Context(), db)
		assert.ErrorContains(t, err, "schema version is 1000")
	})
	t.Run("newer schema while a process runs", func(t *testing.T) {
		st, db := openStore(t, newFile(t))
		b := batch("us-1", "us")
		b.State = queue.BatchUploaded
		require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}, Entries: document("us", 0, 1)}))
		_, err := db.ExecContext(t.Context(), "INSERT INTO takeback_schema (version) VALUES (1000)")
		require.NoError(t, err)

		sending := b
		sending.Version, sending.State = 1, queue.BatchSubmitting
		assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{sending}}), store.ErrNewer, "the right to send")
		assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{batch("us-2", "us")}}), store.ErrNewer, "a new document")
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		assert.ErrorIs(t, st.WithTx(tx).SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{sending}}), store.ErrNewer, "in the host's transaction")
		require.NoError(t, tx.Rollback())

		sent := b
		sent.Version, sent.State, sent.DocumentNumber = 1, queue.BatchInQueue, "50001"
		e := document("us", 0, 1)[0]
		e.Version, e.State = 1, "AStateOfTheFuture"
		require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{sent}, Entries: []queue.Entry{e}}), "what became of a document")
		es, err := st.Entries(t.Context(), queue.EntryQuery{States: []queue.State{"AStateOfTheFuture"}})
		require.NoError(t, err)
		assert.Len(t, es, 1, "entries in a state that only a newer version knows")
	})
	t.Run("in memory", func(t *testing.T) {
		db, err := sql.Open("sqlite", ":memory:")
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		assert.ErrorContains(t, sqlite.Migrate(t.Context(), db), `want "wal"`)
	})
}

func TestWaitingForTheLock(t *testing.T) {
	file := newFile(t)
	_, other := openStore(t, file)
	lock := func(t *testing.T) {
		// The test's context ends before its cleanup, and would roll back by itself.
		tx, err := other.BeginTx(context.WithoutCancel(t.Context()), nil)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, tx.Rollback()) })
	}
	t.Run("longer than busy_timeout", func(t *testing.T) {
		st, err := sqlite.New(t.Context(), openDB(t, file, "_pragma=synchronous(FULL)&_pragma=busy_timeout(20)"))
		require.NoError(t, err)
		lock(t)
		err = st.SaveCell(t.Context(), store.Cell{Name: "cell"})
		assert.ErrorContains(t, err, "for longer than busy_timeout")
		assert.NotErrorIs(t, err, store.ErrConflict)
	})
	t.Run("until the context ends", func(t *testing.T) {
		st, err := sqlite.New(t.Context(), openDB(t, file, "_pragma=synchronous(FULL)&_pragma=busy_timeout(60000)"))
		require.NoError(t, err)
		lock(t)
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		begin := time.Now()
		assert.ErrorIs(t, st.SaveCell(ctx, store.Cell{Name: "cell"}), context.DeadlineExceeded)
		assert.Less(t, time.Since(begin), 10*time.Second, "time until the save gave up")
	})
}

// TestKill has a process save without end, kills it, and compares what it said
// was saved with what is there.
func TestKill(t *testing.T) {
	if file := os.Getenv("TAKEBACK_SAVE_UNTIL_KILLED"); file != "" {
		saveUntilKilled(t, file)
		return
	}
	file := newFile(t)
	openStore(t, file)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "TAKEBACK_SAVE_UNTIL_KILLED="+file)
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make([]byte, 64)
	var read strings.Builder
	for strings.Count(read.String(), "\n") < 20 {
		n, err := said.Read(lines)
		require.NoError(t, err)
		read.Write(lines[:n])
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // tells that it was killed

	st, _ := openStore(t, file)
	id := order.AmazonID{Account: "SELLER", Number: "111-0000001-0000001"}
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{id})
	require.NoError(t, err)
	refunds, err := st.Refunds(t.Context(), refund.Query{})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, ledgers[0].Version, int64(20), "saves that are there, of 20 that returned")
	assert.Len(t, ledgers[0].Postings, int(ledgers[0].Version), "postings, one of each save")
	assert.Len(t, refunds, int(ledgers[0].Version), "refunds, one of each save")
}

func saveUntilKilled(t *testing.T, file string) {
	st, _ := openStore(t, file)
	id := order.AmazonID{Account: "SELLER", Number: "111-0000001-0000001"}
	for {
		ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{id})
		require.NoError(t, err)
		require.NoError(t, st.SaveRefunds(t.Context(), []refund.Change{change(ledgers[0])}))
		fmt.Println("saved")
	}
}
