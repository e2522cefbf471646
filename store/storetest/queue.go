package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// queuePromises are what paying at most once rests on.
func queuePromises() []promise {
	return []promise{
		{"cells/lease",
			"Of several who take over a lease, by saving the cell on the version that they read, exactly one has it; the others answer ErrConflict.",
			checkLease},
		{"queue/right to send",
			"Of several saves that take a batch from Uploaded to Submitting on one version exactly one succeeds, whatever else is in them.",
			checkRightToSend},
		{"queue/one batch of a type",
			"Of two saves that each send a batch of their own and carry the other's version exactly one succeeds.",
			checkOneOfTwoBatches},
		{"queue/claim",
			"Of several saves that claim entries of one Amazon order, each its own entry, exactly one succeeds.",
			checkClaim},
		{"queue/adoption",
			"Of several batches of an account that adopt one DocumentNumber at once exactly one succeeds.",
			checkAdoption},
		{"queue/reference",
			"Lanes, Counts and Entries answer what follows from the entries that are stored, whatever was saved, saved anew and taken back by a conflict.",
			checkReference},
		{"journal/keys",
			"A row whose key is there already is not appended again, in whichever save, by whom and about which order it comes; rows without a key are.",
			checkKeys},
		{"journal/key at once",
			"Of several saves that append a row with one key at once all succeed, and one row is appended.",
			checkKeyAtOnce},
		{"alerts/closing",
			"Alerts answers the alerts that have a key and that no row of kind Closed closes; asked for, the closed ones too, and who closed them first.",
			checkClosing},
		{"alerts/conflict",
			"A save that conflicts changes nothing: it raises no alert and closes none.",
			checkAlertConflict},
		{"alerts/select",
			"Alerts answers what its query's Match says, in the order of At and Key; After and Limit walk it page by page.",
			checkAlerts},
	}
}

// won counts the saves that succeeded, and expects ErrConflict of the others.
func won(t *testing.T, errs []error) (winners []int) {
	t.Helper()
	for i, err := range errs {
		if err == nil {
			winners = append(winners, i)
			continue
		}
		assert.ErrorIs(t, err, store.ErrConflict, "what the others answer")
	}
	return winners
}

func checkLease(t *testing.T, st takeback.Store) {
	for range 3 { // free, then held and taken over
		cells, err := st.Cells(t.Context(), []string{"lease"})
		require.NoError(t, err)
		read := store.Cell{Name: "lease"}
		if len(cells) > 0 {
			read = cells[0]
		}
		winners := won(t, concurrently(func(i int) error {
			mine := read
			mine.Data = fmt.Appendf(nil, "worker %d", i)
			return st.SaveCell(t.Context(), mine)
		}))
		require.Len(t, winners, 1, "workers that have the lease")
		cells, err = st.Cells(t.Context(), []string{"lease"})
		require.NoError(t, err)
		same(t, []store.Cell{{Name: "lease", Version: read.Version + 1, Data: fmt.Appendf(nil, "worker %d", winners[0])}}, cells)
	}
}

// uploaded is a batch whose document is uploaded.
func uploaded(n int) queue.Batch {
	b := batchRow(n)
	b.State, b.DocumentNumber = queue.BatchUploaded, ""
	b.Messages = nil
	return b
}

func submitting(b queue.Batch) queue.Batch {
	b.Version, b.State = 1, queue.BatchSubmitting
	b.Sends++
	return b
}

func states(t *testing.T, st takeback.Store, s queue.BatchState) []queue.Batch {
	t.Helper()
	bs, err := st.Batches(t.Context(), queue.BatchQuery{States: []queue.BatchState{s}})
	require.NoError(t, err)
	return bs
}

func checkRightToSend(t *testing.T, st takeback.Store) {
	var others []queue.Batch
	for i := range workers {
		others = append(others, uploaded(i+2))
	}
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: append(others, uploaded(1))}))
	winners := won(t, concurrently(func(i int) error {
		mine := submitting(uploaded(1))
		mine.Why = fmt.Sprint(i)
		also := others[i]
		also.Version = 1
		return st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{also, mine}, Entries: []queue.Entry{entryRow(i + 1)}})
	}))
	require.Len(t, winners, 1, "workers that may send")
	want := submitting(uploaded(1))
	want.Version, want.Why = 2, fmt.Sprint(winners[0])
	same(t, []queue.Batch{want}, states(t, st, queue.BatchSubmitting))
	es, err := st.Entries(t.Context(), queue.EntryQuery{})
	require.NoError(t, err)
	require.Len(t, es, 1, "entries, of which each save had one")
	assert.Equal(t, entryRow(winners[0]+1).ID, es[0].ID, "the winner's entry")
}

