package order_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

var (
	first  = order.ID{Company: "acme", Number: "SO-1"}
	second = order.ID{Company: "acme", Number: "SO-2"}
	now    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// outbox keeps effects in memory, in the order in which they were written.
type outbox struct {
	effects  []order.Effect
	outcomes map[string]order.EffectOutcome
	read     error // the answer to every read
	save     error // the answer to every save
}

func (b *outbox) Effects(_ context.Context, now time.Time, limit int) ([]order.Effect, error) {
	var due []order.Effect
	waits := map[order.ID]bool{}
	for _, e := range b.effects {
		outcome := b.outcomes[e.Key]
		if outcome.Done {
			continue
		}
		waits[e.Order] = waits[e.Order] || outcome.NotBefore.After(now)
		if !waits[e.Order] && len(due) < limit {
			due = append(due, e)
		}
	}
	return due, b.read
}

func (b *outbox) SaveEffects(_ context.Context, outcomes []order.EffectOutcome) error {
	if b.save != nil {
		return b.save
	}
	for _, o := range outcomes {
		b.outcomes[o.Key] = o
	}
	return nil
}

// hostBook writes down what it is handed as "order/seq kind" and gives the
// answers that a test has laid out for it, one a call.
type hostBook struct {
	answers map[string][]error
	heard   []string
	last    order.Effect
	meddle  func() // called with every effect, where set
}

func (*hostBook) Orders(context.Context, []order.AmazonID) ([]order.Order, error) { return nil, nil }

func (b *hostBook) ApplyOrder(_ context.Context, e order.Effect) error {
	what := fmt.Sprintf("%s/%d %s", e.Order.Number, e.Seq, e.Kind)
	b.heard, b.last = append(b.heard, what), e
	if b.meddle != nil {
		b.meddle()
	}
	answers := b.answers[what]
	if len(answers) == 0 {
		return nil
	}
	b.answers[what] = answers[1:]
	return answers[0]
}

// written is an outbox with a hold on the first order, one on the second, and a
// note and a status on the first.
func written() *outbox {
	w := order.Writes{Order: amazonOrder}
	w.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByCancellation}}, first, stamp)
	w.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByBuyer}}, second, stamp)
	w.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: "Refund sent"}}, first, stamp)
	w.Effect(order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: order.StatusCancelled, Expect: []order.Status{order.StatusOnHold}}}, first, stamp)
	return &outbox{effects: w.Effects, outcomes: map[string]order.EffectOutcome{}}
}

func key(seq int) string { return fmt.Sprintf("acme-na/111-1234567-7654321#%d", seq) }

func done(seq int) order.EffectOutcome { return order.EffectOutcome{Key: key(seq), Done: true} }

func outcomes(os ...order.EffectOutcome) map[string]order.EffectOutcome {
	m := map[string]order.EffectOutcome{}
	for _, o := range os {
		m[o.Key] = o
	}
	return m
}

