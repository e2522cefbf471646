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
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
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
	accounts, others := []order.AccountID{"us"}, []order.AmazonID{{Account: "us", Number: "1"}}
	issued := func(q refund.Query) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Refunds(ctx, q)
			return err
		}
	}
	returns := func(q rma.ReturnQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Returns(ctx, q)
			return err
		}
	}
	wishes := func(q cancel.RequestQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.BuyerRequests(ctx, q)
			return err
		}
	}
	settlements := func(q settlement.Query) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Settlements(ctx, q)
			return err
		}
	}
	bookings := func(q settlement.BookingQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := st.Bookings(ctx, q)
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

		{name: "open refunds of accounts", read: issued(refund.Query{Open: true, Accounts: []order.AccountID{"us", "eu"}, Limit: 10, After: refund.Cursor{IssuedAt: day, ID: "RF1"}}),
			steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_refunds_open (account=? AND (issued_at,id)>(?,?))"}},
		{name: "open refunds of a company", read: issued(refund.Query{Open: true, Company: "acme", Limit: 10}),
			steps: []string{"USING INDEX takeback_refunds_open_of_company (company=?)"}},
		{name: "refunds of an account", read: issued(refund.Query{Accounts: accounts, Limit: 10}), steps: []string{"USING INDEX takeback_refunds_of_account (account=?)"}},
		{name: "open refunds of orders", read: issued(refund.Query{Open: true, Accounts: accounts, Orders: others}),
			steps: []string{"USING INDEX takeback_refunds_of_order (account=? AND number=?)"}, sorts: true},
		{name: "cancellations to look at", read: func(ctx context.Context) error {
			_, err := st.Cancellations(ctx, cancel.Query{LookBy: day, Company: "acme", Limit: 10})
			return err
		}, steps: []string{"USING INDEX takeback_cancellations_to_look_at (look_at<?)"}, sorts: true},
		{name: "RMAs to look at", read: func(ctx context.Context) error {
			_, err := st.RMAs(ctx, rma.Query{LookBy: day, Statuses: []rma.Status{rma.Open}, Limit: 10})
			return err
		}, steps: []string{"USING INDEX takeback_rmas_to_look_at (look_at<?)"}, sorts: true},
		{name: "RMAs of a company in two states", read: func(ctx context.Context) error {
			_, err := st.RMAs(ctx, rma.Query{Company: "acme", Statuses: []rma.Status{rma.Open, rma.Closed}, Limit: 10, After: rma.Cursor{CreatedAt: day, ID: "RM1"}})
			return err
		}, steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_rmas_by_status (company=? AND status=? AND (created_at,id)>(?,?))"}},
		{name: "returns of an account in two states", read: returns(rma.ReturnQuery{Accounts: accounts, States: []rma.ReturnState{rma.ReturnUnmatched, rma.ReturnAmbiguous}, Limit: 10,
			After: rma.Cursor{CreatedAt: day, ID: "RT1"}}),
			steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_returns_by_state (account=? AND state=? AND (first_at,id)>(?,?))"}},
		{name: "returns of a company in a state", read: returns(rma.ReturnQuery{Company: "acme", States: []rma.ReturnState{rma.ReturnUnmatched}, Limit: 10}),
			steps: []string{"USING INDEX takeback_returns_by_company_state (company=? AND state=?)"}},
		{name: "returns of an account", read: returns(rma.ReturnQuery{Accounts: accounts, Company: "acme", Limit: 10}), steps: []string{"USING INDEX takeback_returns_of_account (account=?)"}},
		{name: "returns of orders", read: returns(rma.ReturnQuery{Orders: others, Accounts: accounts}),
			steps: []string{"USING INDEX takeback_returns_of_order (account=? AND number=?)"}, sorts: true},
		{name: "wishes to look at", read: wishes(cancel.RequestQuery{LookBy: day, States: []cancel.RequestState{cancel.Undecided}, Limit: 10}),
			steps: []string{"USING INDEX takeback_requests_to_look_at (look_at<?)"}, sorts: true},
		{name: "wishes of a company in two states", read: wishes(cancel.RequestQuery{Company: "acme", States: []cancel.RequestState{cancel.Undecided, cancel.RequestAccepted}, Limit: 10,
			After: cancel.RequestCursor{Deadline: day, Key: cancel.RequestKey{Order: others[0], Item: "1"}}}),
			steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_requests_by_company_state (company=? AND state=? AND (deadline,account,number,item)>(?,?,?,?))"}},
		{name: "wishes in a state", read: wishes(cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}, Limit: 10}),
			steps: []string{"USING INDEX takeback_requests_by_state (state=?)"}},
		{name: "wishes of orders", read: wishes(cancel.RequestQuery{Orders: others}), steps: []string{"sqlite_autoindex_takeback_requests_1 (account=? AND number=?)"}, sorts: true},
		{name: "a settlement", read: settlements(settlement.Query{IDs: []settlement.ID{{Account: "us", Number: "1"}}}),
			steps: []string{"sqlite_autoindex_takeback_settlements_1 (account=? AND settlement=?)"}, sorts: true},
		{name: "settlements of an account", read: settlements(settlement.Query{Accounts: accounts, Currencies: []order.Currency{"USD"}, Limit: 10}),
			steps: []string{"USING INDEX takeback_settlements_of_account (account=?)"}},
		{name: "settlements of a company", read: settlements(settlement.Query{Company: "acme", Limit: 10}),
			steps: []string{"USING INDEX takeback_settlements_of_company (company=?)"}},
		{name: "bookings of orders", read: bookings(settlement.BookingQuery{Orders: others, Accounts: accounts}),
			steps: []string{"USING INDEX takeback_bookings_of_order (account=? AND number=?)"}, sorts: true},
		{name: "bookings of settlements", read: bookings(settlement.BookingQuery{Settlements: []settlement.ID{{Account: "us", Number: "1"}, {Account: "us", Number: "2"}}, Limit: 10,
			After: settlement.BookingCursor{PostedAt: day, ID: "us/1/1"}}),
			steps: []string{"MERGE (UNION ALL)", "USING INDEX takeback_bookings_of_settlement (settlement_account=? AND settlement=? AND (posted_at,id)>(?,?))"}},
		{name: "bookings of an account taken for something", read: bookings(settlement.BookingQuery{Accounts: accounts, Matches: []settlement.Match{settlement.MatchUnknownOrder}, Limit: 10}),
			steps: []string{"USING INDEX takeback_bookings_by_result (account=? AND result=?)"}},
		{name: "bookings of a company taken for something", read: bookings(settlement.BookingQuery{Company: "acme", Matches: []settlement.Match{settlement.MatchUnknownOrder}, Limit: 10}),
			steps: []string{"USING INDEX takeback_bookings_by_company_result (company=? AND result=?)"}},
		{name: "bookings of an account", read: bookings(settlement.BookingQuery{Accounts: accounts, Limit: 10}), steps: []string{"USING INDEX takeback_bookings_of_account (account=?)"}},
		{name: "bookings of a company", read: bookings(settlement.BookingQuery{Company: "acme", Limit: 10}), steps: []string{"USING INDEX takeback_bookings_of_company (company=?)"}},
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
