package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// ear hears what queues of a world tell.
type ear struct {
	mu     sync.Mutex
	events []queue.Event
	log    bytes.Buffer // JSON, a line each; all levels
}

// listen has the queues that are opened from now on tell what they do.
func (w *world) listen() *ear {
	heard := &ear{}
	w.logger = slog.New(slog.NewJSONHandler(&heard.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.observe = func(_ context.Context, e queue.Event) {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		heard.events = append(heard.events, e)
	}
	return heard
}

// kinds is what was told, in its order, but the passes.
func (h *ear) kinds() (kinds []queue.EventKind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Kind != queue.EventStep {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// only are the events of some kinds.
func (h *ear) only(kinds ...queue.EventKind) (events []queue.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if slices.Contains(kinds, e.Kind) {
			events = append(events, e)
		}
	}
	return events
}

// line is what of a line of the log is compared with an event.
type line struct {
	Msg    string
	Level  slog.Level
	Batch  string
	Next   time.Time
	Error  string
	Number string `json:"document_number"`
}

func (h *ear) lines(t *testing.T) (lines []line) {
	t.Helper()
	for text := range bytes.Lines(h.log.Bytes()) {
		var l line
		require.NoError(t, json.Unmarshal(text, &l))
		lines = append(lines, l)
	}
	return lines
}

// Each kind of event has its level; the words that staff filter for do not change.
func TestLevelOfEveryEvent(t *testing.T) {
	at := epoch
	tests := []struct {
		event queue.Event
		want  slog.Level
	}{
		{queue.Event{Kind: "Step"}, slog.LevelDebug},
		{queue.Event{Kind: "LeaseBusy"}, slog.LevelDebug},
		{queue.Event{Kind: "Overtaken"}, slog.LevelDebug},
		{queue.Event{Kind: "Throttled", At: at, Next: at.Add(10 * time.Minute)}, slog.LevelDebug},
		{queue.Event{Kind: "Throttled", At: at, Next: at.Add(11 * time.Minute)}, slog.LevelWarn},
		{queue.Event{Kind: "BatchSent"}, slog.LevelInfo},
		{queue.Event{Kind: "BatchEnded"}, slog.LevelInfo},
		{queue.Event{Kind: "EntrySetAside"}, slog.LevelInfo},
		{queue.Event{Kind: "Adopted"}, slog.LevelInfo},
		{queue.Event{Kind: "Decided"}, slog.LevelInfo},
		{queue.Event{Kind: "Paused"}, slog.LevelInfo},
		{queue.Event{Kind: "Resumed"}, slog.LevelInfo},
		{queue.Event{Kind: "AlertClosed"}, slog.LevelInfo},
		{queue.Event{Kind: "NotSent"}, slog.LevelWarn},
		{queue.Event{Kind: "AnswerLost"}, slog.LevelWarn},
		{queue.Event{Kind: "Unadopted"}, slog.LevelWarn},
		{queue.Event{Kind: "EffectRefused"}, slog.LevelWarn},
		{queue.Event{Kind: "AccountFailed"}, slog.LevelWarn},
		{queue.Event{Kind: "StepFailed"}, slog.LevelWarn},
		{queue.Event{Kind: "AnswerUnsaved"}, slog.LevelError},
		{queue.Event{Kind: "Alert"}, slog.LevelError},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.event.Level(), "%+v", tt.event)
	}
}

// What is observed of one document, from the first pass to its last result.
func TestADocumentIsObserved(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.amazon.report = refusing(5005, 1)
		w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
		w.pass(w.queue(), 5*time.Minute)

		require.Equal(w.t, []queue.EventKind{queue.EventBatchSent, queue.EventBatchEnded}, heard.kinds())
		b := w.batches()[0]
		about := queue.Event{Company: "acme", Account: "us", Feed: amazon.RefundFeed, Batch: b.ID, Document: b.DocumentNumber, Entries: 3}
		sent, ended := about, about
		sent.Kind, sent.State = queue.EventBatchSent, queue.BatchInQueue
		ended.Kind, ended.State, ended.Text = queue.EventBatchEnded, queue.BatchDone, "2 accepted, 1 refused, 0 open"
		got := append(heard.only(queue.EventBatchSent), heard.only(queue.EventBatchEnded)...)
		assert.Empty(w.t, cmp.Diff([]queue.Event{sent, ended}, got, cmpopts.IgnoreFields(queue.Event{}, "At", "Next")))
		assert.True(w.t, got[0].Next.After(got[0].At), "when Amazon is asked")
		for _, e := range heard.only(queue.EventStep) {
			assert.False(w.t, e.Next.Before(e.At), "%+v", e)
			assert.NoError(w.t, e.Err)
		}
	})
}