func assertOutcomes(t *testing.T, b *outbox, want ...order.EffectOutcome) {
	t.Helper()
	if diff := cmp.Diff(outcomes(want...), b.outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestDeliver(t *testing.T) {
	from, to := written(), &hostBook{}
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err)
	assert.Equal(t, 4, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-2/10001 Hold", "SO-1/10002 Note", "SO-1/10003 Status"}, to.heard)
	assertOutcomes(t, from, done(10000), done(10001), done(10002), done(10003))
	if diff := cmp.Diff(from.effects[3], to.last); diff != "" {
		t.Errorf("the book is handed something else than was written (-want +got):\n%s", diff)
	}

	delivered, err = order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err)
	assert.Zero(t, delivered, "nothing is left")
	assert.Len(t, to.heard, 4)
}

func TestDeliverHandsOutNoMoreThanTheLimit(t *testing.T) {
	from, to := written(), &hostBook{}
	for _, want := range []int{3, 1, 0} {
		delivered, err := order.Deliver(t.Context(), from, to, now, 3)
		require.NoError(t, err)
		assert.Equal(t, want, delivered)
	}
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-2/10001 Hold", "SO-1/10002 Note", "SO-1/10003 Status"}, to.heard)
}

func TestAFailingEffectBlocksOnlyItsOwnOrder(t *testing.T) {
	from := written()
	to := &hostBook{answers: map[string][]error{"SO-1/10000 Hold": {errors.New("database is locked"), errors.New("still locked")}}}
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err, "what the book says is recorded, not returned")
	assert.Equal(t, 1, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-2/10001 Hold"}, to.heard)
	retry := now.Add(time.Minute)
	assertOutcomes(t, from, done(10001), order.EffectOutcome{Key: key(10000), NotBefore: retry, Err: "database is locked"})

	delivered, err = order.Deliver(t.Context(), from, to, retry.Add(-time.Nanosecond), 100)
	require.NoError(t, err)
	assert.Zero(t, delivered, "too early")
	assert.Len(t, to.heard, 2)

	delivered, err = order.Deliver(t.Context(), from, to, retry, 100)
	require.NoError(t, err)
	assert.Zero(t, delivered)
	assertOutcomes(t, from, done(10001), order.EffectOutcome{Key: key(10000), NotBefore: retry.Add(time.Minute), Err: "still locked"})

	delivered, err = order.Deliver(t.Context(), from, to, retry.Add(time.Hour), 100)
	require.NoError(t, err)
	assert.Equal(t, 3, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-1/10000 Hold", "SO-1/10002 Note", "SO-1/10003 Status"}, to.heard[2:])
	assertOutcomes(t, from, done(10000), done(10001), done(10002), done(10003))
}

// What the book does not take for a day is an alert about its order.
func TestWhatTheBookRefusesForLong(t *testing.T) {
	for _, tt := range []struct {
		waited time.Duration
		alert  string
	}{
		{0, ""},
		{24*time.Hour - time.Second, ""},
		{24 * time.Hour, "undelivered/" + key(10000)},
	} {
		t.Run(tt.waited.String(), func(t *testing.T) {
			from := written()
			tried := from.effects[0].At.Add(tt.waited)
			_, err := order.Deliver(t.Context(), from, &hostBook{answers: map[string][]error{"SO-1/10000 Hold": {errors.New("no such order")}}}, tried, 100)
			require.NoError(t, err)
			got := from.outcomes[key(10000)]
			assert.Equal(t, tried.Add(time.Minute), got.NotBefore)
			alert := order.Event{}
			if got.Alert != nil {
				alert = *got.Alert
				assert.Contains(t, alert.Text, "no such order")
				assert.Equal(t, amazonOrder, alert.Order)
			}
			assert.Equal(t, tt.alert, alert.Key)
		})
	}
}

func TestAFailureInTheMiddleKeepsTheRestInOrder(t *testing.T) {
	from := written()
	to := &hostBook{answers: map[string][]error{"SO-1/10002 Note": {errors.New("no room")}}}
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err)
	assert.Equal(t, 2, delivered)
	assert.NotContains(t, to.heard, "SO-1/10003 Status")
	assertOutcomes(t, from, done(10000), done(10001), order.EffectOutcome{Key: key(10002), NotBefore: now.Add(time.Minute), Err: "no room"})
}

func TestAStaleEffectBecomesANote(t *testing.T) {
	why := stamp
	why.Why = "cancelled by the buyer"
	silent := stamp
	silent.Why = ""
	for _, test := range []struct {
		name   string
		effect order.Effect
		stamp  order.Stamp
		want   string
	}{
		{"status", order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: order.StatusCancelled}}, why, "Status Cancelled was not applied: the order changed meanwhile. cancelled by the buyer"},
		{"hold", order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByCancellation}}, why, "Hold was not applied: the order changed meanwhile. cancelled by the buyer"},
		{"without a reason", order.Effect{Kind: order.EffectSplit, Split: &order.SplitOff{To: "SO-1/2"}}, silent, "Split was not applied: the order changed meanwhile."},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := order.Writes{Order: amazonOrder, Version: 4}
			w.Effect(test.effect, first, test.stamp)
			from := &outbox{effects: w.Effects, outcomes: map[string]order.EffectOutcome{}}
			stale := fmt.Errorf("SO-1 is shipped: %w", order.ErrStale)
			to := &hostBook{answers: map[string][]error{"SO-1/50000 " + string(test.effect.Kind): {stale}}}

			delivered, err := order.Deliver(t.Context(), from, to, now, 100)
			require.NoError(t, err)
			assert.Zero(t, delivered)
			want := order.Effect{
				Key: key(50000), Order: first, Amazon: amazonOrder, Seq: 50000, Stamp: test.stamp,
				Kind: order.EffectNote, Note: &order.Note{Text: test.want},
			}
			if diff := cmp.Diff(want, to.last); diff != "" {
				t.Errorf("note (-want +got):\n%s", diff)
			}
			alert := order.Event{
				Order: amazonOrder, Seq: 50000, Kind: order.EventAlert, Key: "stale/" + key(50000), For: order.Operator, Subject: "order " + first.String(), Text: test.want,
				Stamp: order.Stamp{By: "takeback", At: now},
			}
			assertOutcomes(t, from, order.EffectOutcome{Key: key(50000), Done: true, Err: "SO-1 is shipped: order changed meanwhile", Alert: &alert})
		})
	}
}

