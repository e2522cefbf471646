package queue_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
)

// labels are all states of the vocabulary, and one of a newer version.
var labels = map[queue.State]string{
	queue.EntryAwaitingApproval: "Waiting for approval",
	queue.EntryAwaitingShipment: "Waiting for shipment",
	queue.EntryQueued:           "Waiting",
	queue.EntryClaimed:          "Being sent",
	queue.EntrySubmitting:       "Being sent",
	queue.EntrySubmitted:        "Sent to Amazon",
	queue.EntryAccepted:         "Accepted by Amazon",
	queue.EntryPartlyAccepted:   "Partly accepted by Amazon",
	queue.EntryRefused:          "Refused by Amazon",
	queue.EntryRejected:         "Rejected by us",
	queue.EntryWithdrawn:        "Taken back",
	queue.EntryUnknownSent:      "Not confirmed, do not resend",
	queue.EntryUnknownResult:    "Not confirmed, do not resend",
	queue.EntryNeedsDecision:    "Needs a decision",
	queue.EntryGivenUp:          "Given up",
	queue.EntrySettledOutside:   "Done outside",
	queue.EntryAppliedLocally:   "Not sent, by choice",
	"Parked":                    "Parked",
}

func TestTablesAreDocumented(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, printed, found := strings.Cut(string(source), "// # States of an entry\n")
	require.True(t, found)
	entries, batches, found := strings.Cut(printed, "// # States of a batch\n")
	require.True(t, found)
	assert.Empty(t, cmp.Diff(formatted(queue.EntryTransitions()), preformatted(entries)))
	assert.Empty(t, cmp.Diff(formatted(queue.BatchTransitions()), preformatted(batches)))
}

// preformatted are the indented lines of a comment.
func preformatted(comment string) string {
	var b strings.Builder
	for line := range strings.Lines(comment) {
		if text, indented := strings.CutPrefix(line, "//\t"); indented {
			b.WriteString(text)
		}
	}
	return b.String()
}

func TestEveryStateHasALabel(t *testing.T) {
	for state, want := range labels {
		assert.Equal(t, want, state.Label(), "%s", state)
	}
	for _, row := range queue.EntryTransitions() {
		assert.Contains(t, labels, queue.State(row.To), "a state of the table is not in the vocabulary")
	}
}

func TestStatesAreWaitingUnderWayOrFinal(t *testing.T) {
	for state := range labels {
		is := map[bool]int{}
		is[state.Waiting()]++
		is[state.UnderWay()]++
		is[state.Final()]++
		assert.Equal(t, map[bool]int{true: 1, false: 2}, is, "%s", state)
	}
}

// What a person may do to an entry depends on its state alone; everything else is
// refused and changes nothing.
func TestWhatPeopleMayDo(t *testing.T) {
	by := map[string]func(*queue.Queue, *testing.T, queue.EntryID) error{
		"reject": func(q *queue.Queue, t *testing.T, id queue.EntryID) error {
			return q.Reject(t.Context(), "boss", "not ours", id)
		},
		"withdraw": func(q *queue.Queue, t *testing.T, id queue.EntryID) error {
			return q.Withdraw(t.Context(), "clerk", "mistake", id)
		},
		"retry": func(q *queue.Queue, t *testing.T, id queue.EntryID) error {
			return q.Retry(t.Context(), "boss", "again", id)
		},
		"process": func(q *queue.Queue, t *testing.T, id queue.EntryID) error {
			_, err := q.Process(t.Context(), "boss", id)
			return err
		},
	}
	may := map[string]map[queue.State]queue.State{
		"reject":   {queue.EntryQueued: queue.EntryRejected, queue.EntryAwaitingShipment: queue.EntryRejected},
		"withdraw": {queue.EntryQueued: queue.EntryWithdrawn, queue.EntryAwaitingShipment: queue.EntryWithdrawn},
		"retry":    {queue.EntryRefused: queue.EntryQueued, queue.EntryRejected: queue.EntryQueued, queue.EntryWithdrawn: queue.EntryQueued, queue.EntryGivenUp: queue.EntryQueued},
		"process":  {queue.EntryQueued: queue.EntryQueued},
	}
	for verb, do := range by {
		for state := range labels {
			t.Run(verb+" "+string(state), func(t *testing.T) {
				in(t, func(w *world) {
					id := w.request(asked{order: 1, state: state})[0]
					before := w.get(id)
					err := do(w.queue(), w.t, id)
					want, allowed := may[verb][state]
					if allowed {
						require.NoError(w.t, err)
						assert.Equal(w.t, want, w.get(id).State)
						return
					}
					require.ErrorIs(w.t, err, queue.ErrTransition)
					assert.ErrorContains(w.t, err, string(id))
					assert.Empty(w.t, cmp.Diff(before, w.get(id)))
				})
			})
		}
	}
}