func checkOneOfTwoBatches(t *testing.T, st takeback.Store) {
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{uploaded(0), uploaded(1)}}))
	winners := won(t, concurrently(func(i int) error {
		other := uploaded(1 - i%2)
		other.Version = 1
		return st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{other, submitting(uploaded(i % 2))}})
	}))
	require.Len(t, winners, 1, "workers that may send")
	want := submitting(uploaded(winners[0] % 2))
	want.Version = 2
	same(t, []queue.Batch{want}, states(t, st, queue.BatchSubmitting))
}

func checkClaim(t *testing.T, st takeback.Store) {
	save(t, st, filled(1, 0))
	var es []queue.Entry
	for i := range workers {
		e := entryRow(i + 1)
		e.Order, e.State = amazonOrder(1), queue.EntryQueued
		es = append(es, e)
	}
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: es}))
	winners := won(t, concurrently(func(i int) error {
		e, b := es[i], batchRow(i)
		e.Version, e.State = 1, queue.EntryClaimed
		return st.SaveQueue(t.Context(), queue.Change{
			Batches: []queue.Batch{b}, Entries: []queue.Entry{e}, Orders: []order.Writes{{Order: e.Order, Version: 1}},
			Events: []order.Event{event(e.Order, 2)},
		})
	}))
	require.Len(t, winners, 1, "claims that succeeded")
	claimed, err := st.Entries(t.Context(), queue.EntryQuery{States: []queue.State{queue.EntryClaimed}})
	require.NoError(t, err)
	require.Len(t, claimed, 1, "entries that are claimed")
	assert.Equal(t, es[winners[0]].ID, claimed[0].ID, "entry that is claimed")
	bs, err := st.Batches(t.Context(), queue.BatchQuery{})
	require.NoError(t, err)
	assert.Len(t, bs, 1, "batches")
	events, err := st.Events(t.Context(), amazonOrder(1))
	require.NoError(t, err)
	same(t, []order.Event{event(amazonOrder(1), 1), event(amazonOrder(1), 2)}, events)
	assert.Equal(t, int64(2), writes(t, st, amazonOrder(1))[0].Version, "head after the claims")
}

func checkAdoption(t *testing.T, st takeback.Store) {
	var bs []queue.Batch
	for i := range workers {
		bs = append(bs, uploaded(i))
	}
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Batches: bs}))
	winners := won(t, concurrently(func(i int) error {
		b := bs[i]
		b.Version, b.DocumentNumber = 1, "50001"
		return st.SaveQueue(t.Context(), queue.Change{Batches: []queue.Batch{b}})
	}))
	require.Len(t, winners, 1, "batches that adopted the feed")
	got, err := st.Batches(t.Context(), queue.BatchQuery{Accounts: []order.AccountID{bs[0].Account}, DocumentNumbers: []amazon.FeedID{"50001"}})
	require.NoError(t, err)
	require.Len(t, got, 1, "batches with the number")
	assert.Equal(t, bs[winners[0]].ID, got[0].ID, "batch with the number")
}