// What may become of a createFeed, and what is heard of it.
func TestOutcomesOfCreateFeedAreObserved(t *testing.T) {
	tests := []struct {
		name   string
		answer answer
		want   []queue.EventKind
	}{
		{"lost", answer{err: errLost}, []queue.EventKind{queue.EventAnswerLost, queue.EventAccountFailed}},
		{"answered without a Document Number", answer{noID: true}, []queue.EventKind{queue.EventAnswerLost}},
		{"throttled", answer{err: throttled(epoch.Add(3 * time.Minute))}, []queue.EventKind{queue.EventNotSent}},
		{"refused", answer{err: &amazon.Error{Sent: amazon.Answered, Status: 400}}, []queue.EventKind{queue.EventAlert, queue.EventAccountFailed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				heard := w.listen()
				w.amazon.answers = []answer{tt.answer}
				w.request(asked{order: 1}, asked{order: 2})
				_, err := w.queue().Step(w.t.Context())
				assert.Equal(w.t, tt.want, heard.kinds())
				step := heard.only(queue.EventStep)
				require.Len(w.t, step, 1)
				assert.Equal(w.t, err, step[0].Err, "the pass tells what it returned")
			})
		})
	}
}

// A token that is not there yet is heard of with its time, and is no failure.
func TestThrottlingIsObserved(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.amazon.throttledUntil = w.now().Add(3 * time.Minute)
		w.request(asked{order: 1})
		_, err := w.queue().Step(w.t.Context())
		require.NoError(w.t, err)
		want := []queue.Event{{Kind: queue.EventThrottled, At: epoch, Company: "acme", Account: "us", Feed: amazon.RefundFeed, Next: epoch.Add(3 * time.Minute)}}
		assert.Empty(w.t, cmp.Diff(want, heard.only(queue.EventThrottled), cmpopts.IgnoreFields(queue.Event{}, "Err")))
	})
}

// An entry that cannot go now is heard of with its reason, and is an alert when
// only a person can help.
func TestSettingAsideIsObserved(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
		w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
			ps[0].Aside = &queue.Aside{Why: "on hold", NotBefore: epoch.Add(time.Hour)}
			ps[1].Aside = &queue.Aside{State: queue.EntryNeedsDecision, Why: "overdrawn"}
			return ps, nil
		}
		_, err := w.queue().Step(w.t.Context())
		require.NoError(w.t, err)

		aside := heard.only(queue.EventEntrySetAside)
		require.Len(w.t, aside, 2)
		held := queue.Event{
			Kind: queue.EventEntrySetAside, At: epoch, Company: "acme", Account: "us", Feed: amazon.RefundFeed,
			Entry: ids[0], HostOrder: order.ID{Company: "acme", Number: "H1"}, Next: epoch.Add(time.Hour), Text: "on hold",
		}
		assert.Empty(w.t, cmp.Diff(held, aside[0]))
		assert.Equal(w.t, ids[1], aside[1].Entry)

		alert := queue.Event{
			Kind: queue.EventAlert, At: epoch, Account: "us", Alert: "decide/" + string(ids[1]) + "/0", By: "queue",
			Text: "refund " + string(ids[1]) + ": Needs a decision. overdrawn",
		}
		assert.Empty(w.t, cmp.Diff([]queue.Event{alert}, heard.only(queue.EventAlert)))
	})
}

// Nothing is told that was not saved; an answer that cannot be saved is told at
// each try.
func TestOnlyWhatIsSavedIsTold(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.request(asked{order: 1})
		answered := &afterCreate{fails: 3, err: errors.New("the disk is full")}
		w.step(w.queue(answered))
		require.Zero(w.t, answered.fails)
		assert.Equal(w.t, []queue.EventKind{
			queue.EventAnswerUnsaved, queue.EventAnswerUnsaved, queue.EventAnswerUnsaved, queue.EventBatchSent,
		}, heard.kinds())
		unsaved := heard.only(queue.EventAnswerUnsaved)[0]
		assert.Equal(w.t, amazon.FeedID("50001"), unsaved.Document)
		assert.ErrorIs(w.t, unsaved.Err, answered.err)
	})
}

