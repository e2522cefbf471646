package queue_test

import (
	"context"
	"flag"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/internal/wirelog"
	"github.com/takebackhq/takeback/store/memory"
)

var allPairs = flag.Bool("pairs", false, "TestEveryPairOfFaults: try all pairs, and not every fiftieth")

// thinned is of how many faults one is tried. Where each exchange is written to a
// file, a few runs show all there are.
func thinned() int {
	if os.Getenv(wirelog.Folder) != "" {
		return 1000
	}
	return oneIn
}

// run has workers do a plan's work, on a store in memory and with fake time, with
// mishaps, and audits what came of it.
func run(t *testing.T, plan drill.Plan, ms ...drill.Mishap) (calls []drill.Call, f drill.Findings) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		now := func() time.Time { return drill.Begin.Add(time.Since(begun)) }
		st := memory.New()
		fake, err := plan.Amazon(amazontest.Config{Now: now})
		require.NoError(t, err)
		moves := &notes{}
		crew := &drill.Crew{
			Mishaps: ms, Now: now, Sleep: time.Sleep,
			Ended: func(ctx context.Context) (bool, error) { return plan.Ended(ctx, st) },
			Hire: func(w *drill.Worker) (func(context.Context) time.Time, error) {
				office, err := drill.Open(drill.Config{
					Plan: plan, Store: st, Amazon: fake.RoundTripper(), Gate: w, Now: now, Wait: wait, Report: moves.add,
				})
				return func(ctx context.Context) time.Time {
					next, _ := office.Work(ctx) // what an error means shows in the store
					return next
				}, err
			},
		}
		calls, err = crew.Day(t.Context(), days)
		require.NoError(t, err)
		f, err = plan.Audit(t.Context(), st, fake)
		require.NoError(t, err)
		f.Wrong = append(f.Wrong, moves.all...)
	})
	return calls, f
}

// days is for how long a crew works at most: Amazon's books are two days late.
const days = 5 * 24 * time.Hour

// notes is a list that several goroutines add to.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Every call that a day of three companies makes, to the store and to Amazon,
// fails once, kills its worker, and suspends it while others work on, before and
// after its effect. Whatever happens, each request has effect at most once and
// comes to the end that it should, with the help of a person who decides only what
// the library shows and offers.
func TestEveryFault(t *testing.T) {
	plan := drill.Companies()
	calls, f := run(t, plan)
	require.Zero(t, f)
	stores := 0
	var all []drill.Mishap
	for i, call := range calls {
		if call.Store() {
			stores++
		}
		all = append(all, drill.Mishaps(i+1, call)...)
	}
	t.Logf("%d calls to the store and %d to Amazon, %d faults of them", stores, len(calls)-stores, len(all))
	for name, ms := range drill.ByName(all) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tried := 0
			for i := 0; i < len(ms); i += thinned() {
				_, f := run(t, plan, ms[i])
				assert.Zero(t, f, "%s: %s", calls[ms[i].At-1].Name, ms[i])
				tried++
			}
			t.Logf("%d of %d positions tried", tried, len(ms))
		})
	}
}

// Two faults meet on a small day of one refund: the second at any call after the
// first one, whichever worker makes it. Rounds that only read are left out: they
// might as well not have been.
func TestEveryPairOfFaults(t *testing.T) {
	plan := drill.Single()
	calls, f := run(t, plan)
	require.Zero(t, f)
	var firsts []drill.Mishap
	for i, call := range calls {
		firsts = append(firsts, drill.Distinct(i+1, call)...)
	}
	var pairs atomic.Int64
	t.Run("first", func(t *testing.T) {
		for name, firsts := range drill.ByName(firsts) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, first := range firsts {
					after, _ := run(t, plan, first)
					for _, second := range seconds(after, first) {
						_, f := run(t, plan, first, second)
						assert.Zero(t, f, "%s: %s; %s: %s", calls[first.At-1].Name, first, after[second.At-1].Name, second)
						pairs.Add(1)
					}
				}
			})
		}
	})
	t.Logf("%d pairs of faults", pairs.Load())
}

// seconds are the mishaps that can follow a first one, after which these calls
// were made.
func seconds(calls []drill.Call, first drill.Mishap) []drill.Mishap {
	changes := map[int]bool{} // rounds that have any effect
	for _, call := range calls {
		changes[call.Round] = changes[call.Round] || !call.Reads()
	}
	var ms []drill.Mishap
	for i, call := range calls {
		chosen := *allPairs || (i+first.At)%(50*thinned()) == 0
		if i >= first.At && changes[call.Round] && chosen {
			ms = append(ms, drill.Distinct(i+1, call)...)
		}
	}
	return ms
}
