package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// worker is one process of the host's: it has one thing to do at a time, and
// each call it makes, to the store or to Amazon, stops until the run says what
// shall become of it. So only one worker moves at any moment, and a seed that is
// run again goes the same way.
type worker struct {
	run  *run
	name string
	skew time.Duration // of its clock
	life *life

	doing   string  // what it has begun; empty: it has nothing to do
	parked  *stop   // where it was left
	failing failing // a call that goes on failing
}

// life is what a worker has in memory, from its start to its crash.
type life struct {
	worker *worker
	desk   desk
	ctx    context.Context
	cancel context.CancelFunc
	dead   atomic.Bool
	events chan event
	tasks  sync.WaitGroup
}

// event is what a worker that moves comes to: a stop, or the end of what it did.
type event struct {
	stop *stop // nil: it is done
}

// stop is a call that waits for its verdict.
type stop struct {
	what    string // such as "amazon createFeed"
	after   bool   // it has had its effect
	verdict chan verdict
}

func (s *stop) String() string {
	if s.after {
		return "after " + s.what
	}
	return "before " + s.what
}

// verdict is what shall become of a call.
type verdict int

const (
	proceed verdict = iota
	fail            // before: it has no effect; after: its answer is lost
	crash           // the same, and whoever called is no more
)

// start gives a worker a new life, with nothing in memory.
func (w *worker) start() error {
	ctx, cancel := context.WithCancel(context.Background())
	l := &life{worker: w, ctx: ctx, cancel: cancel, events: make(chan event)}
	desk, err := w.run.world.desk(l)
	if err != nil {
		cancel()
		return err
	}
	l.desk, w.life, w.doing, w.parked, w.failing = desk, l, "", nil, failing{}
	return nil
}

// stop ends the worker's life, wherever it is.
func (w *worker) stop() {
	switch {
	case w.life == nil:
	case w.parked != nil:
		w.release(w.parked, crash)
	default:
		w.life.cancel()
	}
}

// begin has an idle worker do something, up to its first call.
func (w *worker) begin(doing string, task func(context.Context, desk) error) event {
	l := w.life
	w.doing = doing
	l.tasks.Go(func() {
		defer func() {
			if !l.dead.Load() {
				l.events <- event{}
			}
		}()
		err := task(l.ctx, l.desk)
		if !l.dead.Load() {
			w.run.tell("%s: %s: done, error %v", w.name, doing, err)
		}
	})
	return <-l.events
}

// release tells a stopped call what shall become of it, and returns what the
// worker comes to next; nothing after a crash.
func (w *worker) release(s *stop, v verdict) event {
	w.parked = nil
	if v == crash {
		w.life.dead.Store(true)
		w.life.cancel()
		s.verdict <- v
		w.life.tasks.Wait()
		return event{}
	}
	s.verdict <- v
	return <-w.life.events
}

// wait stops until the run has said what shall become of a call.
func (l *life) wait(what string, after bool) verdict {
	if l.dead.Load() {
		return crash
	}
	s := &stop{what: what, after: after, verdict: make(chan verdict)}
	l.events <- event{s}
	return <-s.verdict
}

// end is the end of a goroutine whose worker has crashed. What it deferred runs,
// and ends as well at the next call.
func end() { runtime.Goexit() }

// now is the worker's clock.
func (w *worker) now() time.Time { return w.run.clock.Add(w.skew) }

// pause is what the client does between two tries. How long it asks for is drawn
// at random where nobody can repeat it, so it is rounded up.
func (l *life) pause(ctx context.Context, d time.Duration) error {
	const step = 10 * time.Second
	if !l.dead.Load() && ctx.Err() == nil && d > 0 {
		l.worker.run.pass((d + step - 1).Truncate(step))
	}
	return ctx.Err()
}

func (w *worker) String() string { return fmt.Sprintf("%s (%s)", w.name, w.doing) }
