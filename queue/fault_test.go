package queue_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
)

// day asks for a few refunds and a cancellation, which take two documents of
// refunds and one of cancellations, and lets a queue work at them until it meets
// the error of a gate; then the process ends, and another takes over.
func (w *world) day(gates ...gate) []queue.EntryID {
	w.t.Helper()
	ids := w.request(
		asked{order: 1, items: 2}, asked{order: 2}, asked{order: 1}, // the last waits for the first
		asked{order: 3, kind: queue.KindCancellation},
	)
	q := w.queue(gates...)
	for until := w.now().Add(15 * time.Minute); w.now().Before(until); {
		next, err := q.Step(w.t.Context())
		if err != nil {
			break
		}
		w.sleepUntil(next)
	}
	w.pass(w.queue(), 3*time.Hour) // past every fence
	return ids
}

// positions counts the calls of a kind that a day without faults makes.
func positions(t *testing.T, of string) int {
	t.Helper()
	n := &failing{of: of}
	in(t, func(w *world) {
		ids := w.day(n)
		w.everyEffectOnce(ids, "no fault")
		for _, id := range ids {
			assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
		}
	})
	return n.count
}

// Every call to the store fails once, before or after its effect; then another
// process takes over. Nothing is sent twice, lost, or stuck.
func TestEveryStoreFault(t *testing.T) {
	n := positions(t, "store")
	for i := 1; i <= n; i++ {
		for _, late := range []bool{false, true} {
			in(t, func(w *world) {
				f := &failing{of: "store", n: i, late: late, err: errLost}
				ids := w.day(f)
				w.everyEffectOnce(ids, fmt.Sprintf("%s %d of %d failed, late %t", f.failed, i, n, late))
				require.NotEmpty(w.t, f.failed)
			})
		}
	}
	t.Logf("%d store calls failed before and after their effect", n)
}

// The same for every call to Amazon. Only a lost answer of createFeed leaves
// something open.
func TestEveryAmazonFault(t *testing.T) {
	n := positions(t, "amazon")
	notSent := &amazon.Error{Op: "call", Sent: amazon.NotSent}
	for i := 1; i <= n; i++ {
		for _, f := range []*failing{
			{of: "amazon", n: i, err: errLost},
			{of: "amazon", n: i, err: errLost, late: true},
			{of: "amazon", n: i, err: notSent},
		} {
			in(t, func(w *world) {
				ids := w.day(f)
				msg := fmt.Sprintf("%s %d of %d failed, late %t, with %v", f.failed, i, n, f.late, f.err)
				w.everyEffectOnce(ids, msg)
				require.NotEmpty(w.t, f.failed)
				unknown := 0
				for _, b := range w.batches() {
					unknown += map[bool]int{true: 1}[b.State == queue.BatchUnknownSent || b.Adopted]
				}
				lost := f.failed == "amazon.Create" && f.err == errLost
				assert.Equal(w.t, map[bool]int{true: 1}[lost], unknown, msg)
			})
		}
	}
	t.Logf("%d calls to Amazon failed before and after their effect, and unsent", n)
}

// begin leaves a batch where an earlier process left it.
var begin = map[string]func(*world){
	"nothing built":                func(*world) {},
	"nothing built, two documents": func(w *world) { w.batching.Messages = 1 },
	"Building": func(w *world) {
		_, err := w.queue(&failing{of: "amazon.Upload", n: 1, err: errLost}).Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		time.Sleep(2 * time.Minute)
	},
	"Uploaded": func(w *world) {
		w.amazon.answers = []answer{{err: &amazon.Error{Op: "createFeed", Sent: amazon.NotSent}}}
		_, err := w.queue().Step(w.t.Context())
		require.Error(w.t, err)
		time.Sleep(2 * time.Minute)
	},
	"InQueue": func(w *world) {
		w.step(w.queue())
		time.Sleep(2 * time.Minute)
	},
}