// afterCreate fails the first saves after createFeed, before their effect.
type afterCreate struct {
	fails   int
	err     error
	created bool
}

func (g *afterCreate) before(call string) error {
	if call == "amazon.Create" {
		g.created = true
	}
	if g.created && call == "store.SaveQueue" && g.fails > 0 {
		g.fails--
		return g.err
	}
	return nil
}

func (g *afterCreate) after(string) error { return nil }

// Another worker that was faster is no failure.
func TestOvertakingIsObserved(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.request(asked{order: 1})
		w.step(w.queue(&failing{of: "amazon.Upload", n: 1, err: throttled(epoch)}))
		time.Sleep(time.Minute)
		first := w.worker()
		require.True(w.t, first.until("amazon.Upload"))
		w.leaseEnds()
		w.step(w.queue())
		first.finish()
		require.Len(w.t, w.amazon.sent(), 1)
		require.Len(w.t, heard.only(queue.EventOvertaken), 1)
		overtaken := heard.only(queue.EventOvertaken)[0]
		assert.Equal(w.t, "batch "+string(w.batches()[0].ID), overtaken.Text)
		assert.ErrorIs(w.t, overtaken.Err, store.ErrConflict)
		assert.NotContains(w.t, heard.kinds(), queue.EventAccountFailed)
	})
}

// Who finds another at work on an account says who, and until when.
func TestABusyLeaseIsObserved(t *testing.T) {
	in(t, func(w *world) {
		w.request(asked{order: 1})
		first := w.worker()
		require.True(w.t, first.until("amazon.Upload"))
		heard := w.listen()
		w.step(w.queue())
		busy := heard.only(queue.EventLeaseBusy)
		require.Len(w.t, busy, 1)
		assert.NotEmpty(w.t, busy[0].By)
		assert.Equal(w.t, epoch.Add(5*time.Minute), busy[0].Next)
		assert.Equal(w.t, [2]string{"acme", "us"}, [2]string{string(busy[0].Company), string(busy[0].Account)})
		first.finish()
	})
}

