package queue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

var auto = settings.Settings{Queue: true, AutoSubmit: true}

// every asks for a refund each so often, for some time, while a queue works.
func (w *world) every(q *queue.Queue, each, d time.Duration) {
	w.t.Helper()
	for i := range int(d / each) {
		w.request(asked{order: 1000 + i})
		require.Empty(w.t, w.pass(q, each))
	}
}

// sentAt tells how long after the beginning each createFeed was.
func (w *world) sentAt() (at []time.Duration) {
	for _, call := range w.amazon.sent() {
		at = append(at, call.At.Sub(epoch).Round(time.Minute))
	}
	return at
}

// Auto sends when the oldest has waited, and then all that wait; when so many
// wait; and never two documents of a type within what Amazon advises.
func TestAutoRhythm(t *testing.T) {
	const m = time.Minute
	tests := []struct {
		name     string
		batching queue.Batching
		want     []time.Duration // of a refund every five minutes for two hours
	}{
		{"every half hour", queue.Batching{}, []time.Duration{30 * m, 65 * m, 100 * m}},
		{"when the oldest has waited", queue.Batching{Interval: 45 * m}, []time.Duration{45 * m, 95 * m}},
		{"when four wait", queue.Batching{Interval: 3 * time.Hour, Count: 4}, []time.Duration{15 * m, 35 * m, 55 * m, 75 * m, 95 * m, 115 * m}},
		{"never sooner than advised", queue.Batching{Count: 1}, []time.Duration{0, 20 * m, 40 * m, 60 * m, 80 * m, 100 * m}},
		{"closer, if the host says so", queue.Batching{Count: 1, Apart: 10 * m}, []time.Duration{0, 10 * m, 20 * m, 30 * m, 40 * m, 50 * m, 60 * m, 70 * m, 80 * m, 90 * m, 100 * m, 110 * m}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings, w.batching = auto, tt.batching
				w.every(w.queue(), 5*m, 2*time.Hour)
				assert.Equal(w.t, tt.want, w.sentAt())
			})
		})
	}
}

// What a person sends does not wait for Auto's rhythm.
func TestChosenGoesWithinAmazonsAdvice(t *testing.T) {
	in(t, func(w *world) {
		w.settings = auto
		q := w.queue()
		w.request(asked{order: 1, waits: time.Hour})
		w.pass(q, time.Minute)
		require.Len(w.t, w.amazon.sent(), 1)
		id := w.request(asked{order: 2})[0]
		_, err := q.Process(w.t.Context(), "boss", id)
		require.NoError(w.t, err)
		w.pass(q, time.Minute)
		assert.Len(w.t, w.amazon.sent(), 2)
	})
}

// Settings and batching count as they stand at each pass, in every process.
func TestSettingsChangeBetweenPasses(t *testing.T) {
	in(t, func(w *world) {
		w.settings = auto
		ids := w.request(asked{order: 1}, asked{order: 2})
		q := w.queue()
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		w.settings = manual
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		assert.Empty(w.t, w.amazon.sent())
		w.settings = auto
		w.step(q)
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntrySubmitted}, w.states(ids...))
	})
}

// In the time of grace a request can be withdrawn, in every mode and also when it
// was chosen; then it goes as ever.
func TestGrace(t *testing.T) {
	for name, mode := range map[string]settings.Settings{"Direct": {}, "Manual, chosen": manual, "Auto": auto} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings, w.batching = mode, queue.Batching{Grace: 10 * time.Minute, Interval: time.Second}
				q := w.queue()
				ids := w.request(asked{order: 1}, asked{order: 2})
				if mode.Mode() == settings.Manual {
					_, err := q.Process(w.t.Context(), "boss", ids...)
					require.NoError(w.t, err)
				}
				require.Empty(w.t, w.pass(q, 9*time.Minute))
				assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntryQueued}, w.states(ids...))
				require.NoError(w.t, q.Withdraw(w.t.Context(), "clerk", "mistake", ids[0]))
				next, err := q.Step(w.t.Context())
				require.NoError(w.t, err)
				assert.Equal(w.t, epoch.Add(10*time.Minute), next.Truncate(time.Second))
				require.Empty(w.t, w.pass(q, 5*time.Minute))
				assert.Equal(w.t, []queue.State{queue.EntryWithdrawn, queue.EntryAccepted}, w.states(ids...))
				assert.Equal(w.t, []time.Duration{10 * time.Minute}, w.sentAt())
			})
		})
	}
}

// What waits for its shipment is looked at again in its time, keeps the choice of
// a person, and can be rejected meanwhile.
func TestAwaitingShipment(t *testing.T) {
	in(t, func(w *world) {
		w.settings = manual
		ids := w.request(asked{order: 1}, asked{order: 2})
		shipped := epoch.Add(40 * time.Minute)
		w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			for i := range ps {
				if w.now().Before(shipped) {
					ps[i].Aside = &queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped"}
				}
			}
			return ps, nil
		}
		q := w.queue()
		_, err := q.Process(w.t.Context(), "boss", ids...)
		require.NoError(w.t, err)
		require.Empty(w.t, w.pass(q, 20*time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryAwaitingShipment, queue.EntryAwaitingShipment}, w.states(ids...))
		assert.Equal(w.t, "not shipped", w.get(ids[0]).Why)
		assert.Equal(w.t, "5.00", w.reserved(ids[0]))
		require.NoError(w.t, q.Reject(w.t.Context(), "boss", "never shipped", ids[0]))
		require.Empty(w.t, w.pass(q, time.Hour))
		assert.Equal(w.t, []queue.State{queue.EntryRejected, queue.EntryAccepted}, w.states(ids...))
		assert.Len(w.t, w.get(ids[1]).Attempts, 1)
	})
}

// limits notes how many entries each read may answer.
type limits struct {
	*gatedStore
	read []int
}

func (l *limits) Entries(ctx context.Context, q queue.EntryQuery) ([]queue.Entry, error) {
	es, err := l.gatedStore.Entries(ctx, q)
	l.read = append(l.read, len(es))
	return es, err
}

// To know that Auto is not due, one entry is read, however many wait.
func TestAutoReadsLittleToKnowThatItIsNotDue(t *testing.T) {
	in(t, func(w *world) {
		w.settings = auto
		w.request(slices.Collect(func(yield func(asked) bool) {
			for i := range 2000 {
				if !yield(asked{order: i + 1}) {
					return
				}
			}
		})...)
		st := &limits{gatedStore: &gatedStore{w.store, nil}}
		q, err := queue.New(queue.Config{
			Store: st, Feeds: w.amazon, Accounts: w.accounts, Settings: w, Installation: w.name, Now: w.now,
			Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: &handler{w, st.gatedStore}},
		})
		require.NoError(w.t, err)
		require.Empty(w.t, w.pass(q, 25*time.Minute))
		assert.NotEmpty(w.t, st.read)
		assert.LessOrEqual(w.t, slices.Max(st.read), 1)
		require.Empty(w.t, w.pass(q, 10*time.Minute))
		es, err := st.Entries(w.t.Context(), queue.EntryQuery{Orders: []order.AmazonID{amazonOrder(2000)}})
		require.NoError(w.t, err)
		assert.Equal(w.t, queue.EntryAccepted, es[0].State)
	})
}
