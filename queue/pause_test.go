package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// Pause stops one account, or all of a company, and nothing else; what was sent is
// followed.
func TestPause(t *testing.T) {
	const queued, sent, accepted = queue.EntryQueued, queue.EntrySubmitted, queue.EntryAccepted
	tests := []struct {
		scope queue.Scope
		want  []queue.State // of us and de, which are acme's, and uk, which is bolt's
	}{
		{queue.Scope{Account: "us"}, []queue.State{queued, sent, sent}},
		{queue.Scope{Company: "acme"}, []queue.State{queued, queued, sent}},
		{queue.Scope{Company: "bolt"}, []queue.State{sent, sent, queued}},
		{queue.Scope{Account: "fr"}, []queue.State{sent, sent, sent}}, // has nothing to send
	}
	for _, tt := range tests {
		t.Run(tt.scope.String(), func(t *testing.T) {
			in(t, func(w *world) {
				w.accounts = append(w.accounts, account("de", "acme"), account("uk", "bolt"), account("fr", "cord"))
				q := w.queue()
				before := w.request(asked{order: 9})[0]
				w.step(q)
				require.NoError(w.t, q.Pause(w.t.Context(), "boss", "stocktaking", tt.scope))
				ids := w.request(asked{order: 1}, asked{order: 2, account: "de", company: "acme"}, asked{order: 3, account: "uk", company: "bolt"})
				w.step(q)
				assert.Equal(w.t, tt.want, w.states(ids...))
				paused, err := w.queue().Paused(w.t.Context(), tt.scope)
				require.NoError(w.t, err)
				assert.Equal(w.t, [2]string{"boss", "stocktaking"}, [2]string{paused.By, paused.Why})
				w.pass(q, time.Hour)
				assert.Equal(w.t, accepted, w.get(before).State, "what was sent is followed")

				require.NoError(w.t, q.Resume(w.t.Context(), "boss", "counted", tt.scope))
				w.pass(q, 5*time.Minute)
				assert.Equal(w.t, []queue.State{accepted, accepted, accepted}, w.states(ids...))
				paused, err = q.Paused(w.t.Context(), tt.scope)
				require.NoError(w.t, err)
				assert.Zero(w.t, paused)
			})
		})
	}
}

// While an account is paused, people go on: a chosen entry waits, and can be
// rejected.
func TestPauseStopsWhatPeopleChoseToo(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		q := w.queue()
		require.NoError(w.t, q.Pause(w.t.Context(), "boss", "stocktaking", queue.Scope{Account: "us"}))
		ids := w.request(asked{order: 1}, asked{order: 2})
		_, err := q.Process(w.t.Context(), "clerk", ids...)
		require.NoError(w.t, err)
		w.pass(q, time.Hour)
		require.NoError(w.t, q.Reject(w.t.Context(), "clerk", "no", ids[0]))
		assert.Equal(w.t, []queue.State{queue.EntryRejected, queue.EntryQueued}, w.states(ids...))
		assert.Zero(w.t, w.amazon.begins)
	})
}

// The pause is asked last: one that comes between the claim and the commit to
// send still stops the document, which goes when the pause ends.
func TestPauseIsAskedLast(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		a := w.worker()
		require.True(w.t, a.until("amazon.Upload"))
		boss := w.queue()
		require.NoError(w.t, boss.Pause(w.t.Context(), "boss", "stop", queue.Scope{Company: "acme"}))
		a.finish()
		assert.Empty(w.t, w.amazon.sent())
		assert.Equal(w.t, []queue.BatchState{queue.BatchUploaded}, w.batchStates())
		require.Empty(w.t, w.pass(boss, 3*time.Hour))
		assert.Empty(w.t, w.amazon.sent())

		require.NoError(w.t, boss.Resume(w.t.Context(), "boss", "go", queue.Scope{Company: "acme"}))
		require.Empty(w.t, w.pass(boss, 5*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		assert.Len(w.t, w.get(id).Attempts, 1)
		assert.Len(w.t, w.amazon.sent(), 1)
	})
}