// Throttling is told wherever Amazon throttles, with its time, and is no failure
// anywhere.
func TestThrottlingIsObservedEverywhere(t *testing.T) {
	lostFeed := func(w *world) { w.amazon.answers = []answer{{arrives: true, err: errLost}} }
	tests := []struct {
		call   string
		before func(*world)
	}{
		{"amazon.Begin", func(*world) {}},
		{"amazon.Upload", func(*world) {}},
		{"amazon.Feed", func(*world) {}},
		{"amazon.Document", func(*world) {}},
		{"amazon.ListFeeds", lostFeed},
		{"amazon.ListFeeds", func(w *world) { // the first one of a process
			w.pass(w.queue(), 5*time.Minute)
			w.request(asked{order: 2})
		}},
		{"testify", func(w *world) {
			lostFeed(w)
			waits := true
			w.testify = func(queue.Entry) (t queue.Testimony, err error) {
				if waits {
					waits, err = false, throttled(w.now().Add(20*time.Minute))
				}
				return t, err
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.call, func(t *testing.T) {
			in(t, func(w *world) {
				w.request(asked{order: 1})
				tt.before(w)
				lost := len(w.amazon.answers)
				heard := w.listen()
				q := w.queue(&until{call: tt.call, at: w.now().Add(20 * time.Minute), now: w.now})
				w.pass(q, time.Hour)
				told := heard.only(queue.EventThrottled)
				require.NotEmpty(w.t, told)
				for _, e := range told {
					assert.Equal(w.t, order.AccountID("us"), e.Account)
					assert.Equal(w.t, order.CompanyID("acme"), e.Company)
					assert.True(w.t, e.Next.After(e.At))
					assert.Error(w.t, e.Err)
				}
				assert.Len(w.t, heard.only(queue.EventAccountFailed), lost, "only the lost answer is a failure")
			})
		})
	}
}

// until throttles a call until a time.
type until struct {
	call string
	at   time.Time
	now  func() time.Time
}

func (u *until) before(call string) error {
	if call == u.call && u.now().Before(u.at) {
		return throttled(u.at)
	}
	return nil
}

func (u *until) after(string) error { return nil }

// What stops sending and lets it go on is told once; what changes nothing is not.
func TestPausesAreObserved(t *testing.T) {
	in(t, func(w *world) {
		us, acme := queue.Scope{Account: "us"}, queue.Scope{Company: "acme"}
		w.request(asked{order: 1})
		heard := w.listen()
		q := w.queue()
		for range 2 {
			require.NoError(w.t, q.Pause(w.t.Context(), "ann", "stocktaking", us))
			require.NoError(w.t, q.Pause(w.t.Context(), "bob", "audit", acme))
		}
		for range 2 {
			require.NoError(w.t, q.Resume(w.t.Context(), "ann", "counted", us))
			require.NoError(w.t, q.Resume(w.t.Context(), "bob", "done", acme))
		}
		require.NoError(w.t, q.Recover(w.t.Context(), "root", epoch.Add(-time.Hour)))
		w.pass(q, 5*time.Hour)
		want := []queue.Event{
			{Kind: queue.EventPaused, Account: "us", By: "ann", Text: "stocktaking"},
			{Kind: queue.EventPaused, Company: "acme", By: "bob", Text: "audit"},
			{Kind: queue.EventResumed, Account: "us", By: "ann", Text: "counted"},
			{Kind: queue.EventResumed, Company: "acme", By: "bob", Text: "done"},
			{Kind: queue.EventPaused, By: "root", Text: "what was saved since 2026-03-02T08:00:00Z may be lost"},
			{Kind: queue.EventResumed, Company: "acme", Account: "us", By: "queue", Text: "Amazon has no feed since then that the store does not know"},
		}
		got := heard.only(queue.EventPaused, queue.EventResumed)
		assert.Empty(w.t, cmp.Diff(want, got, cmpopts.IgnoreFields(queue.Event{}, "At")))
	})
}

// How a lost answer is settled is told step by step.
func TestSettlingALostAnswerIsObserved(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		q := w.queue()
		id := w.lose(q, false)[0]
		w.amazon.stranger("777", w.account(), amazon.RefundFeed)
		w.amazon.setReport("777", encoded(reported(1, refusal(7, 18028, "no"))))
		w.pass(q, givenUpLooking)
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceGiveUp)))
		require.Equal(w.t, queue.EntryGivenUp, w.get(id).State)

		assert.Equal(w.t, []queue.EventKind{
			queue.EventAnswerLost, queue.EventAccountFailed, queue.EventAdopted, queue.EventUnadopted,
			queue.EventAlert, queue.EventDecided, queue.EventBatchEnded,
		}, heard.kinds())
		assert.Equal(w.t, amazon.FeedID("777"), heard.only(queue.EventAdopted)[0].Document)
		assert.Equal(w.t, amazon.FeedID("777"), heard.only(queue.EventUnadopted)[0].Document)
		decided := heard.only(queue.EventDecided)[0]
		assert.Equal(w.t, [3]string{string(w.first().ID), "boss", "GiveUp: looked it up"}, [3]string{string(decided.Batch), decided.By, decided.Text})
	})
}

// A decision about an entry alone is told with the entry, and one that is saved
// but cannot be carried out yet says so.
func TestDecisionsAreObserved(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.noReport = true
		ids := w.request(asked{order: 1}, asked{order: 2})
		w.pass(w.queue(), 8*24*time.Hour)
		heard := w.listen()
		q := w.queue()
		require.NoError(w.t, q.Decide(w.t.Context(), w.entryDecision(q, ids[0], queue.ChoiceSettled)))
		decided := heard.only(queue.EventDecided)
		require.Len(w.t, decided, 1)
		assert.Equal(w.t, ids[0], decided[0].Entry)
		assert.Equal(w.t, "SettledOutside: looked it up", decided[0].Text)

		w.apply = func([]queue.Entry) error { return errLost }
		require.ErrorIs(w.t, q.Decide(w.t.Context(), w.entryDecision(q, ids[1], queue.ChoiceSettled)), errLost)
		assert.Len(w.t, heard.only(queue.EventDecided), 1, "what is not saved is not told")
	})
	in(t, func(w *world) {
		q := w.queue()
		w.lose(q, false)
		w.pass(q, givenUpLooking)
		heard := w.listen()
		q = w.queue()
		w.apply = func([]queue.Entry) error { return errLost }
		require.NoError(w.t, q.Decide(w.t.Context(), w.decision(q, queue.ChoiceGiveUp)))
		assert.Equal(w.t, []queue.EventKind{queue.EventDecided, queue.EventAccountFailed}, heard.kinds())
		assert.ErrorIs(w.t, heard.only(queue.EventAccountFailed)[0].Err, errLost)
	})
}

