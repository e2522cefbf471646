package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// Sending is switched on for a named installation: a process configured with
// another name, on a staging copy of the store, sends nothing and asks nothing.
func TestAnotherInstallationSendsNothing(t *testing.T) {
	in(t, func(w *world) {
		before := w.request(asked{order: 1})[0]
		w.step(w.queue())
		w.request(asked{order: 2}, asked{order: 3, kind: queue.KindCancellation})
		sent := len(w.amazon.sent())

		w.name = "staging"
		calls := &counting{}
		staging := w.queue(calls)
		errs := w.pass(staging, 3*time.Hour)
		require.NotEmpty(w.t, errs)
		for _, err := range errs {
			require.ErrorIs(w.t, err, queue.ErrInstallation)
			require.ErrorContains(w.t, err, `"test"`)
			require.ErrorContains(w.t, err, `"staging"`)
		}
		for call, n := range calls.calls {
			assert.False(w.t, strings.HasPrefix(call, "amazon."), "%s was called %d times", call, n)
			assert.False(w.t, strings.HasPrefix(call, "store.Save"), "%s was called %d times", call, n)
		}
		assert.Len(w.t, w.amazon.sent(), sent)
		assert.Equal(w.t, queue.EntrySubmitted, w.get(before).State)
	})
}

// TakeOver renames the installation, for whoever knows its name; from then on the
// old name sends nothing, not even what is claimed.
func TestTakeOver(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		old := w.worker()
		require.True(w.t, old.until("amazon.Upload"))

		w.name = "new"
		q := w.queue()
		require.ErrorIs(w.t, q.TakeOver(w.t.Context(), "boss", "moved", "other"), queue.ErrInstallation)
		require.ErrorContains(w.t, q.TakeOver(w.t.Context(), "", "moved", "test"), "by whom")
		require.NoError(w.t, q.TakeOver(w.t.Context(), "boss", "moved", "test"))
		require.NoError(w.t, q.TakeOver(w.t.Context(), "boss", "moved", "test"), "a repeat")
		old.finish()
		assert.Empty(w.t, w.amazon.sent())

		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

func TestInstallationNames(t *testing.T) {
	in(t, func(w *world) {
		for name, good := range map[string]bool{
			"acme production": true, strings.Repeat("ü", 64): true,
			"": false, strings.Repeat("a", 65): false, " acme": false, "acme\n": false, "ac\u200bme": false,
		} {
			st := &gatedStore{w.store, nil}
			_, err := queue.New(queue.Config{
				Store: st, Feeds: w.amazon, Accounts: w.accounts, Settings: w, Installation: name,
				Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: &handler{w, st}},
			})
			assert.Equal(w.t, good, err == nil, "%q: %v", name, err)
		}
	})
}

// The first pass of each account in a process looks at getFeeds, and an unclaimed
// feed newer than our newest stops automatic sending there, until somebody
// resumes the account.
func TestUnclaimedFeedStopsSending(t *testing.T) {
	tests := []struct {
		name  string
		age   time.Duration // of the feed, before our newest attempt
		other bool          // OtherSenders
		stops bool
	}{
		{"newer than our newest", -time.Minute, false, true},
		{"older than our newest", time.Minute, false, false},
		{"of another application", -time.Minute, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.accounts[0].OtherSenders = tt.other
				w.request(asked{order: 1})
				w.pass(w.queue(), 5*time.Minute)
				at := w.batches()[0].AttemptedAt.Add(-tt.age)
				w.amazon.strangerAt("77", amazon.CancelFeed, at)

				id := w.request(asked{order: 2})[0]
				q := w.queue()
				require.Empty(w.t, w.pass(q, time.Hour))
				if !tt.stops {
					assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
					assert.Empty(w.t, w.accountAlerts())
					return
				}
				assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
				require.Len(w.t, w.accountAlerts(), 1)
				assert.Equal(w.t, "unclaimed/us/77", w.accountAlerts()[0].Key)
				assert.Equal(w.t, order.Administrator, w.accountAlerts()[0].For)
				require.Empty(w.t, w.pass(w.queue(), time.Hour), "another process finds the account paused")
				assert.Equal(w.t, queue.EntryQueued, w.get(id).State)

				require.NoError(w.t, q.Resume(w.t.Context(), "boss", "it was sent by hand", queue.Scope{Account: "us"}))
				require.Empty(w.t, w.pass(w.queue(), 5*time.Minute), "a third process does not ask again")
				assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
			})
		})
	}
}

// A feed that may be the one whose answer was lost is no stranger.
func TestLostFeedIsNoStranger(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.answers = []answer{{arrives: true, err: errLost}}
		w.request(asked{order: 1})
		_, err := w.queue().Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		w.request(asked{order: 2, kind: queue.KindCancellation})
		require.Empty(w.t, w.pass(w.queue(), 10*time.Minute))
		assert.Len(w.t, w.amazon.sent(), 2)
		assert.Empty(w.t, w.accountAlerts())
	})
}

