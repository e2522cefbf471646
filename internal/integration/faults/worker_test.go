// Package faults_test interrupts real processes: workers that share a SQLite file
// and a seller, of which each may be killed or stopped at each of its calls.
package faults_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/store/sqlite"
)

// Where a worker finds the test that started it, and what it works on. A test
// binary with these in its environment is a worker.
const (
	envTest   = "FAULTS_TEST"   // base URL of the test
	envAmazon = "FAULTS_AMAZON" // base URL of the fake Amazon
	envFile   = "FAULTS_FILE"   // of the database
	envPlan   = "FAULTS_PLAN"   // name of the plan
	envID     = "FAULTS_ID"     // of the worker
	envCrowd  = "FAULTS_CROWD"  // how many goroutines work at once, without gates; empty: one, with gates
)

// plans are those that a worker may be told to work on.
var plans = map[string]func() drill.Plan{
	"companies": drill.Companies,
	"backlog":   func() drill.Plan { return drill.Backlog(documents*perDocument, perDocument) },
}

func TestMain(m *testing.M) {
	if os.Getenv(envTest) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := work(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work is what a worker does until it is told that nothing is left, or killed.
func work(ctx context.Context) error {
	db, err := openDB(os.Getenv(envFile))
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := sqlite.New(ctx, db)
	if err != nil {
		return err
	}
	fake, err := url.Parse(os.Getenv(envAmazon))
	if err != nil {
		return err
	}
	t := &test{}
	open := func() (*drill.Office, error) {
		return drill.Open(drill.Config{
			Plan: plans[os.Getenv(envPlan)](), Store: st, Amazon: redirect{fake}, Gate: t, Now: t.Now, Wait: t.wait,
			Report: func(move string) { _, _ = t.ask(ctx, message{What: "moved", Call: move}) },
		})
	}
	if crowd := os.Getenv(envCrowd); crowd != "" {
		return together(ctx, crowd, t, open)
	}
	office, err := open()
	if err != nil {
		return err
	}
	var next time.Time
	for {
		a, err := t.ask(ctx, message{What: "done", Next: next})
		if err != nil || a.Over {
			return err
		}
		next, _ = office.Work(ctx) // what an error means shows in the store
	}
}

// together has several workers of one process work until nothing is left.
func together(ctx context.Context, crowd string, t *test, open func() (*drill.Office, error)) error {
	n, err := strconv.Atoi(crowd)
	if err != nil {
		return err
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = one(ctx, t, open) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func one(ctx context.Context, t *test, open func() (*drill.Office, error)) error {
	office, err := open()
	if err != nil {
		return err
	}
	for next := (time.Time{}); ; {
		o, err := t.ask(ctx, message{What: "sleep", Next: next})
		if err != nil || o.Over {
			return err
		}
		next, err = office.Step(ctx)
		if _, throttled := amazon.Throttled(err); err != nil && !throttled {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// openDB opens a database file as a host is asked to.
func openDB(file string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+file+"?_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
}

// redirect carries calls to any host to one.
type redirect struct{ to *url.URL }

// RoundTrip implements [http.RoundTripper].
func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = r.to.Scheme, r.to.Host, r.to.Host
	return http.DefaultTransport.RoundTrip(req)
}

// message is what a worker tells its test.
type message struct {
	Worker string
	What   string        // before, after, moved, done, wait, sleep
	Call   string        // before, after: the call; moved: the change of state
	Next   time.Time     // done, sleep: when to work again
	Wait   time.Duration // wait: for how long
}

// order is what the test answers, when the worker may go on.
type order struct {
	Now  time.Time
	Fail string // fails, cannot be sent, kills its worker
	Over bool   // nothing is left to do
}

// test is the test as a worker sees it: its clock and its gate.
type test struct {
	mu  sync.Mutex
	now time.Time
}

// ask tells the test something, and waits for its answer for as long as it takes.
func (t *test) ask(ctx context.Context, m message) (order, error) {
	m.Worker = os.Getenv(envID)
	body, err := json.Marshal(m)
	if err != nil {
		return order{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv(envTest), bytes.NewReader(body))
	if err != nil {
		return order{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return order{}, err
	}
	defer resp.Body.Close()
	var o order
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&o); err != nil {
		return order{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = o.Now
	return o, nil
}

// Now is the test's time, when it was last heard. It stands still while a worker
// does something by itself.
func (t *test) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func (t *test) wait(ctx context.Context, d time.Duration) error {
	what := "wait"
	if os.Getenv(envCrowd) != "" {
		what = "sleep"
	}
	_, err := t.ask(ctx, message{What: what, Wait: d, Next: t.Now().Add(d)})
	return errors.Join(err, ctx.Err())
}

// Before implements [drill.Gate].
func (t *test) Before(call string) error { return t.pass(message{What: "before", Call: call}) }

// After implements [drill.Gate].
func (t *test) After(call string) error { return t.pass(message{What: "after", Call: call}) }

func (t *test) pass(m message) error {
	if os.Getenv(envCrowd) != "" {
		return nil
	}
	o, err := t.ask(context.Background(), m)
	if err != nil {
		o.Fail = string(drill.Kills) // the test is over
	}
	switch drill.Disaster(o.Fail) {
	case drill.Fails:
		return drill.ErrLost
	case drill.Unsent:
		return drill.ErrUnsent
	case drill.Kills:
		// The end of a process as a power failure brings it: nothing is deferred,
		// closed or flushed.
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {}
	}
	return nil
}
