package sqlite_test

import (
	"database/sql"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store/sqlite"
)

// bodies are refunds as the first schema kept them, by ID: what their lines look
// like is what tells whether they are open.
var bodies = map[queue.EntryID]string{
	"RF-open":       `{"ID":"RF-open","Lines":[{"Item":"1","Outcome":"Voided"},{"Item":"2","Outcome":"Open"}]}`,
	"RF-posted":     `{"ID":"RF-posted","Lines":[{"Item":"1","Outcome":"Posted"}]}`,
	"RF-partly":     `{"ID":"RF-partly","Lines":[{"Item":"1","Outcome":"Posted"},{"Item":"2","Outcome":"Voided"}]}`,
	"RF-voided":     `{"ID":"RF-voided","Lines":[{"Item":"1","Outcome":"Voided"},{"Item":"2","Outcome":"Voided"}]}`,
	"RF-unknown":    `{"ID":"RF-unknown","Lines":[{"Item":"1","Outcome":"AnOutcomeOfTheFuture"}]}`,
	"RF-no-lines":   `{"ID":"RF-no-lines","Lines":null}`,
	"RF-bare":       `{"ID":"RF-bare"}`,
	"RF-settled":    `{"ID":"RF-settled","Lines":[{"Item":"1","Outcome":"Posted","Proof":"Settled"}]}`,
	"RF-missing":    `{"ID":"RF-missing","Lines":[{"Item":"1","Outcome":"Posted","Proof":"Missing"}]}`,
	"RF-mismatched": `{"ID":"RF-mismatched","Lines":[{"Item":"1","Outcome":"Posted","Proof":"Mismatched"}]}`,
}

// atVersion1 is a database as the first version of the library left it.
func atVersion1(t *testing.T, file string) *sql.DB {
	t.Helper()
	schema, err := os.ReadFile("../../../store/sqlite/migrations/0001_begin.sql")
	require.NoError(t, err)
	db := openDB(t, file, durable)
	exec := func(stmt string, args ...any) {
		_, err := db.ExecContext(t.Context(), stmt, args...)
		require.NoError(t, err)
	}
	exec("CREATE TABLE takeback_schema (version INTEGER NOT NULL PRIMARY KEY) STRICT")
	exec(string(schema))
	exec("INSERT INTO takeback_schema (version) VALUES (1)")
	const at = "2026-03-08T12:00:00.000000000Z"
	for id, body := range bodies {
		exec(`INSERT INTO takeback_refunds (id, company, host_order, account, number, origin, rma, key, currency, issued_at, body, version)
			VALUES (?, 'acme', 'SO-1', 'us', '1', 'Order', '', ?, 'USD', ?, ?, 3)`, string(id), string(id), at, body)
	}
	exec(`INSERT INTO takeback_cancellations (id, company, host_order, account, number, key, outcome, requested_at, body, version)
		VALUES ('CN1', 'acme', 'SO-2', 'us', '2', 'CN1', 'Accepted', ?, '{"ID":"CN1","Outcome":"Accepted"}', 2)`, at)
	exec(`INSERT INTO takeback_rmas (id, company, host_order, account, number, source_rma, status, created_at, body, version)
		VALUES ('RM1', 'acme', 'SO-1', 'us', '1', 'D1RRMA', 'Open', ?, '{"ID":"RM1","Status":"Open"}', 1)`, at)
	exec(`INSERT INTO takeback_heads (account, number, version) VALUES ('us', '1', 12)`)
	exec(`INSERT INTO takeback_events (account, number, seq, kind, subject, text, key, role, done_by, done_at, why, open)
		VALUES ('us', '1', 1, 'Alert', 'refund RF-open', 'lost', 'lost/1', 'Operator', 'queue', ?, '', 1)`, at)
	return db
}

// A database with rows in it answers, once it is brought up to date, what a new one
// would.
func TestMigrateFromVersion1(t *testing.T) {
	db := atVersion1(t, newFile(t))
	_, err := sqlite.New(t.Context(), db)
	require.ErrorContains(t, err, "schema version is 1, want 2: call sqlite.Migrate first")
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)

	all, err := st.Refunds(t.Context(), refund.Query{})
	require.NoError(t, err)
	require.Len(t, all, len(bodies))
	for name, q := range map[string]refund.Query{
		"all": {Open: true}, "of an account": {Open: true, Accounts: []order.AccountID{"us"}}, "of a company": {Open: true, Company: "acme"},
	} {
		// The bodies above have no order: what is asked for beside Open stands in columns.
		want := slices.DeleteFunc(slices.Clone(all), func(r refund.Refund) bool { return !refund.Query{Open: true}.Match(r) })
		require.Len(t, want, 4)
		got, err := st.Refunds(t.Context(), q)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(want, got, cmpopts.EquateEmpty()), "open refunds %s", name)
	}

	cancellations, err := st.Cancellations(t.Context(), cancel.Query{LookBy: day.AddDate(1, 0, 0)})
	require.NoError(t, err)
	assert.Empty(t, cancellations, "cancellations to look at, of which nobody said when")
	cancellations, err = st.Cancellations(t.Context(), cancel.Query{})
	require.NoError(t, err)
	assert.Len(t, cancellations, 1)
	rmas, err := st.RMAs(t.Context(), rma.Query{Company: "acme", Statuses: []rma.Status{rma.Open}})
	require.NoError(t, err)
	assert.Len(t, rmas, 1)
	alerts, err := st.Alerts(t.Context(), order.AlertQuery{})
	require.NoError(t, err)
	want := []order.Alert{{Event: order.Event{
		Order: order.AmazonID{Account: "us", Number: "1"}, Seq: 1, Kind: order.EventAlert, Subject: "refund RF-open", Text: "lost",
		Key: "lost/1", For: order.Operator, Stamp: order.Stamp{By: "queue", At: day},
	}}}
	assert.Empty(t, cmp.Diff(want, alerts))

	// What is saved anew keeps what it is, and what became of it.
	voided := all[slices.IndexFunc(all, func(r refund.Refund) bool { return r.ID == "RF-voided" })]
	voided.HostOrder, voided.Order, voided.Issued.At = order.ID{Company: "acme", Number: "SO-1"}, want[0].Order, day
	voided.Lines[0].Outcome = refund.LineOpen // tried again
	require.NoError(t, st.SaveRefunds(t.Context(), []refund.Change{{Refunds: []refund.Refund{voided}, Writes: order.Writes{Order: voided.Order, Version: 12}}}))
	open, err := st.Refunds(t.Context(), refund.Query{Open: true, Accounts: []order.AccountID{"us"}})
	require.NoError(t, err)
	assert.Len(t, open, 5, "open refunds after one of them was tried again")
}