func TestAStaleEffectDoesNotStopTheNext(t *testing.T) {
	from := written()
	to := &hostBook{answers: map[string][]error{"SO-1/10000 Hold": {order.ErrStale}}}
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err)
	assert.Equal(t, 3, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-1/10000 Note", "SO-2/10001 Hold", "SO-1/10002 Note", "SO-1/10003 Status"}, to.heard)
}

// Where not even the note can be written, the effect itself comes again.
func TestAStaleEffectWithoutItsNoteIsNotDone(t *testing.T) {
	from := written()
	to := &hostBook{answers: map[string][]error{
		"SO-1/10000 Hold": {order.ErrStale, order.ErrStale},
		"SO-1/10000 Note": {errors.New("no room")},
	}}
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.NoError(t, err)
	assert.Equal(t, 1, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-1/10000 Note", "SO-2/10001 Hold"}, to.heard)
	assertOutcomes(t, from, done(10001), order.EffectOutcome{Key: key(10000), NotBefore: now.Add(time.Minute), Err: "no room"})

	delivered, err = order.Deliver(t.Context(), from, to, now.Add(time.Minute), 100)
	require.NoError(t, err)
	assert.Equal(t, 2, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold", "SO-1/10000 Note", "SO-1/10002 Note", "SO-1/10003 Status"}, to.heard[3:])
}

// What a book answers as the context ends tells nothing about the effect.
func TestDeliverEndsWithItsContext(t *testing.T) {
	for name, answers := range map[string]map[string][]error{
		"after an effect that was applied": nil,
		"with the book's own error":        {"SO-1/10000 Hold": {context.Canceled}},
		"at the note for a stale effect":   {"SO-1/10000 Hold": {order.ErrStale}, "SO-1/10000 Note": {context.Canceled}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			from, to := written(), &hostBook{answers: answers, meddle: stop}
			delivered, err := order.Deliver(ctx, from, to, now, 100)
			require.ErrorIs(t, err, context.Canceled)
			assert.Zero(t, delivered)
			assert.NotContains(t, to.heard, "SO-2/10001 Hold")
			assertOutcomes(t, from)

			delivered, err = order.Deliver(t.Context(), from, &hostBook{}, now, 100)
			require.NoError(t, err)
			assert.Equal(t, 4, delivered, "all of them come again")
		})
	}
}

func TestDeliverReturnsTheErrorsOfTheOutbox(t *testing.T) {
	broken := errors.New("connection lost")

	from, to := written(), &hostBook{}
	from.read = broken
	delivered, err := order.Deliver(t.Context(), from, to, now, 100)
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "read effects: connection lost")
	assert.Zero(t, delivered)
	assert.Empty(t, to.heard, "nothing is delivered that may not be due")

	from = written()
	from.save = broken
	delivered, err = order.Deliver(t.Context(), from, to, now, 100)
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "record effect acme-na/111-1234567-7654321#10000: connection lost")
	assert.Equal(t, 1, delivered)
	assert.Equal(t, []string{"SO-1/10000 Hold"}, to.heard, "the next would run ahead of what is recorded")
}