// Two workers are stopped at every pair of places: A makes i calls, B makes j,
// A goes on to its end, then B does. Each document is sent once, and as nothing
// failed, nothing stays unknown.
func TestTwoWorkersStoppedAnywhere(t *testing.T) {
	for name, left := range begin {
		t.Run(name, func(t *testing.T) {
			pairs := 0
			for i, more := 0, true; more; i++ {
				for j, moreOfB := 0, true; moreOfB; j++ {
					pairs++
					in(t, func(w *world) {
						ids := w.request(asked{order: 1}, asked{order: 2})
						left(w)
						a := w.worker()
						more = a.let(i)
						w.leaseEnds()
						b := w.worker()
						moreOfB = b.let(j)
						a.finish()
						b.finish()
						w.pass(w.queue(), 20*time.Minute)
						msg := fmt.Sprintf("A stopped after %d calls, B after %d", i, j)
						w.everyEffectOnce(ids, msg)
						assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...), msg)
					})
				}
			}
			t.Logf("%d pairs of places", pairs)
		})
	}
}

// The same, while the last call that A made before it was stopped lost its
// answer. What Amazon told A is not mistaken for what became of B's createFeed.
func TestTwoWorkersAndALostAnswerOfTheStore(t *testing.T) {
	answers := map[string]answer{
		"sent":     {arrives: true},
		"not sent": {err: &amazon.Error{Op: "createFeed", Sent: amazon.NotSent}},
	}
	for name, first := range answers {
		t.Run(name, func(t *testing.T) {
			pairs := 0
			for i, met := 1, true; met; i++ {
				for j, more := 0, true; more; j++ {
					pairs++
					in(t, func(w *world) {
						ids := w.request(asked{order: 1}, asked{order: 2})
						w.amazon.answers = []answer{first}
						f := &failing{of: "store", n: i, late: true, err: errLost}
						a := w.worker(f)
						for f.failed == "" && a.let(1) {
						}
						a.let(0)
						met = f.failed != ""
						w.leaseEnds()
						b := w.worker()
						more = b.let(j)
						a.finish()
						b.finish()
						w.pass(w.queue(), 90*time.Minute) // past every fence
						w.everyEffectOnce(ids, fmt.Sprintf("store call %d of A lost its answer, B stopped after %d calls", i, j))
					})
				}
			}
			t.Logf("%d pairs of places", pairs)
		})
	}
}

// A worker that comes back from its createFeed after everybody has given it up
// still says what it learned.
func TestLateAnswerIsKept(t *testing.T) {
	tests := []struct {
		name   string
		answer answer
		want   queue.State
		ends   queue.State
	}{
		{"Document Number", answer{arrives: true}, queue.EntrySubmitted, queue.EntryAccepted},
		{"not sent", answer{err: &amazon.Error{Op: "createFeed", Sent: amazon.NotSent}}, queue.EntryClaimed, queue.EntryAccepted},
		{"refused", answer{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}}, queue.EntryNeedsDecision, queue.EntryNeedsDecision},
		{"lost", answer{arrives: true, err: errLost}, queue.EntryUnknownSent, queue.EntryUnknownResult},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.amazon.answers = []answer{tt.answer}
				id := w.request(asked{order: 1})[0]
				a := w.worker()
				require.True(w.t, a.until("amazon.Create"))
				w.pass(w.queue(), 30*time.Minute) // its token is still good
				require.Equal(w.t, queue.EntryUnknownSent, w.get(id).State)
				require.Empty(w.t, w.amazon.sent(), "others do not send what one worker was about to send")
				a.finish()
				assert.Equal(w.t, tt.want, w.get(id).State)
				w.pass(w.queue(), 3*time.Hour)
				assert.Equal(w.t, tt.ends, w.get(id).State)
				assert.LessOrEqual(w.t, w.amazon.effects()[string(id)+"/"+strings.Fields(w.get(id).Label)[0]], 1)
			})
		})
	}
}

// Many workers on one store: one createFeed per document.
func TestManyWorkersAtOnce(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 3
		var as []asked
		for i := range 20 {
			as = append(as, asked{order: i + 1, items: 1 + i%2})
		}
		ids := w.request(as...)
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() { w.pass(w.queue(), 8*time.Hour) })
		}
		workers.Wait()
		w.everyEffectOnce(ids, "eight workers")
		documents := map[string]int{}
		for _, call := range w.amazon.sent() {
			documents[string(call.Document)]++
		}
		assert.Len(w.t, documents, len(w.amazon.sent()), "a document was sent twice")
	})
}
