package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Crew is some workers that do a plan's work, one of them at a time, so that a
// run is the same each time. All fields but Mishaps are required.
type Crew struct {
	Mishaps []Mishap // in the order in which they happen
	Now     func() time.Time
	Sleep   func(time.Duration)

	// Hire starts a worker and returns what does one round of its work, until the
	// context ends, and says when to come back. The worker is the gate of its
	// calls. Ended tells whether nothing is left to do.
	Hire  func(*Worker) (func(context.Context) time.Time, error)
	Ended func(context.Context) (bool, error)

	mu     sync.Mutex
	calls  []Call
	met    int // how many of the mishaps have happened
	rounds int // of all workers

	working sync.WaitGroup
}

// Worker is a process of the host, and the [Gate] of its calls.
type Worker struct {
	crew *Crew
	work func(context.Context) time.Time
	ctx  context.Context
	die  context.CancelFunc

	stopped chan Mishap // it was killed or suspended
	done    chan time.Time

	// Guarded by the crew.
	dead  bool
	thaw  chan struct{} // not nil: it is suspended until this is closed
	round int           // the one that it is in

	next time.Time // when it wants to work again
	away bool
	back time.Time // when it goes on, if it is away
	seen int       // rounds of others since it went away
	gone bool
}

var _ Gate = (*Worker)(nil)

// ErrKilled is what every call of a worker comes to that was killed.
var ErrKilled = errors.New("killed")

// Before implements [Gate].
func (w *Worker) Before(call string) error { return w.pass(call, false) }

// After implements [Gate].
func (w *Worker) After(call string) error { return w.pass(call, true) }

func (w *Worker) pass(call string, late bool) error {
	c := w.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := w.awake(); err != nil {
		return err
	}
	if !late {
		c.calls = append(c.calls, Call{call, w.round})
	}
	switch m := c.due(late); m.What {
	case Fails:
		return ErrLost
	case Unsent:
		return ErrUnsent
	case Kills:
		w.dead = true
		w.die()
		w.stopped <- m
	case Suspends:
		w.thaw = make(chan struct{})
		w.stopped <- m
	}
	return w.awake()
}

// awake returns when a worker is not suspended, with an error if it is dead: what
// it does is not seen outside any more.
func (w *Worker) awake() error {
	for w.thaw != nil {
		thawed := w.thaw
		w.crew.mu.Unlock()
		<-thawed
		w.crew.mu.Lock()
	}
	if w.dead {
		return ErrKilled
	}
	return nil
}

func (w *Worker) resume() {
	w.crew.mu.Lock()
	defer w.crew.mu.Unlock()
	if w.thaw != nil {
		close(w.thaw)
		w.thaw = nil
	}
}

func (w *Worker) kill() {
	w.crew.mu.Lock()
	w.dead = true
	w.crew.mu.Unlock()
	w.die()
	w.resume()
}

// due is the mishap of the call that is being made, if it has one.
func (c *Crew) due(late bool) Mishap {
	if c.met == len(c.Mishaps) {
		return Mishap{}
	}
	m := c.Mishaps[c.met]
	if m.At != len(c.calls) || m.Late != late {
		return Mishap{}
	}
	c.met++
	return m
}

func (c *Crew) hire(ctx context.Context) (*Worker, error) {
	w := &Worker{crew: c, stopped: make(chan Mishap, len(c.Mishaps)), done: make(chan time.Time, 1)}
	w.ctx, w.die = context.WithCancel(ctx)
	var err error
	if w.work, err = c.Hire(w); err != nil {
		w.die()
		return nil, err
	}
	return w, nil
}

// turn has a worker do its work once, or go on with it, until it is done or
// stopped.
func (c *Crew) turn(w *Worker) {
	if w.away {
		w.away = false
		w.resume()
	} else {
		c.mu.Lock()
		c.rounds++
		w.round = c.rounds
		c.mu.Unlock()
		c.working.Go(func() { w.done <- w.work(w.ctx) })
	}
	select {
	case w.next = <-w.done:
	case m := <-w.stopped:
		w.away, w.back, w.seen = true, c.Now().Add(m.Away), 0
		w.gone = m.What == Kills
	}
}

// pause is how long to wait at least, so long after the beginning. While there is
// work, workers come back whenever they want to. Later they come back seldom, as
// nothing is left to do but to wait.
func pause(since time.Duration) time.Duration {
	switch {
	case since < 30*time.Minute:
		return time.Second
	case since < 12*time.Hour:
		return 15 * time.Minute
	}
	return 3 * time.Hour
}

// Day has the crew work until everything has ended, or the limit is over. There is
// always a worker that can work: who is killed or suspended has a substitute. It
// returns all calls that were made; that a mishap did not happen is an error.
func (c *Crew) Day(ctx context.Context, limit time.Duration) (calls []Call, err error) {
	begun := c.Now()
	var staff []*Worker
	defer func() {
		for _, w := range staff {
			w.kill()
		}
		c.working.Wait()
	}()
	for c.Now().Sub(begun) < limit {
		if !slices.ContainsFunc(staff, func(w *Worker) bool { return !w.away }) {
			w, err := c.hire(ctx)
			if err != nil {
				return nil, err
			}
			staff = append(staff, w)
		}
		c.everybody(staff)
		staff = slices.DeleteFunc(staff, func(w *Worker) bool { return w.gone })
		waited := slices.ContainsFunc(staff, func(w *Worker) bool { return w.away })
		ended, err := c.Ended(ctx)
		if err != nil {
			return nil, err
		}
		if ended && !waited {
			break
		}
		if slices.ContainsFunc(staff, func(w *Worker) bool { return !w.away }) {
			c.Sleep(max(pause(c.Now().Sub(begun)), soonest(staff).Sub(c.Now())))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.met < len(c.Mishaps) {
		err = fmt.Errorf("only %d of %v happened", c.met, c.Mishaps)
	}
	return c.calls, err
}

// everybody has each worker that is there do a round, and those who come back go
// on.
func (c *Crew) everybody(staff []*Worker) {
	for _, w := range staff {
		if w.away && (w.seen == 0 || w.back.After(c.Now())) {
			continue
		}
		c.turn(w)
		for _, other := range staff {
			if other != w && !w.away {
				other.seen++
			}
		}
	}
}

// soonest is when one of the workers wants to work again.
func soonest(staff []*Worker) time.Time {
	var next time.Time
	for _, w := range staff {
		at := w.next
		if w.away {
			at = w.back
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}