// Without a complete list nothing is sent.
func TestFirstLookThatFailsSendsNothing(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		w.pass(w.queue(), 5*time.Minute)
		id := w.request(asked{order: 2})[0]
		q := w.queue(&failing{of: "amazon.ListFeeds", n: 2, err: errLost})
		_, err := q.Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		w.pass(q, 5*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// A first look that Amazon throttles is waiting, not failing.
func TestFirstLookThatIsThrottledWaits(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		w.pass(w.queue(), 5*time.Minute)
		id := w.request(asked{order: 2})[0]
		later := w.now().Add(45 * time.Second)
		q := w.queue(&failing{of: "amazon.ListFeeds", n: 1, err: throttled(later)})
		next, err := q.Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, later, next)
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		w.pass(q, 5*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// After a restore nothing is sent until a complete look, begun a margin after,
// shows that nothing was sent meanwhile.
func TestRecover(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = append(w.accounts, account("de", "acme"))
		q := w.queue()
		w.request(asked{order: 1})
		w.pass(q, 5*time.Minute)
		restored := w.now()
		w.amazon.strangerAt("78", amazon.RefundFeed, restored.Add(-time.Minute)) // sent, and forgotten with what was lost
		ids := w.request(asked{order: 2}, asked{order: 3, account: "de", company: "acme"})

		require.NoError(w.t, q.Recover(w.t.Context(), "boss", restored.Add(-time.Hour)))
		require.Empty(w.t, w.pass(q, 4*time.Hour-time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryQueued}, w.states(ids...), "the margin is not over")
		require.Empty(w.t, w.pass(q, 10*time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryAccepted}, w.states(ids...))
		require.Len(w.t, w.accountAlerts(), 1)
		assert.Equal(w.t, "unclaimed/us/78", w.accountAlerts()[0].Key)

		require.NoError(w.t, q.Resume(w.t.Context(), "boss", "refund 2 was not in it", queue.Scope{Account: "us"}))
		require.Empty(w.t, w.pass(w.queue(), 10*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(ids[0]).State)
	})
}

// A look that Amazon's clock dates before the margin's end does not count.
func TestRecoverGoesByAmazonsClock(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.request(asked{order: 1})[0]
		require.NoError(w.t, q.Recover(w.t.Context(), "boss", w.now().Add(-time.Hour)))
		w.amazon.ahead = -time.Hour
		require.Empty(w.t, w.pass(q, 5*time.Hour-time.Minute))
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
		require.Empty(w.t, w.pass(q, 5*time.Minute))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// What is built and not sent when Recover is called waits, too; and Resume ends
// the waiting of its account.
func TestResumeEndsRecover(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		a := w.worker()
		require.True(w.t, a.until("amazon.Upload"))
		q := w.queue()
		require.NoError(w.t, q.Recover(w.t.Context(), "boss", w.now().Add(-time.Hour)))
		a.finish()
		assert.Empty(w.t, w.amazon.sent())
		require.NoError(w.t, q.Resume(w.t.Context(), "boss", "nothing was lost", queue.Scope{Account: "us"}))
		w.pass(q, 10*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		require.ErrorContains(w.t, q.Recover(w.t.Context(), "", w.now()), "by whom")
		require.ErrorContains(w.t, q.Recover(w.t.Context(), "boss", w.now().Add(time.Hour)), "time")
		require.ErrorContains(w.t, q.Recover(w.t.Context(), "boss", time.Time{}), "time")
	})
}

// Notify brings a result forward; one about nothing that is known does nothing.
func TestNotify(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.status = amazon.FeedInProgress
		id := w.request(asked{order: 1})[0]
		q := w.queue()
		require.Empty(w.t, w.pass(q, 3*time.Hour))
		_, err := q.Step(w.t.Context())
		require.NoError(w.t, err)
		w.amazon.status = amazon.FeedDone
		b := w.batches()[0]
		require.Greater(w.t, b.Due.Sub(w.now()), time.Minute)
		require.NoError(w.t, q.Notify(w.t.Context(), "us", b.DocumentNumber))
		require.NoError(w.t, q.Notify(w.t.Context(), "us", b.DocumentNumber), "repeated")
		_, err = q.Step(w.t.Context())
		require.NoError(w.t, err)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)

		done := w.batches()
		require.NoError(w.t, q.Notify(w.t.Context(), "us", b.DocumentNumber), "late")
		require.NoError(w.t, q.Notify(w.t.Context(), "us", "12"), "unknown")
		require.NoError(w.t, q.Notify(w.t.Context(), "de", b.DocumentNumber), "of another account")
		require.NoError(w.t, q.Notify(w.t.Context(), "us", ""))
		require.NoError(w.t, q.Notify(w.t.Context(), "", ""))
		assert.Equal(w.t, done, w.batches())

		broken := w.queue(&failing{of: "store", n: 1, err: errLost})
		require.ErrorIs(w.t, broken.Notify(w.t.Context(), "us", b.DocumentNumber), errLost)
	})
}

// One that meets a worker at the same batch is no error.
func TestNotifyMeetsAPoll(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		w.step(w.queue())
		poll := &meanwhile{at: "store.SaveQueue", act: func() {
			time.Sleep(time.Minute)
			w.step(w.queue())
		}}
		require.NoError(w.t, w.queue(poll).Notify(w.t.Context(), "us", w.batches()[0].DocumentNumber))
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}