// Each failure is told: once where it belongs, whatever else of the pass works.
func TestFailuresAreObserved(t *testing.T) {
	t.Run("of a pass", func(t *testing.T) {
		in(t, func(w *world) {
			heard := w.listen()
			next, err := w.queue(&failing{of: "store.Lanes", n: 1, err: errLost}).Step(w.t.Context())
			require.ErrorIs(w.t, err, errLost)
			require.Equal(w.t, []queue.EventKind{queue.EventStepFailed}, heard.kinds())
			failed := heard.only(queue.EventStepFailed)[0]
			assert.Equal(w.t, next, failed.Next)
			assert.ErrorIs(w.t, failed.Err, errLost)
		})
	})
	t.Run("of a look", func(t *testing.T) {
		in(t, func(w *world) {
			w.lose(w.queue(), true)
			time.Sleep(3 * time.Minute)
			heard := w.listen()
			_, err := w.queue(&failing{of: "amazon.ListFeeds", n: 1, err: errLost}).Step(w.t.Context())
			require.ErrorIs(w.t, err, errLost)
			require.Equal(w.t, []queue.EventKind{queue.EventAccountFailed}, heard.kinds())
			assert.Equal(w.t, w.now().Add(time.Minute), heard.only(queue.EventAccountFailed)[0].Next)
		})
	})
	t.Run("of a poll", func(t *testing.T) {
		in(t, func(w *world) {
			w.request(asked{order: 1})
			w.step(w.queue())
			time.Sleep(time.Minute)
			heard := w.listen()
			_, err := w.queue(&failing{of: "amazon.Feed", n: 1, err: errLost}).Step(w.t.Context())
			require.ErrorIs(w.t, err, errLost)
			assert.Equal(w.t, []queue.EventKind{queue.EventAccountFailed}, heard.kinds())
		})
	})
}

// A feed that takes long is told once, not at each poll.
func TestAStuckFeedIsToldOnce(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.amazon.status = amazon.FeedInQueue
		w.request(asked{order: 1})
		w.pass(w.queue(), 48*time.Hour)
		require.Len(w.t, heard.only(queue.EventAlert), 1)
		assert.Equal(w.t, "stuck/"+string(w.first().ID), heard.only(queue.EventAlert)[0].Alert)
	})
}

// The log has a line for each event, of the same name, at its level and with what
// it carries; and nothing else.
func TestLogAndEventsSayTheSame(t *testing.T) {
	in(t, func(w *world) {
		heard := w.listen()
		w.amazon.answers = []answer{{err: throttled(epoch.Add(3 * time.Minute))}, {arrives: true}, {err: errLost}}
		w.request(asked{order: 1}, asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		w.pass(w.queue(), 20*time.Minute)

		var want []line
		for _, e := range heard.events {
			l := line{Msg: "takeback " + string(e.Kind), Level: e.Level(), Batch: string(e.Batch), Next: e.Next, Number: string(e.Document)}
			if e.Err != nil {
				l.Error = e.Err.Error()
			}
			want = append(want, l)
		}
		assert.Subset(w.t, heard.kinds(), []queue.EventKind{queue.EventNotSent, queue.EventBatchSent, queue.EventAnswerLost, queue.EventBatchEnded})
		assert.Empty(w.t, cmp.Diff(want, heard.lines(w.t)))
	})
}

// Nobody has to listen.
func TestObserverOfNobody(*testing.T) {
	queue.Observer(nil, nil)(context.Background(), queue.Event{Kind: queue.EventStep})
}
