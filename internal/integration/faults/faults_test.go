package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/internal/wirelog"
	"github.com/takebackhq/takeback/store/sqlite"
)

var every = flag.Int("every", 120, "TestEveryFault: interrupt at every n-th call; 1: at each")

// clock is the one clock of a test, its workers and its Amazon. Only waiting
// moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(0, d))
}

// works is one database, one Amazon, one clock, and the worker processes that
// are started on them.
type works struct {
	t      *testing.T
	plan   string
	file   string
	clock  *clock
	store  *sqlite.Store
	fake   *amazontest.Server
	amazon string
	desk   string // URL of the works for its workers

	crowd *crowd // set: workers go to sleep in it

	mu      sync.Mutex
	workers map[string]*process
	moves   []string
}

// process is a worker in a process of its own, as the works see it.
type process struct {
	gate  drill.Gate
	turn  chan struct{} // it may work
	done  chan time.Time
	ended chan struct{} // closed when it is dead
}

func newWorks(t *testing.T, plan string) *works {
	t.Helper()
	w := &works{t: t, plan: plan, file: filepath.Join(t.TempDir(), "orders.db"), clock: &clock{now: drill.Begin}, workers: map[string]*process{}}
	db, err := openDB(w.file)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	w.store, err = sqlite.New(t.Context(), db)
	require.NoError(t, err)
	w.fake, err = plans[plan]().Amazon(amazontest.Config{Now: w.clock.Now})
	require.NoError(t, err)
	var stop func()
	w.amazon, stop, err = w.fake.Start()
	require.NoError(t, err)
	t.Cleanup(stop)
	front := httptest.NewServer(w)
	t.Cleanup(front.Close)
	w.desk = front.URL
	return w
}

// start starts a worker, whose calls go through the gate. The context ends it.
func (w *works) start(ctx context.Context, gate drill.Gate, env ...string) (*process, error) {
	p := &process{gate: gate, turn: make(chan struct{}), done: make(chan time.Time, 1), ended: make(chan struct{})}
	w.mu.Lock()
	id := strconv.Itoa(len(w.workers) + 1)
	w.workers[id] = p
	w.mu.Unlock()
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), envTest+"="+w.desk, envAmazon+"="+w.amazon, envFile+"="+w.file, envPlan+"="+w.plan, envID+"="+id)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // killed, mostly
	}()
	w.t.Cleanup(func() { <-p.ended })
	return p, nil
}

// ServeHTTP hears what workers say, and answers when they may go on.
func (w *works) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	p := w.workers[m.Worker]
	if m.What == "moved" {
		w.moves = append(w.moves, m.Call)
	}
	w.mu.Unlock()
	var o order
	switch m.What {
	case "before":
		o.Fail = failure(p.gate.Before(m.Call))
	case "after":
		o.Fail = failure(p.gate.After(m.Call))
	case "wait":
		w.clock.advance(m.Wait)
	case "sleep":
		o.Over = w.crowd.sleep(r.Context(), m.Next)
	case "done":
		if !m.Next.IsZero() {
			p.done <- m.Next
		}
		select {
		case <-p.turn:
		case <-p.ended:
		case <-r.Context().Done():
			return
		}
	}
	o.Now = w.clock.Now()
	_ = json.NewEncoder(rw).Encode(o) // a worker that is dead does not hear it
}

// failure is what a worker is told to have happened.
func failure(err error) string {
	switch {
	case errors.Is(err, drill.ErrLost):
		return string(drill.Fails)
	case errors.Is(err, drill.ErrUnsent):
		return string(drill.Unsent)
	case err != nil:
		return string(drill.Kills)
	}
	return ""
}

// run has processes do the work, with mishaps, and audits what came of it.
func run(t *testing.T, name string, ms ...drill.Mishap) (calls []drill.Call, f drill.Findings) {
	t.Helper()
	w := newWorks(t, name)
	plan := plans[name]()
	crew := &drill.Crew{
		Mishaps: ms, Now: w.clock.Now, Sleep: w.clock.advance,
		Ended: func(ctx context.Context) (bool, error) { return plan.Ended(ctx, w.store) },
		Hire: func(worker *drill.Worker) (func(context.Context) time.Time, error) {
			p, err := w.start(t.Context(), worker)
			return func(ctx context.Context) time.Time { return w.round(ctx, p) }, err
		},
	}
	calls, err := crew.Day(t.Context(), days)
	require.NoError(t, err)
	f, err = plan.Audit(t.Context(), w.store, w.fake)
	require.NoError(t, err)
	f.Wrong = append(f.Wrong, w.moves...)
	return calls, f
}

// days is for how long workers work at most: Amazon's books are two days late.
const days = 5 * 24 * time.Hour

// round has a process do its work once.
func (w *works) round(ctx context.Context, p *process) time.Time {
	select {
	case p.turn <- struct{}{}:
	case <-p.ended:
	case <-ctx.Done():
	}
	select {
	case next := <-p.done:
		return next
	case <-p.ended:
	case <-ctx.Done():
	}
	return w.clock.Now()
}

// Processes that work on one SQLite file are killed, hard, and stopped, and each
// of their calls fails, before and after its effect.
func TestEveryFault(t *testing.T) {
	var calls []drill.Call
	t.Run("no fault", func(t *testing.T) {
		var f drill.Findings
		calls, f = run(t, "companies")
		require.Zero(t, f)
	})
	step := *every
	if os.Getenv(wirelog.Folder) != "" {
		step = len(calls) // a few runs show all exchanges there are
	}
	var tried atomic.Int64
	t.Run("at", func(t *testing.T) {
		for i := 0; i < len(calls); i += step {
			for _, m := range drill.Mishaps(i+1, calls[i]) {
				t.Run(calls[i].Name+" "+m.String(), func(t *testing.T) {
					t.Parallel()
					_, f := run(t, "companies", m)
					assert.Zero(t, f)
					tried.Add(1)
				})
			}
		}
	})
	t.Logf("%d calls to the store and to Amazon, %d faults tried", len(calls), tried.Load())
}