// Each pass delivers what it can; whatever the book refuses for a while, every
// order sees its own effects in order, and all of them in the end.
func TestEveryOrderSeesItsEffectsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := &outbox{outcomes: map[string]order.EffectOutcome{}}
		to := &hostBook{answers: map[string][]error{}}
		want := map[order.ID][]string{}
		for version := range rapid.Int64Range(1, 4).Draw(t, "saves") {
			w := order.Writes{Order: amazonOrder, Version: version}
			for range rapid.IntRange(0, 4).Draw(t, "effects") {
				id := rapid.SampledFrom([]order.ID{first, second}).Draw(t, "order")
				w.Effect(order.Effect{Kind: order.EffectHold}, id, stamp)
				e := w.Effects[len(w.Effects)-1]
				what := fmt.Sprintf("%s/%d %s", e.Order.Number, e.Seq, e.Kind)
				want[id] = append(want[id], what)
				to.answers[what] = make([]error, rapid.IntRange(0, 2).Draw(t, "failures"))
				for i := range to.answers[what] {
					to.answers[what][i] = errors.New("busy")
				}
			}
			from.effects = append(from.effects, w.Effects...)
		}

		total := 0
		for pass := range 60 {
			delivered, err := order.Deliver(context.Background(), from, to, now.Add(time.Duration(pass)*time.Minute), rapid.IntRange(1, 5).Draw(t, "limit"))
			require.NoError(t, err)
			total += delivered
		}
		assert.Equal(t, len(from.effects), total)
		got := map[order.ID][]string{}
		for _, what := range to.heard {
			number, _, _ := strings.Cut(what, "/")
			id := order.ID{Company: "acme", Number: number}
			got[id] = append(got[id], what)
		}
		for id := range want {
			assert.Equal(t, want[id], slices.Compact(got[id]), "%s: tries of one effect stand together", id)
		}
	})
}

func TestWritesNumberWhatFollows(t *testing.T) {
	w := order.Writes{Order: amazonOrder, Version: 2}
	w.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: "a"}, Key: "mine", Seq: 1}, first, stamp)
	w.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByBuyer}}, second, stamp)
	w.Event(order.EventRequested, "refund RF1", "2 units", stamp)
	w.Event(order.EventAlert, "refund RF1", "look", stamp)

	want := order.Writes{
		Order: amazonOrder, Version: 2,
		Effects: []order.Effect{
			{Key: key(30000), Order: first, Amazon: amazonOrder, Seq: 30000, Kind: order.EffectNote, Note: &order.Note{Text: "a"}, Stamp: stamp},
			{Key: key(30001), Order: second, Amazon: amazonOrder, Seq: 30001, Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByBuyer}, Stamp: stamp},
		},
		Events: []order.Event{
			{Order: amazonOrder, Seq: 30000, Kind: order.EventRequested, Subject: "refund RF1", Text: "2 units", Stamp: stamp},
			{Order: amazonOrder, Seq: 30001, Kind: order.EventAlert, Subject: "refund RF1", Text: "look", Stamp: stamp},
		},
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNumbersRiseFromSaveToSaveAndKeysAreUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amazonOrders := []order.AmazonID{amazonOrder, {Account: "acme-na", Number: "111-1234567-7654322"}, {Account: "acme-eu", Number: amazonOrder.Number}}
		keys := map[string]bool{}
		for _, id := range amazonOrders {
			effects, events := int64(0), int64(0)
			for version := range rapid.Int64Range(0, 5).Draw(t, "saves") {
				w := order.Writes{Order: id, Version: version}
				for range rapid.IntRange(0, 40).Draw(t, "rows") {
					w.Effect(order.Effect{Kind: order.EffectNote}, first, stamp)
					w.Event(order.EventResult, "refund RF1", "accepted", stamp)
				}
				for i := range w.Effects {
					require.Greater(t, w.Effects[i].Seq, effects)
					require.Greater(t, w.Events[i].Seq, events)
					require.Falsef(t, keys[w.Effects[i].Key], "key %s is used twice", w.Effects[i].Key)
					effects, events, keys[w.Effects[i].Key] = w.Effects[i].Seq, w.Events[i].Seq, true
				}
			}
		}
	})
}
