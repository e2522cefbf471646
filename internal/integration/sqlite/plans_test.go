package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	modernc "modernc.org/sqlite"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store/sqlite"
)

// listener opens connections that tell of every query.
type listener struct {
	file string
	told func(query string, args []driver.NamedValue)
}

func (l listener) Driver() driver.Driver { return nil }

func (l listener) Connect(context.Context) (driver.Conn, error) {
	c, err := (&modernc.Driver{}).Open("file:" + l.file + "?" + durable)
	if err != nil {
		return nil, err
	}
	return heard{c.(conn), l.told}, nil
}

// conn is what the driver's connections can do.
type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type heard struct {
	conn
	told func(string, []driver.NamedValue)
}

func (h heard) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	h.told(query, args)
	return h.conn.QueryContext(ctx, query, args)
}

// TestReadsUseTheirIndexes asks SQLite how it answers each read of a pass. What
// is not bounded by an index, or is put in order afterwards, would cost as much as
// there are entries.
func TestReadsUseTheirIndexes(t *testing.T) {
	var queries []string
	var args [][]any
	db := sql.OpenDB(listener{newFile(t), func(query string, values []driver.NamedValue) {
		if !strings.Contains(query, "FROM takeback_") || strings.Contains(query, "takeback_schema") {
			return
		}
		queries = append(queries, query)
		var vs []any
		for _, v := range values {
			vs = append(vs, v.Value)
		}
		args = append(args, vs)
	}})
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)

	ready := queue.EntryQuery{Accounts: []order.AccountID{"us"}, Feeds: []amazon.FeedType{amazon.RefundFeed}, States: []queue.State{queue.EntryQueued}, ReadyBy: day, Limit: 10}
	with := func(q queue.EntryQuery, change func(*queue.EntryQuery)) func(context.Context) error {
		change(&q)
		return func(ctx context.Context) error {
			_, err := st.Entries(ctx, q)
			return err
		}
	}
	batches := func(q queue.BatchQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Batches(ctx, q)
			return err
		}
	}
	alerts := func(q order.AlertQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Alerts(ctx, q)
			return err
		}
	}
	const byState = "USING INDEX takeback_entries_by_state (state=? AND account=? AND feed=?"
	tests := []struct {
		name  string
		read  func(context.Context) error
		steps []string // each is in the plan
		sorts bool     // few rows, which are sorted
	}{
		{name: "lanes", read: func(ctx context.Context) error { _, err := st.Lanes(ctx, queue.EntryQueued); return err },
			steps: []string{
				"USING COVERING INDEX takeback_entries_lanes (state=?)",
				"USING COVERING INDEX takeback_entries_lanes (state=? AND (account,feed)>(?,?))",
				"SEARCH e USING INTEGER PRIMARY KEY",
			}, sorts: true},
		{name: "counts of all", read: func(ctx context.Context) error { _, err := st.Counts(ctx, ""); return err },
			steps: []string{"SCAN takeback_entries USING COVERING INDEX takeback_entries_counts"}, sorts: true},
		{name: "counts of a company", read: func(ctx context.Context) error { _, err := st.Counts(ctx, "acme"); return err },
			steps: []string{"USING COVERING INDEX takeback_entries_counts (company=?)"}, sorts: true},
		{name: "ready", read: with(ready, func(*queue.EntryQuery) {}), steps: []string{byState + ")"}},
		{name: "ready after a place", read: with(ready, func(q *queue.EntryQuery) { q.After = queue.EntryCursor{QueuedAt: day, ID: "RF1"} }),
			steps: []string{byState + " AND (queued_at,id)>(?,?))"}},
		{name: "ready in several states", read: with(ready, func(q *queue.EntryQuery) { q.States = append(q.States, queue.EntryAwaitingShipment) }),
			steps: []string{"MERGE (UNION ALL)", byState + ")"}},
		{name: "selected", read: with(ready, func(q *queue.EntryQuery) { q.Selected = true }),
			steps: []string{"USING INDEX takeback_entries_selected (state=? AND account=? AND feed=?)"}},
		{name: "of a company in several states", read: with(queue.EntryQuery{Company: "acme", Limit: 50}, func(q *queue.EntryQuery) {
			q.States = []queue.State{queue.EntryQueued, queue.EntryUnknownSent, queue.EntryNeedsDecision}
		}), steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_entries_by_company_state (company=? AND state=?)"}},
		{name: "of a company", read: with(queue.EntryQuery{Company: "acme", Limit: 50}, func(*queue.EntryQuery) {}),
			steps: []string{"USING INDEX takeback_entries_of_company (company=?)"}},
		{name: "of an account in any feed", read: with(ready, func(q *queue.EntryQuery) { q.Feeds = nil }),
			steps: []string{"USING COVERING INDEX takeback_entries_by_state (state=? AND account=?)", "USING INTEGER PRIMARY KEY"}, sorts: true},
		{name: "of a batch", read: with(queue.EntryQuery{Batch: "us-1", Accounts: []order.AccountID{"us"}}, func(*queue.EntryQuery) {}),
			steps: []string{"takeback_entry_batches_of_batch (batch=?)", "sqlite_autoindex_takeback_entries_1 (id=?)"}, sorts: true},
		{name: "of orders", read: with(queue.EntryQuery{Orders: []order.AmazonID{{Account: "us", Number: "1"}}}, func(q *queue.EntryQuery) { q.States = ready.States }),
			steps: []string{"USING INDEX takeback_entries_of_order (account=? AND number=?)"}, sorts: true},
		{name: "batches due", read: batches(queue.BatchQuery{Unapplied: true, DueBy: day}), steps: []string{"takeback_batches_unapplied (due<?)"}, sorts: true},
		{name: "batches of an account", read: batches(queue.BatchQuery{Unapplied: true, Accounts: ready.Accounts, Feeds: ready.Feeds}),
			steps: []string{"takeback_batches_unapplied_of_account (account=?)"}, sorts: true},
		{name: "batches by number", read: batches(queue.BatchQuery{DocumentNumbers: []amazon.FeedID{"1"}, Accounts: ready.Accounts}),
			steps: []string{"takeback_batches_by_document (document_number=?)"}, sorts: true},
		{name: "open alerts", read: alerts(order.AlertQuery{Limit: 10, Accounts: ready.Accounts}),
			steps: []string{"USING INDEX takeback_events_open", "SEARCH c USING INDEX takeback_events_by_key (key=?)"}},
		{name: "open alerts after a place", read: alerts(order.AlertQuery{Limit: 10, After: order.AlertCursor{At: day, Key: "lost/1"}}),
			steps: []string{"USING INDEX takeback_events_open ((done_at,key)>(?,?))"}},
		{name: "closed alerts", read: alerts(order.AlertQuery{Limit: 10, Closed: true}), steps: []string{"USING INDEX takeback_events_alerts"}},
		{name: "an alert", read: alerts(order.AlertQuery{Keys: []string{"lost/1"}}), steps: []string{"SEARCH a USING INDEX takeback_events_by_key (key=?)"}, sorts: true},
		{name: "alerts of an order", read: alerts(order.AlertQuery{Orders: []order.AmazonID{{Account: "us", Number: "1"}}}),
			steps: []string{"SEARCH a USING INDEX takeback_events_of_order (account=? AND number=?)"}, sorts: true},
		{name: "effects", read: func(ctx context.Context) error { _, err := st.Effects(ctx, time.Now(), 10); return err },
			steps: []string{
				"SCAN first USING COVERING INDEX takeback_effects_waiting",
				"SEARCH e USING INDEX takeback_effects_open (company=? AND host_order=?)",
				"SEARCH p USING COVERING INDEX takeback_effects_open (company=? AND host_order=? AND seq<?)",
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			queries, args = nil, nil
			require.NoError(t, tt.read(t.Context()))
			require.Len(t, queries, 1, "a read is one statement")
			plan := explain(t, db, queries[0], args[0])
			for _, step := range tt.steps {
				assert.Contains(t, plan, step)
			}
			assert.Equal(t, tt.sorts, strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") || strings.Contains(plan, "TEMP B-TREE FOR LAST"), "rows are put in order afterwards:\n%s", plan)
		})
	}
}

func explain(t *testing.T, db *sql.DB, query string, args []any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	require.NoError(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		fmt.Fprintln(&plan, detail)
	}
	require.NoError(t, rows.Err())
	return plan.String()
}