// some draws one of several values.
func some[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// drawnEntry is an entry as it may stand anywhere.
func drawnEntry(r *rand.Rand, n int) queue.Entry {
	account := some(r, order.AccountID("a"), "b", "c")
	e := queue.Entry{
		ID: queue.EntryID(fmt.Sprintf("RF%03d", n)), Kind: some(r, queue.KindRefund, queue.KindCancellation),
		Feed:      some(r, amazon.RefundFeed, amazon.CancelFeed, "FUTURE"),
		HostOrder: order.ID{Company: some(r, order.CompanyID("x"), "y"), Number: "SO-1"}, Order: order.AmazonID{Account: account, Number: "111"},
		State:     some(r, queue.EntryQueued, queue.EntryUnknownSent, queue.EntryAccepted, "Future"),
		NotBefore: some(r, time.Time{}, noon, at(r.IntN(5)), at(r.IntN(5))), QueuedAt: at(r.IntN(5)),
	}
	e.Selection = some(r, nil, &queue.Selection{Batch: "a-1", At: noon})
	e.Attempts = some(r, nil, []queue.Attempt{{Batch: "a-1", At: noon}}, []queue.Attempt{{Batch: "a-1", At: noon}, {Batch: "a-2", At: noon}})
	return e
}

// manyAccounts are more than a statement may have parts.
var manyAccounts = fillIDs([]order.AccountID{"a", "b"}, func(a order.AccountID) order.AccountID { return a }, 1000)

func drawnQuery(r *rand.Rand) queue.EntryQuery {
	q := queue.EntryQuery{
		States: some(r, nil, []queue.State{queue.EntryQueued}, []queue.State{"Future", queue.EntryQueued, queue.EntryUnknownSent, "Future"}),
		Feeds:  some(r, nil, []amazon.FeedType{amazon.RefundFeed}, []amazon.FeedType{"FUTURE", amazon.CancelFeed}),
		Batch:  some(r, "", "", "", queue.BatchID("a-1")), Selected: r.IntN(3) == 0, Limit: r.IntN(5),
		Accounts: some(r, nil, []order.AccountID{"a"}, []order.AccountID{"c", "b", "c", "nobody"}, manyAccounts),
		Company:  some(r, order.CompanyID(""), "", "x"),
		ReadyBy:  some(r, time.Time{}, noon, at(2)),
	}
	if r.IntN(3) == 0 {
		q.After = queue.EntryCursor{QueuedAt: at(r.IntN(5)), ID: queue.EntryID(fmt.Sprintf("RF%03d", r.IntN(40)))}
	}
	return q
}

func checkReference(t *testing.T, st takeback.Store) {
	r := rand.New(rand.NewPCG(4, 2026))
	rows := map[queue.EntryID]queue.Entry{}
	for range 40 {
		var es []queue.Entry
		for _, n := range r.Perm(40)[:1+r.IntN(8)] {
			e := drawnEntry(r, n)
			e.Version = rows[e.ID].Version
			es = append(es, e)
		}
		if r.IntN(4) == 0 {
			late := entryRow(500)
			late.Version = 7
			require.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Entries: append(es, late)}), store.ErrConflict)
		} else {
			require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: es}))
			for _, e := range es {
				e.Version++
				rows[e.ID] = e
			}
		}
		asked := [][]queue.State{{}, {queue.EntryQueued}, {"Future", queue.EntryQueued, "Future", "nothing"}}[r.IntN(3)]
		ls, err := st.Lanes(t.Context(), asked...)
		require.NoError(t, err)
		same(t, lanes(rows, asked), ls)
		company := some(r, order.CompanyID(""), "x", "nobody")
		cs, err := st.Counts(t.Context(), company)
		require.NoError(t, err)
		same(t, countsOf(rows, company), cs)
		for range 10 {
			q := drawnQuery(r)
			got, err := st.Entries(t.Context(), q)
			require.NoError(t, err)
			same(t, matching(rows, q), got)
		}
	}
}

// lanes is what Lanes should answer.
func lanes(rows map[queue.EntryID]queue.Entry, states []queue.State) []queue.Lane {
	ready := map[queue.Lane]time.Time{}
	for _, e := range rows {
		l := queue.Lane{Account: e.Order.Account, Feed: e.Feed, State: e.State}
		if earliest, seen := ready[l]; slices.Contains(states, e.State) && (!seen || e.NotBefore.Before(earliest)) {
			ready[l] = e.NotBefore
		}
	}
	var ls []queue.Lane
	for l, earliest := range ready {
		l.Ready = earliest
		ls = append(ls, l)
	}
	slices.SortFunc(ls, func(a, b queue.Lane) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Feed, b.Feed), cmp.Compare(a.State, b.State))
	})
	return ls
}

// countsOf is what Counts should answer.
func countsOf(rows map[queue.EntryID]queue.Entry, company order.CompanyID) []queue.Count {
	counts := map[queue.Count]queue.Count{}
	for _, e := range rows {
		key := queue.Count{Account: e.Order.Account, Company: e.HostOrder.Company, Feed: e.Feed, Kind: e.Kind, State: e.State}
		if company != "" && company != key.Company {
			continue
		}
		c, seen := counts[key]
		if !seen || e.QueuedAt.Before(c.Oldest) {
			c.Oldest = e.QueuedAt
		}
		key.Entries, key.Oldest = c.Entries+1, c.Oldest
		counts[queue.Count{Account: key.Account, Company: key.Company, Feed: key.Feed, Kind: key.Kind, State: key.State}] = key
	}
	var cs []queue.Count
	for _, c := range counts {
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(a, b queue.Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Company, b.Company), cmp.Compare(a.Feed, b.Feed),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	return cs
}

// matching is what Entries should answer.
func matching(rows map[queue.EntryID]queue.Entry, q queue.EntryQuery) []queue.Entry {
	compare := func(a, b queue.EntryCursor) int {
		return cmp.Or(a.QueuedAt.Compare(b.QueuedAt), strings.Compare(string(a.ID), string(b.ID)))
	}
	var out []queue.Entry
	for _, e := range rows {
		if q.Match(e) && (q.After == queue.EntryCursor{} || compare(e.Cursor(), q.After) > 0) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b queue.Entry) int { return compare(a.Cursor(), b.Cursor()) })
	if q.Limit > 0 {
		out = out[:min(q.Limit, len(out))]
	}
	return out
}
