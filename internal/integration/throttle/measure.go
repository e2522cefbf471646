package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/takebackhq/takeback/queue"
)

// figures are what the run of one backlog came to. Times are in seconds.
type figures struct {
	Backlog int     `json:"backlog"`
	Seconds float64 `json:"seconds"`
	Optimum float64 `json:"optimum_seconds"`
	Ratio   float64 `json:"ratio"`
	Refused int     `json:"refused"`
	Feeds   int     `json:"feeds"`
	Real    float64 `json:"real_seconds"`
	Day     float64 `json:"day_seconds,omitzero"`
}

// Amazon's usage plan for createFeed (model feeds_2021-06-30).
const (
	burst = 15
	every = 120 * time.Second
)

const goal = 0.98

// goals tells which goals were missed.
func (m figures) goals() error {
	var errs []error
	if m.Ratio < goal {
		errs = append(errs, fmt.Errorf("%.0f s of the best %.0f s: the ratio is %.4f, the goal %.2f", m.Seconds, m.Optimum, m.Ratio, goal))
	}
	if m.Refused > 0 {
		errs = append(errs, fmt.Errorf("Amazon refused %d calls, the goal is none", m.Refused))
	}
	return errors.Join(errs...)
}

// measure runs one backlog until Amazon has answered for all of it.
func measure(ctx context.Context, backlog, perDocument int) (figures, error) {
	w, err := newWorld(perDocument)
	if err != nil {
		return figures{}, err
	}
	ids, err := w.enqueue(ctx, backlog)
	if err != nil {
		return figures{}, err
	}

	began, realBegan := w.clock.Now(), time.Now()
	documents, err := w.queue.Process(ctx, "operator", ids...)
	if err != nil {
		return figures{}, err
	}
	waiting, err := w.work(ctx, began.Add(patience(len(documents))))
	if err != nil {
		return figures{}, err
	}
	ended, realEnded := w.clock.Now(), time.Now()
	if err := w.paidOnce(backlog); err != nil {
		return figures{}, err
	}

	m := figures{
		Backlog: backlog,
		Optimum: (time.Duration(max(0, len(documents)-burst)) * every).Seconds(),
		Ratio:   1,
		Real:    realEnded.Sub(realBegan).Round(time.Millisecond).Seconds(),
	}
	if took := ended.Sub(began); took >= time.Hour {
		day := float64(waiting) * float64(24*time.Hour) / float64(took)
		m.Day = time.Duration(day).Round(time.Millisecond).Seconds()
	}
	for _, call := range w.fake.Calls() {
		if call.Status == http.StatusTooManyRequests {
			m.Refused++
		}
		if call.Op == "createFeed" && call.Effect == http.StatusAccepted {
			m.Feeds++
			m.Seconds = call.EffectTime.Sub(began).Round(10 * time.Millisecond).Seconds() // Amazon's clock shows only milliseconds
		}
	}
	if m.Seconds > 0 {
		m.Ratio = m.Optimum / m.Seconds
	}
	return m, nil
}

// patience is how long the clock may run before a run counts as stuck: twice the
// best, and a day for the answers.
func patience(documents int) time.Duration {
	return 2*time.Duration(documents)*every + 24*time.Hour
}

// work steps as a host does until nothing is left to do, and says what the passes
// took that only waited for Amazon.
func (w *world) work(ctx context.Context, until time.Time) (waiting time.Duration, err error) {
	for w.clock.Now().Before(until) {
		asked, began := w.asked, time.Now()
		next, err := w.queue.Step(ctx)
		if err != nil {
			return waiting, err
		}
		if w.asked == asked {
			waiting += time.Since(began)
		}
		done, err := w.done(ctx)
		if err != nil || done {
			return waiting, err
		}
		w.clock.advance(next.Sub(w.clock.Now()))
	}
	return waiting, fmt.Errorf("there is still something to do on %s, when twice the best time has passed", until)
}

func (w *world) done(ctx context.Context) (bool, error) {
	batches, err := w.queue.Batches(ctx, queue.BatchQuery{Unapplied: true, Limit: 1})
	if err != nil || len(batches) > 0 {
		return false, err
	}
	waiting, err := w.queue.Entries(ctx, queue.EntryQuery{
		Accounts: accountIDs, Feeds: feedTypes, States: []queue.State{queue.EntryQueued}, Limit: 1,
	})
	return len(waiting) == 0, err
}
