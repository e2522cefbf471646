package memory_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

var noon = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// many is a number of entries that no list keeps in one piece.
const many = 300

// drawnEntry is one of many entries, wherever its state, selection and attempts
// have it listed.
func drawnEntry(t *rapid.T, n int) queue.Entry {
	e := queue.Entry{
		ID: queue.EntryID(fmt.Sprintf("RF%05d", n)), Kind: queue.KindRefund,
		Feed:     rapid.SampledFrom([]amazon.FeedType{amazon.RefundFeed, amazon.CancelFeed}).Draw(t, "feed"),
		Order:    order.AmazonID{Account: drawnAccount(t), Number: fmt.Sprintf("111-0000000-%07d", n/3)},
		State:    rapid.SampledFrom(states).Draw(t, "state"),
		QueuedAt: noon.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "queued")) * time.Second),
	}
	if rapid.Bool().Draw(t, "selected") {
		e.Selection = &queue.Selection{Batch: drawnBatch(t), By: "boss", At: noon}
	}
	for range rapid.IntRange(0, 2).Draw(t, "attempts") {
		e.Attempts = append(e.Attempts, queue.Attempt{Batch: drawnBatch(t), At: noon})
	}
	return e
}

var states = []queue.State{queue.EntryQueued, queue.EntryClaimed, queue.EntryAccepted}

func drawnAccount(t *rapid.T) order.AccountID {
	return rapid.SampledFrom([]order.AccountID{"us", "de"}).Draw(t, "account")
}

func drawnBatch(t *rapid.T) queue.BatchID {
	return rapid.SampledFrom([]queue.BatchID{"us-1", "us-2", "us-3"}).Draw(t, "batch")
}

// Whatever was saved, saved anew and taken back by a conflict, a query answers
// what its Match says.
func TestQueriesFindWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st, rows := memory.New(), map[queue.EntryID]queue.Entry{}
		var begin []queue.Entry
		for i := range many {
			n := i * 101 % many // neither first to last nor last to first
			begin = append(begin, queue.Entry{
				ID: queue.EntryID(fmt.Sprintf("RF%05d", n)), Feed: amazon.RefundFeed, State: queue.EntryQueued,
				Order: order.AmazonID{Account: "us", Number: fmt.Sprintf("111-0000000-%07d", n/3)}, QueuedAt: noon.Add(time.Duration(n/7) * time.Second),
			})
		}
		save(t, st, rows, begin)

		for range rapid.IntRange(0, 4).Draw(t, "saves") {
			from, step := rapid.IntRange(0, many-1).Draw(t, "from"), rapid.SampledFrom([]int{1, 2, 70}).Draw(t, "step")
			like := drawnEntry(t, 0)
			var es []queue.Entry
			for n := from; n < min(many, from+rapid.SampledFrom([]int{1, 250}).Draw(t, "until")*step); n += step {
				e := like
				e.ID = queue.EntryID(fmt.Sprintf("RF%05d", n))
				e.Version = rows[e.ID].Version
				es = append(es, e)
			}
			if rapid.Bool().Draw(t, "conflict") {
				es = append(es, queue.Entry{ID: "RF00000", Version: 99})
				require.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Entries: es}), store.ErrConflict)
				continue
			}
			save(t, st, rows, es)
		}
		for range 20 {
			q := drawnQuery(t)
			got, err := st.Entries(t.Context(), q)
			require.NoError(t, err)
			assert.Empty(t, cmp.Diff(matching(rows, q), got), "%+v", q)
		}
	})
}

func save(t *rapid.T, st *memory.Store, rows map[queue.EntryID]queue.Entry, es []queue.Entry) {
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: es}))
	for _, e := range es {
		e.Version++
		rows[e.ID] = e
	}
}

func drawnQuery(t *rapid.T) queue.EntryQuery {
	like := drawnEntry(t, rapid.IntRange(0, many-1).Draw(t, "like"))
	sometimes := func(of string) bool { return rapid.Bool().Draw(t, of) }
	q := queue.EntryQuery{Selected: rapid.IntRange(0, 3).Draw(t, "selected only") == 3, Limit: rapid.IntRange(0, 9).Draw(t, "limit")}
	lists := rapid.SampledFrom([]string{"a state", "a state", "an order", "a batch", "an ID", "any"}).Draw(t, "by")
	if lists == "a state" || sometimes("of accounts") {
		q.Accounts = []order.AccountID{like.Order.Account, drawnAccount(t)}
	}
	if lists == "a state" || sometimes("of feeds") {
		q.Feeds = []amazon.FeedType{like.Feed, amazon.RefundFeed}
	}
	if lists == "a state" || sometimes("in states") {
		q.States = []queue.State{like.State, rapid.SampledFrom(states).Draw(t, "another")}
	}
	if lists == "an order" {
		q.Orders = []order.AmazonID{{Account: "us", Number: like.Order.Number}, like.Order, like.Order}
	}
	if lists == "a batch" {
		q.Batch = drawnBatch(t)
	}
	if lists == "an ID" {
		q.IDs = []queue.EntryID{like.ID, "nobody", "RF00001", like.ID}
	}
	if sometimes("after a place") {
		q.After = like.Cursor()
	}
	return q
}

func matching(rows map[queue.EntryID]queue.Entry, q queue.EntryQuery) []queue.Entry {
	place := func(a, b queue.EntryCursor) int {
		if c := a.QueuedAt.Compare(b.QueuedAt); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	}
	var out []queue.Entry
	for e := range maps.Values(rows) {
		if q.Match(e) && (q.After == queue.EntryCursor{} || place(e.Cursor(), q.After) > 0) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b queue.Entry) int { return place(a.Cursor(), b.Cursor()) })
	if q.Limit > 0 {
		out = out[:min(q.Limit, len(out))]
	}
	return out
}