func TestPauseRefuses(t *testing.T) {
	both := queue.Scope{Company: "acme", Account: "us"}
	tests := []struct {
		name, by, why string
		scope         queue.Scope
		says          string
	}{
		{"nothing", "boss", "stop", queue.Scope{}, "name one"},
		{"both", "boss", "stop", both, "name one"},
		{"by nobody", "", "stop", queue.Scope{Account: "us"}, "by whom"},
		{"without a reason", "boss", "", queue.Scope{Account: "us"}, "why"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				q := w.queue()
				require.ErrorContains(w.t, q.Pause(w.t.Context(), tt.by, tt.why, tt.scope), tt.says)
				require.ErrorContains(w.t, q.Resume(w.t.Context(), tt.by, tt.why, tt.scope), tt.says)
			})
		})
	}
}

// A stop that stops nothing must not look like one.
func TestPauseOfNobody(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		for _, s := range []queue.Scope{{Account: "uss"}, {Company: "acmee"}} {
			err := q.Pause(w.t.Context(), "boss", "stop", s)
			require.ErrorIs(w.t, err, store.ErrNotFound)
			assert.ErrorContains(w.t, err, s.String())
		}
	})
}

// A repeated pause keeps who was first, and resuming what runs changes nothing.
func TestPauseTwice(t *testing.T) {
	in(t, func(w *world) {
		us := queue.Scope{Account: "us"}
		q := w.queue()
		require.NoError(w.t, q.Resume(w.t.Context(), "boss", "go", us))
		require.NoError(w.t, q.Pause(w.t.Context(), "ann", "one", us))
		require.NoError(w.t, q.Pause(w.t.Context(), "bob", "two", us))
		paused, err := q.Paused(w.t.Context(), us)
		require.NoError(w.t, err)
		assert.Equal(w.t, "ann", paused.By)
	})
}

// A feed that Amazon cancelled twice in a row pauses the account with an alert;
// one that is done in between does not count on.
func TestTwoCancelledFeedsInARowPauseTheAccount(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		cancelled := func(order int) {
			w.amazon.status = amazon.FeedCancelled
			w.request(asked{order: order})
			require.Empty(w.t, w.pass(q, 5*time.Minute))
		}
		cancelled(1)
		w.amazon.status = amazon.FeedDone
		require.Empty(w.t, w.pass(q, time.Hour))
		cancelled(2)
		paused, err := q.Paused(w.t.Context(), queue.Scope{Account: "us"})
		require.NoError(w.t, err)
		assert.Zero(w.t, paused)

		cancelled(3)
		paused, err = q.Paused(w.t.Context(), queue.Scope{Account: "us"})
		require.NoError(w.t, err)
		assert.Equal(w.t, "queue", paused.By)
		alerts := w.accountAlerts()
		require.Len(w.t, alerts, 1)
		assert.Equal(w.t, "cancelled/us/"+string(w.batches()[len(w.batches())-1].ID), alerts[0].Key)
		assert.Equal(w.t, order.Administrator, alerts[0].For)
		sent := len(w.amazon.sent())
		require.Empty(w.t, w.pass(q, 5*time.Hour))
		assert.Len(w.t, w.amazon.sent(), sent)

		w.amazon.status = amazon.FeedDone
		require.NoError(w.t, q.Resume(w.t.Context(), "boss", "Seller Central is right again", queue.Scope{Account: "us"}))
		require.Empty(w.t, w.pass(q, time.Hour))
		for _, e := range w.entries(queue.EntryQuery{}) {
			assert.Equal(w.t, queue.EntryAccepted, e.State)
		}
	})
}

// accountAlerts lists those about accounts.
func (w *world) accountAlerts() []order.Alert {
	w.t.Helper()
	as, err := w.store.Alerts(w.t.Context(), order.AlertQuery{Orders: []order.AmazonID{{Account: "us"}}})
	require.NoError(w.t, err)
	return as
}
