package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// What waits for approval is not sent, in any mode and however long; once it is
// approved, it is.
func TestNothingIsSentBeforeItsApproval(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		id := w.request(asked{order: 1, state: queue.EntryAwaitingApproval, unapproved: true})[0]
		w.pass(q, 24*time.Hour)
		assert.Equal(t, queue.EntryAwaitingApproval, w.get(id).State)
		assert.Empty(t, w.batches())
		_, err := q.Process(w.t.Context(), "boss", id)
		require.ErrorIs(t, err, queue.ErrTransition)

		w.approve(id)
		assert.Equal(t, w.now(), w.get(id).QueuedAt, "it waits for being sent from now on")
		w.pass(q, time.Hour)
		assert.Equal(t, queue.EntryAccepted, w.get(id).State)
	})
}

// A rejection and a second try do not stand for the approval that is missing.
func TestRetryWaitsForTheApprovalThatIsMissing(t *testing.T) {
	in(t, func(w *world) {
		q := w.queue()
		ids := w.request(asked{order: 1, state: queue.EntryAwaitingApproval, unapproved: true}, asked{order: 2})
		require.NoError(t, q.Reject(w.t.Context(), "boss", "not now", ids...))
		require.NoError(t, q.Retry(w.t.Context(), "boss", "now", ids...))
		assert.Equal(t, []queue.State{queue.EntryAwaitingApproval, queue.EntryQueued}, w.states(ids...))

		w.approve(ids[0])
		require.NoError(t, q.Reject(w.t.Context(), "boss", "not now", ids[0]))
		require.NoError(t, q.Retry(w.t.Context(), "boss", "now", ids[0]))
		assert.Equal(t, queue.EntryQueued, w.get(ids[0]).State, "it was approved before")
	})
}

func TestOnlyWhatWaitsForApprovalIsApproved(t *testing.T) {
	for state := range labels {
		_, err := queue.Entry{ID: "RF1", State: state}.Approved(order.Stamp{By: "boss"})
		if state == queue.EntryAwaitingApproval {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, queue.ErrTransition, "%s", state)
		assert.ErrorContains(t, err, "RF1")
	}
}
