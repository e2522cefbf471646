package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// setMode says in which mode waiting entries were asked for.
func (w *world) setMode(m settings.Mode, ids ...queue.EntryID) {
	w.t.Helper()
	for _, id := range ids {
		e := w.get(id)
		e.Mode = m
		require.NoError(w.t, w.store.SaveQueue(w.t.Context(), queue.Change{Entries: []queue.Entry{e}}))
	}
}

// What waited for a person, or for its batch, does not go by itself when Queue is
// switched off; a person can still send it.
func TestQueueOffLeavesWhatWaitsToAPerson(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
		w.setMode(settings.Manual, ids[0])
		w.setMode(settings.Auto, ids[1])
		w.setMode(settings.Direct, ids[2])
		q := w.queue()
		w.pass(q, 3*time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryQueued, queue.EntryAccepted}, w.states(ids...))

		_, err := q.Process(w.t.Context(), "boss", ids[:2]...)
		require.NoError(w.t, err)
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
	})
}

// An entry that waits for another of its order for hours does not make Auto send
// whatever comes at once.
func TestAutoKeepsItsIntervalBesideABlockedEntry(t *testing.T) {
	in(t, func(w *world) {
		w.settings = settings.Settings{Queue: true, AutoSubmit: true}
		w.amazon.noReport = true
		w.request(asked{order: 1}, asked{order: 1})
		q := w.queue()
		w.pass(q, 2*time.Hour) // the first one's result is unknown, the second one waits for it
		w.amazon.noReport = false
		sent := len(w.amazon.sent())
		for i := range 10 {
			w.request(asked{order: 10 + i})
			w.pass(q, 2*time.Minute)
		}
		w.pass(q, time.Hour)
		assert.Len(w.t, w.amazon.sent(), sent+1, "ten requests in twenty minutes are one document")
	})
}

// Batches of an account that is not listed any more are named, not forgotten.
func TestUnlistedAccountIsNamed(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInQueue
		w.request(asked{order: 1})
		q := w.queue()
		w.step(q)
		time.Sleep(time.Minute)
		w.accounts = amazon.AccountList{account("other", "acme")}
		_, err := w.queue().Step(w.t.Context())
		require.ErrorContains(w.t, err, "account us: Accounts: it is not listed")
	})
}

// Law 15: what happens to a request on its way stands in the order's journal.
func TestTheWayToAmazonIsInTheJournal(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.answers = []answer{{err: errLost}}
		id := w.request(asked{order: 1})[0]
		w.pass(w.queue(), time.Hour)
		require.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)

		events, err := w.store.Events(w.t.Context(), w.get(id).Order)
		require.NoError(w.t, err)
		var told []string
		for _, e := range events {
			told = append(told, string(e.Kind)+" "+string(e.Stamp.By)+" "+e.Text[:9])
			assert.Equal(w.t, "refund "+string(id), e.Subject)
			assert.False(w.t, e.At.IsZero())
		}
		assert.Equal(w.t, []string{"Result Direct Claimed. ", "Result queue Submittin", "Result queue UnknownSe"}, told)
	})
}

// So does who chose it, and what it waits for: once, however often that is looked at.
func TestWhatARequestWaitsForIsInTheJournal(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		id := w.request(asked{order: 1})[0]
		shipped := epoch.Add(2 * time.Hour)
		w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			if w.now().Before(shipped) {
				ps[0].Aside = &queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped"}
			}
			return ps, nil
		}
		q := w.queue()
		chosen, err := q.Process(w.t.Context(), "olga", id)
		require.NoError(w.t, err)
		w.pass(q, 3*time.Hour)
		require.Equal(w.t, queue.EntryAccepted, w.get(id).State)

		events, err := w.store.Events(w.t.Context(), w.get(id).Order)
		require.NoError(w.t, err)
		var told []string
		for _, e := range events {
			if e.Kind == order.EventChanged {
				told = append(told, e.Stamp.By+": "+e.Text)
			}
		}
		assert.Equal(w.t, []string{"olga: chosen for batch " + string(chosen[0].Batch), "queue: AwaitingShipment. not shipped"}, told)
	})
}
