package queue_test

import (
	"fmt"
	"os"
	"slices"
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
		"reject":   {queue.EntryQueued: queue.EntryRejected, queue.EntryAwaitingShipment: queue.EntryRejected, queue.EntryAwaitingApproval: queue.EntryRejected},
		"withdraw": {queue.EntryQueued: queue.EntryWithdrawn, queue.EntryAwaitingShipment: queue.EntryWithdrawn, queue.EntryAwaitingApproval: queue.EntryWithdrawn},
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
		ids := w.request(asked{order: 1, state: queue.EntryAwaitingShipment}, asked{order: 2, state: queue.EntryAwaitingShipment})
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "told to", ids[0]))
		require.NoError(w.t, q.Withdraw(w.t.Context(), "boss", "", ids[1]))
	})
	happens(func(w *world, q *queue.Queue) {
		above := asked{state: queue.EntryAwaitingApproval, unapproved: true}
		ids := w.request(above.of(1), above.of(2), above.of(3))
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "told to", ids[0]))
		require.NoError(w.t, q.Withdraw(w.t.Context(), "boss", "", ids[1]))
		require.NoError(w.t, q.Retry(w.t.Context(), "boss", "told to", ids[:2]...))
		w.approve(ids[2])
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
	for _, scenario := range slices.Concat(lostScenarios(), decidedScenarios()) {
		happens(scenario)
	}

	for _, row := range queue.EntryTransitions() {
		assert.True(t, row.From == "" || seen[move{"entry", row.From, row.To}], "no entry went from %s to %s", row.From, row.To)
	}
	for _, row := range queue.BatchTransitions() {
		assert.True(t, seen[move{"batch", row.From, row.To}], "no batch went from %q to %s", row.From, row.To)
	}
}

// lostScenarios are what may become of a lost answer, by what comes later.
func lostScenarios() (all []func(*world, *queue.Queue)) {
	for _, a := range []answer{{arrives: true}, notSent} {
		all = append(all, func(w *world, q *queue.Queue) {
			sender, _ := w.suspended(a)
			w.pass(q, 6*time.Hour)
			sender.finish()
		})
	}
	for _, status := range []amazon.FeedStatus{amazon.FeedInQueue, amazon.FeedInProgress, amazon.FeedDone} {
		all = append(all, func(w *world, q *queue.Queue) {
			sender, _ := w.suspended(answer{arrives: true})
			w.amazon.stranger("777", w.account(), amazon.RefundFeed)
			w.amazon.setStatus("777", status)
			w.pass(q, 5*time.Minute)
			sender.finish()
		})
	}
	for _, status := range []amazon.FeedStatus{amazon.FeedDone, amazon.FeedFatal, amazon.FeedCancelled} {
		all = append(all, func(w *world, q *queue.Queue) {
			w.lose(q, false)
			w.amazon.stranger("777", w.account(), amazon.RefundFeed)
			w.amazon.setStatus("777", status)
			w.amazon.setReport("777", encoded(reported(1, refusal(7, 18028, "no"))))
			w.pass(q, 5*time.Minute)
		})
	}
	all = append(all, func(w *world, q *queue.Queue) {
		w.amazon.report = func([]amazon.MessageID) []byte { return encoded(reported(0, refusal(0, 5001, "bad XML"))) }
		w.amazon.answers = []answer{{arrives: true}}
		w.request(asked{order: 1})
		sender := w.worker(&standing{"amazon.Create", 10 * time.Minute})
		go sender.finish()
		time.Sleep(time.Second)
		w.pass(q, 15*time.Minute)
	})
	// After a decision that it was not sent.
	shipsLater := func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
		ps[0].Aside = &queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped", NotBefore: epoch.Add(week)}
		return ps, nil
	}
	for _, prepare := range []func([]queue.Entry, []queue.Prepared) ([]queue.Prepared, error){nil, shipsLater} {
		all = append(all, func(w *world, q *queue.Queue) {
			sender, _ := w.suspended(answer{arrives: true})
			w.pass(q, 5*time.Minute)
			w.decideAnew(q)
			w.prepare = prepare
			w.pass(q, map[bool]time.Duration{true: 2 * time.Hour}[prepare != nil])
			sender.finish()
		})
	}
	for _, second := range []*failing{{of: "amazon.Upload", n: 1, err: errLost}, {of: "amazon.Create", n: 1, err: notSent.err}} {
		all = append(all, func(w *world, q *queue.Queue) {
			sender, _ := w.suspended(answer{arrives: true})
			w.pass(q, 5*time.Minute)
			w.decideAnew(q)
			time.Sleep(w.first().Fence.Sub(w.now()) + time.Second)
			w.pass(w.queue(&failing{of: second.of, n: second.n, err: second.err}), time.Second)
			sender.finish()
		})
	}
	return all
}

// decidedScenarios are the ends of what nobody knows, by evidence and by
// decision.
func decidedScenarios() (all []func(*world, *queue.Queue)) {
	begin := []func(*world){
		func(w *world) { w.amazon.answers = []answer{{err: errLost}} },
		func(w *world) { w.amazon.noReport = true },
		func(w *world) { w.amazon.report = refusing(5002, 2) },
	}
	first := func(e queue.Entry) (queue.Testimony, error) {
		return queue.Testimony{Results: []queue.Result{{Part: e.Attempt().Messages[0].Part, Verdict: amazon.VerdictAccepted}}}, nil
	}
	decide := func(choices ...queue.Choice) func(*world, *queue.Queue, queue.EntryID) {
		return func(w *world, q *queue.Queue, id queue.EntryID) {
			for _, c := range choices {
				d := w.entryDecision(q, id, c)
				d.Override = true
				_ = q.Decide(w.t.Context(), d) // a lost document is sent anew as a whole
			}
		}
	}
	for _, unknown := range begin {
		for _, end := range []func(*world, *queue.Queue, queue.EntryID){
			decide(queue.ChoiceAnew), decide(queue.ChoiceGiveUp), decide(queue.ChoiceSettled),
			func(w *world, q *queue.Queue, _ queue.EntryID) { w.testify = accepted; w.pass(q, 25*time.Hour) },
			func(w *world, q *queue.Queue, _ queue.EntryID) { w.pass(q, 12*24*time.Hour) },
		} {
			all = append(all, func(w *world, q *queue.Queue) {
				unknown(w)
				id := w.request(asked{order: 1, items: 2})[0]
				w.pass(q, 5*time.Minute)
				end(w, q, id)
				w.pass(q, 73*time.Hour)
				_ = q.Retry(w.t.Context(), "boss", "again", id)
			})
		}
		for _, witness := range []func(queue.Entry) (queue.Testimony, error){first, accepted} {
			all = append(all, func(w *world, q *queue.Queue) {
				unknown(w)
				w.testify = witness
				id := w.request(asked{order: 1, items: 2})[0]
				w.pass(q, 5*time.Minute)
				decide(queue.ChoiceGiveUp)(w, q, id)
			})
		}
	}
	return append(all, func(w *world, q *queue.Queue) {
		w.lose(q, false)
		w.decideAnew(q)
	})
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