// Every row of the table happens, and (see in) nothing else does.
func TestEveryRowOfTheTableHappens(t *testing.T) {
	seen := map[move]bool{}
	happens := func(f func(*world, *queue.Queue)) {
		in(t, func(w *world) {
			f(w, w.queue())
			for m := range w.store.moves {
				seen[m] = true
			}
		})
	}
	for _, a := range []answer{
		{err: throttled(epoch.Add(time.Hour))},
		{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}},
		{err: errLost},
	} {
		happens(func(w *world, q *queue.Queue) {
			w.amazon.answers = []answer{a}
			w.request(asked{order: 1})
			w.pass(q, 2*time.Hour)
		})
		// The same, while a second worker has given the answer up for lost.
		happens(func(w *world, q *queue.Queue) {
			w.amazon.answers = []answer{a}
			w.request(asked{order: 1})
			w.stepDuringCreate(q)
			w.pass(q, 2*time.Hour)
		})
	}
	happens(func(w *world, q *queue.Queue) {
		w.request(asked{order: 1})
		w.stepDuringCreate(q)
	})
	for _, polled := range [][]amazon.FeedStatus{
		{amazon.FeedDone}, {amazon.FeedCancelled}, {amazon.FeedFatal},
		{amazon.FeedInProgress, amazon.FeedDone}, {amazon.FeedInProgress, amazon.FeedCancelled}, {amazon.FeedInProgress, amazon.FeedFatal},
	} {
		happens(func(w *world, q *queue.Queue) {
			w.request(asked{order: 1})
			w.step(q)
			for _, w.amazon.status = range polled {
				w.pass(q, 5*time.Minute)
			}
		})
	}
	for _, code := range []int{18028, 5002} {
		happens(func(w *world, q *queue.Queue) {
			w.amazon.report = refusing(code, 1)
			ids := w.request(asked{order: 1, items: 2}, asked{order: 2})
			w.pass(q, 5*time.Minute)
			w.amazon.report = refusing(code, 2)
			ids = append(ids, w.request(asked{order: 3, items: 2})...)
			w.pass(q, 5*time.Minute)
			_ = q.Retry(w.t.Context(), "boss", "again", ids[2])
		})
	}
	happens(func(w *world, q *queue.Queue) {
		ids := w.request(asked{order: 1}, asked{order: 2})
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "told to", ids[0]))
		require.NoError(w.t, q.Withdraw(w.t.Context(), "boss", "", ids[1]))
		require.NoError(w.t, q.Retry(w.t.Context(), "boss", "told to", ids...))
	})
	happens(func(w *world, q *queue.Queue) {
		w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			ps[0].Aside = &queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped"}
			return ps, nil
		}
		w.request(asked{order: 1})
		w.pass(q, time.Hour)
	})
	happens(func(w *world, q *queue.Queue) {
		w.batching.Bytes = 64 << 10
		w.request(asked{order: 1, items: 200})
		w.pass(w.queue(), time.Minute)
	})

	for _, row := range queue.EntryTransitions() {
		assert.True(t, row.From == "" || seen[move{"entry", row.From, row.To}], "no entry went from %s to %s", row.From, row.To)
	}
	for _, row := range queue.BatchTransitions() {
		assert.True(t, seen[move{"batch", row.From, row.To}], "no batch went from %q to %s", row.From, row.To)
	}
}

// formatted writes transitions as the package documentation shows them.
func formatted(ts []queue.Transition) string {
	var b strings.Builder
	for _, t := range ts {
		from := t.From
		if from == "" {
			from = "(new)"
		}
		row := fmt.Sprintf("%-14s → %-15s %s", from, t.To, t.Cause)
		if t.Reservation != "" {
			row += ": " + t.Reservation
		}
		b.WriteString(row + "\n")
	}
	return b.String()
}
