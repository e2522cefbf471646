package spapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// begins counts the tickets that an account still gets at a moment.
func begins(t *testing.T, c *spapi.Client, now time.Time) int {
	t.Helper()
	for n := range 100 {
		if _, err := c.Begin(t.Context(), seller, amazon.RefundFeed); err != nil {
			at, throttled := amazon.Throttled(err)
			require.True(t, throttled, "%v", err)
			assert.True(t, at.After(now), "come back at %s, after %s", at, now)
			return n
		}
	}
	t.Fatal("Begin never refuses")
	return 0
}

func TestBeginCountsTokens(t *testing.T) {
	c, k := connect(t, newServer(t))
	for range 8 {
		for _, feedType := range []amazon.FeedType{amazon.RefundFeed, amazon.CancelFeed} {
			require.NoError(t, k.Wait(t.Context(), time.Second))
			_, err := c.Begin(t.Context(), seller, feedType)
			_, throttled := amazon.Throttled(err)
			assert.Equal(t, k.Now().Equal(hostTime.Add(16*time.Second)), throttled, "at %s: %v", k.Now(), err)
		}
	}
	_, err := c.Begin(t.Context(), seller, amazon.CancelFeed)
	at, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.WithinDuration(t, hostTime.Add(121*time.Second), at, time.Microsecond, "120 seconds after the first token was taken")

	require.NoError(t, k.Wait(t.Context(), at.Sub(k.Now())))
	assert.Equal(t, 1, begins(t, c, k.Now()), "at the very moment named")

	other := seller
	other.ID = "acme-eu"
	_, err = c.Begin(t.Context(), other, amazon.RefundFeed)
	assert.NoError(t, err, "another account has its own bucket")
}

// The time of the next ticket is told without taking a token, and is the one that
// Begin tells.
func TestNextFeedTakesNothing(t *testing.T) {
	st := memory.New()
	s := newServer(t)
	c, k := connect(t, s, func(conf *spapi.Config) { conf.Buckets = st })
	elsewhere, _ := connect(t, s, func(conf *spapi.Config) { conf.Buckets, conf.Now = st, k.Now })
	for range 20 {
		next, err := c.NextFeed(t.Context(), seller, amazon.RefundFeed)
		require.NoError(t, err)
		assert.Equal(t, k.Now(), next, "now")
	}
	cells, err := st.Cells(t.Context(), []string{"amazon/spapi/bucket/" + string(seller.ID) + "/createFeed"})
	require.NoError(t, err)
	assert.Empty(t, cells, "asking writes nothing")

	require.Equal(t, 15, begins(t, c, k.Now()))
	_, err = c.Begin(t.Context(), seller, amazon.RefundFeed)
	comes, throttled := amazon.Throttled(err)
	require.True(t, throttled)
	for _, who := range []*spapi.Client{c, elsewhere} {
		next, err := who.NextFeed(t.Context(), seller, amazon.CancelFeed)
		require.NoError(t, err)
		assert.Equal(t, comes, next, "one bucket for both types and all processes")
	}
	require.NoError(t, k.Wait(t.Context(), comes.Sub(k.Now())))
	next, err := c.NextFeed(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	assert.Equal(t, comes, next)
	assert.Equal(t, 1, begins(t, c, k.Now()))

	_, err = c.NextFeed(t.Context(), amazon.Account{ID: "us"}, amazon.RefundFeed)
	assert.Error(t, err)
}

func TestCloseGivesBackWhatWasNotSent(t *testing.T) {
	s := newServer(t)
	c, k := connect(t, s)
	sent := uploaded(t, c)
	_, err := sent.Create(t.Context())
	require.NoError(t, err)
	back := uploaded(t, c)
	require.NoError(t, k.Wait(t.Context(), time.Second))
	back.Close()
	back.Close()
	sent.Close()
	assert.Equal(t, 14, begins(t, c, k.Now()), "one of 15 was sent")
}

// TestBeginNeverPassesAmazonsRate plays any day against the promise of the
// usage plan: in no span more than 15 tickets and one for each 120 seconds of it.
func TestBeginNeverPassesAmazonsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &clock{now: hostTime}
		c, err := spapi.New(spapi.Config{
			Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
			Now:         k.Now,
		})
		require.NoError(t, err)
		var taken []time.Time // of the tickets that were not given back
		var open []amazon.Ticket
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			pass := rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "pass")
			require.NoError(t, k.Wait(context.Background(), time.Duration(pass)))
			for range rapid.IntRange(0, 6).Draw(t, "begins") {
				ticket, err := c.Begin(context.Background(), seller, amazon.CancelFeed)
				if at, throttled := amazon.Throttled(err); throttled {
					require.Positive(t, at.Sub(k.Now()))
					require.NoError(t, k.Wait(context.Background(), at.Sub(k.Now())))
					ticket, err = c.Begin(context.Background(), seller, amazon.CancelFeed)
				}
				require.NoError(t, err, "at the moment that was named")
				taken, open = append(taken, k.Now()), append(open, ticket)
			}
			if len(open) > 0 && rapid.Bool().Draw(t, "close") {
				open[len(open)-1].Close()
				taken, open = taken[:len(taken)-1], open[:len(open)-1]
			}
		}
		for i, from := range taken {
			for j, to := range taken[i:] {
				refilled := float64(to.Sub(from)+time.Second) / float64(120*time.Second)
				require.LessOrEqual(t, float64(j+1), 15+refilled, "tickets from %s to %s", from, to)
			}
		}
	})
}

func TestCloseNeverOverfillsTheBucket(t *testing.T) {
	c, k := connect(t, newServer(t))
	ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	require.NoError(t, k.Wait(t.Context(), time.Hour))
	ticket.Close()
	assert.Equal(t, 15, begins(t, c, k.Now()))
}

func TestA429BlocksTheBucket(t *testing.T) {
	s := newServer(t)
	c, k := connect(t, s)
	ticket := uploaded(t, c)
	s.on(createPath, answer(429, ""))
	_, err := ticket.Create(t.Context())
	at, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.WithinRange(t, at, hostTime.Add(120*time.Second), hostTime.Add(150*time.Second))
	ticket.Close()

	_, err = c.Begin(t.Context(), seller, amazon.CancelFeed)
	again, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.Equal(t, at, again)

	require.NoError(t, k.Wait(t.Context(), at.Sub(hostTime)))
	assert.Equal(t, 1, begins(t, c, k.Now()), "Amazon's bucket was empty")
}

// kept puts cells into a Config.
func kept(cells store.Cells) func(*spapi.Config) {
	return func(conf *spapi.Config) { conf.Buckets = cells }
}

// at puts a clock into a Config, so that several clients share it.
func at(k *clock) func(*spapi.Config) {
	return func(conf *spapi.Config) { conf.Now, conf.Wait = k.Now, k.Wait }
}

// realTime has a client go by the clock of its bubble.
func realTime(conf *spapi.Config) { conf.Now, conf.Wait = nil, nil }

// rated is a step whose answer says which rate is in force.
func rated(rate string, next step) step {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amzn-RateLimit-Limit", rate)
		next(w, r)
	}
}

const noFeeds = `{"feeds":[]}`

func TestACallWaitsForAToken(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, k := connect(t, s)
	for i := range 40 {
		_, err := c.Feed(t.Context(), seller, "50001")
		require.NoError(t, err)
		// 15 at once, then one in half a second.
		assert.Equal(t, max(0, i-14), len(k.waits), "call %d", i)
	}
	assert.Equal(t, hostTime.Add(25*500*time.Millisecond), k.Now())
}

func TestWaitingSaysHowLong(t *testing.T) {
	tests := map[string]struct {
		client func(*spapi.Client) *spapi.Client
		calls  int // of getFeeds, whose 10 tokens come back in 45 seconds each
		waited time.Duration
	}{
		"five seconds":     {func(c *spapi.Client) *spapi.Client { return c }, 10, 0},
		"never":            {func(c *spapi.Client) *spapi.Client { return c.Waiting(0) }, 10, 0},
		"less than needed": {func(c *spapi.Client) *spapi.Client { return c.Waiting(44 * time.Second) }, 10, 0},
		"just enough":      {func(c *spapi.Client) *spapi.Client { return c.Waiting(45 * time.Second) }, 30, 20 * 45 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedsPath, answer(200, noFeeds))
			c, k := connect(t, s)
			var err error
			for range 30 {
				if _, err = tt.client(c).ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime); err != nil {
					comesBack(t, err, 45*time.Second, 46*time.Second)
				}
			}
			assert.Len(t, s.requests(feedsPath), tt.calls)
			assert.Equal(t, hostTime.Add(tt.waited), k.Now())
		})
	}
}

func TestADeadlineBeforeTheNextTokenIsNotWaitedFor(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, noFeeds))
	c, k := connect(t, s)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var err error
	for range 11 {
		_, err = c.Waiting(time.Hour).ListFeeds(ctx, seller, amazon.RefundFeed, hostTime)
	}
	comesBack(t, err, 45*time.Second, 46*time.Second)
	assert.Empty(t, k.waits)
}

// Callers who find a bucket empty are served one for each token, and those whose
// turn would come too late are told at once.
func TestManyWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(feedPath, answer(200, feedJSON))
		c, _ := connect(t, s, carriedBy(transport), realTime)
		began := time.Now()
		var mu sync.Mutex
		served, refused := map[time.Duration]int{}, 0
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				_, err := c.Feed(t.Context(), seller, "50001")
				mu.Lock()
				defer mu.Unlock()
				if _, throttled := amazon.Throttled(err); throttled {
					assert.Equal(t, began, time.Now(), "told at once")
					refused++
					return
				}
				assert.NoError(t, err)
				served[time.Since(began)]++
			})
		}
		all.Wait()
		assert.Equal(t, 15, served[0])
		for i := 1; i <= 10; i++ {
			assert.Equal(t, 1, served[time.Duration(i)*500*time.Millisecond], "token %d", i)
		}
		assert.Equal(t, 15, refused, "five seconds have ten tokens")
	})
}

func TestALineIsLeftWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(feedsPath, answer(200, noFeeds))
		c, _ := connect(t, s, carriedBy(transport), realTime)
		c = c.Waiting(time.Hour)
		for range 10 {
			_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
			require.NoError(t, err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				defer time.AfterFunc(time.Second, stop).Stop()
				_, err := c.ListFeeds(ctx, seller, amazon.RefundFeed, hostTime)
				assert.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, amazon.NotSent, amazon.Whether(err))
				assert.Equal(t, time.Second, time.Since(began))
			})
		}
		all.Wait()
		_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
		require.NoError(t, err)
		assert.Equal(t, 45*time.Second, time.Since(began), "those who left took no token")
	})
}

func TestTheRateHeader(t *testing.T) {
	// The plan of getFeeds is one token in 45 seconds, which Amazon prints 0.0222.
	tests := map[string]struct {
		header string
		every  time.Duration
	}{
		"the plan, rounded": {"0.0222", 45 * time.Second},
		"none":              {"", 45 * time.Second},
		"raised":            {"0.1", 10 * time.Second},
		"lowered":           {"0.01", 100 * time.Second},
		"zero":              {"0", 45 * time.Second},
		"negative":          {"-2", 45 * time.Second},
		"not a number":      {"NaN", 45 * time.Second},
		"infinite":          {"+Inf", 45 * time.Second},
		"a word":            {"fast", 45 * time.Second},
		"far too high":      {"1e9", 45 * time.Second},
		"far too low":       {"0.000001", 45 * time.Second},
		"tiny":              {"1e-320", 45 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedsPath, rated(tt.header, answer(200, noFeeds)))
			c, _ := connect(t, s)
			var err error
			for range 11 {
				_, err = c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
			}
			comesBack(t, err, tt.every, tt.every+time.Second)
		})
	}
}

func TestALearnedRateIsKept(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, rated("0.1", answer(200, noFeeds)))
	st := memory.New()
	for range 2 { // the second is the next start
		c, _ := connect(t, s, kept(st))
		for range 5 {
			_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
			require.NoError(t, err)
		}
	}
	c, _ := connect(t, s, kept(st))
	_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 10*time.Second, 11*time.Second)
}

// However the calls are spread over processes that share their buckets, they get
// the tokens that one process would have got, at the same moments.
func TestSharedBucketsCountAsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open := func(cells store.Cells, k *clock) *spapi.Client {
			c, err := spapi.New(spapi.Config{
				Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
				Now:         k.Now,
				Buckets:     cells,
			})
			require.NoError(t, err)
			return c
		}
		k := &clock{now: hostTime}
		st := memory.New()
		alone := open(nil, k)
		var one, many []amazon.Ticket
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			pass := rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "pass")
			require.NoError(t, k.Wait(context.Background(), time.Duration(pass)))
			if len(one) > 0 && rapid.Bool().Draw(t, "close") {
				one[0].Close()
				many[0].Close()
				one, many = one[1:], many[1:]
				continue
			}
			mine, err := alone.Begin(context.Background(), seller, amazon.RefundFeed)
			fromShared, sharedErr := open(st, k).Begin(context.Background(), seller, amazon.RefundFeed)
			wantAt, want := amazon.Throttled(err)
			gotAt, got := amazon.Throttled(sharedErr)
			require.Equal(t, want, got, "%v, %v", err, sharedErr)
			require.WithinDuration(t, wantAt, gotAt, time.Microsecond)
			if !want {
				one, many = append(one, mine), append(many, fromShared)
			}
		}
	})
}

func TestProcessesAtOnceShareABucket(t *testing.T) {
	st := memory.New()
	k := &clock{now: hostTime}
	var mu sync.Mutex
	tickets := 0
	var all sync.WaitGroup
	for range 4 {
		c, _ := connect(t, newServer(t), kept(st), at(k))
		for range 8 {
			all.Go(func() {
				for range 3 {
					if _, err := c.Begin(t.Context(), seller, amazon.RefundFeed); err == nil {
						mu.Lock()
						tickets++
						mu.Unlock()
					} else {
						comesBack(t, err, 120*time.Second, 121*time.Second)
					}
				}
			})
		}
	}
	all.Wait()
	assert.Equal(t, 15, tickets)
}

func TestA429IsToldToEveryProcess(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(429, ""))
	st := memory.New()
	c, k := connect(t, s, kept(st))
	_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 45*time.Second, 57*time.Second)
	at1, _ := amazon.Throttled(err)

	other, _ := connect(t, s, kept(st), at(k))
	_, err = other.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	at2, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.Equal(t, at1, at2)
	assert.Len(t, s.requests(feedsPath), 1)
}

// A worker whose clock is a year ahead leaves a bucket that is empty in a year.
func TestAWrongClockBlocksNobodyForLong(t *testing.T) {
	s := newServer(t)
	st := memory.New()
	ahead, _ := connect(t, s, kept(st), at(&clock{now: hostTime.AddDate(1, 0, 0)}))
	ticket := uploaded(t, ahead)
	s.on(createPath, answer(429, ""))
	_, err := ticket.Create(t.Context())
	require.Error(t, err)

	c, k := connect(t, s, kept(st))
	_, err = c.Begin(t.Context(), seller, amazon.RefundFeed)
	comesBack(t, err, 120*time.Second, 241*time.Second)
	require.NoError(t, k.Wait(t.Context(), 240*time.Second))
	_, err = c.Begin(t.Context(), seller, amazon.RefundFeed)
	assert.NoError(t, err)
}

// moody is a store of cells that fails when told to.
type moody struct {
	cells store.Cells
	mu    sync.Mutex
	err   error
}

func (m *moody) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *moody) mood() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *moody) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	if err := m.mood(); err != nil {
		return nil, err
	}
	return m.cells.Cells(ctx, names)
}

func (m *moody) SaveCell(ctx context.Context, c store.Cell) error {
	if err := m.mood(); err != nil {
		return err
	}
	return m.cells.SaveCell(ctx, c)
}

func TestWithoutItsBucketACallIsNotSent(t *testing.T) {
	s := newServer(t)
	cells := &moody{cells: memory.New()}
	c, _ := connect(t, s, kept(cells))
	down := errors.New("database is down")
	cells.fail(down)
	_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	assert.ErrorIs(t, err, down)
	assert.Equal(t, amazon.NotSent, amazon.Whether(err))
	_, throttled := amazon.Throttled(err)
	assert.False(t, throttled)
	assert.Empty(t, s.requests(feedsPath))
}

// What Amazon said while the store was down is not forgotten.
func TestWhatCouldNotBeSavedIsSavedLater(t *testing.T) {
	s := newServer(t)
	cells := &moody{cells: memory.New()}
	c, k := connect(t, s, kept(cells))
	s.on(feedsPath, func(w http.ResponseWriter, r *http.Request) {
		cells.fail(errors.New("database is down"))
		answer(429, "")(w, r)
	})
	_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 45*time.Second, 57*time.Second)

	cells.fail(nil)
	_, err = c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 45*time.Second, 57*time.Second)
	other, _ := connect(t, s, kept(cells), at(k))
	_, err = other.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 45*time.Second, 57*time.Second)
	assert.Len(t, s.requests(feedsPath), 1)
}

func TestACellThatHoldsNoBucketIsNamed(t *testing.T) {
	st := memory.New()
	const name = "amazon/spapi/bucket/acme-na/createFeed"
	require.NoError(t, st.SaveCell(t.Context(), store.Cell{Name: name, Data: []byte("not JSON")}))
	c, _ := connect(t, newServer(t), kept(st))
	_, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	assert.ErrorContains(t, err, name)
	assert.Equal(t, amazon.NotSent, amazon.Whether(err))
}

// A ticket may wait long for its upload. Amazon counts its createFeed when that
// comes, and refills nothing before in a bucket that was full.
func TestATokenCountsFromWhenItIsUsed(t *testing.T) {
	c, k := connect(t, newServer(t))
	ticket := uploaded(t, c)
	require.NoError(t, k.Wait(t.Context(), 100*time.Second))
	_, err := ticket.Create(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 14, begins(t, c, k.Now()))
	_, err = c.Begin(t.Context(), seller, amazon.RefundFeed)
	at, throttled := amazon.Throttled(err)
	require.True(t, throttled, "%v", err)
	assert.Equal(t, 120*time.Second, at.Sub(k.Now()))
}

// A caller may leave while the answer is on its way, or while a 429 is waited
// out: after a nanosecond, as some pauses are drawn from zero on.
func TestA429WithACancelledContextReturnsAtOnce(t *testing.T) {
	tests := map[string]struct {
		leave func(stop func())
		after time.Duration
	}{
		"before the 429": {func(stop func()) { stop() }, 0},
		"in the pause":   {func(stop func()) { time.AfterFunc(time.Nanosecond, stop) }, time.Nanosecond},
	}
	for name, tt := range tests {
		for route := range calls(nil) {
			t.Run(name+" "+route, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, transport := newServerInMemory(t)
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					s.on(route, func(w http.ResponseWriter, r *http.Request) {
						tt.leave(stop)
						answer(429, "")(w, r)
					})
					c, _ := connect(t, s, carriedBy(transport), realTime)
					began := time.Now()
					err := calls(c.Waiting(time.Hour))[route](ctx)
					assert.ErrorIs(t, err, context.Canceled)
					assert.Equal(t, tt.after, time.Since(began))
					assert.Len(t, s.requests(route), 1)
				})
			})
		}
	}
}

// cellStore makes room for a method of the interface's own name.
type cellStore = store.Cells

// stuck is a store of cells that answers nothing until the caller gives up.
type stuck struct{ cellStore }

func (stuck) SaveCell(ctx context.Context, _ store.Cell) error {
	<-ctx.Done()
	return ctx.Err()
}

// What Amazon answered to a createFeed is worth more than a bucket: it does not
// wait for one to be saved.
func TestAnAnswerDoesNotWaitForItsBucket(t *testing.T) {
	for status, body := range map[int]string{202: `{"feedId":"50001"}`, 429: ""} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, transport := newServerInMemory(t)
				s.on(createPath, answer(status, body))
				cells := &swap{cells: memory.New()}
				c, _ := connect(t, s, kept(cells), carriedBy(transport), realTime)
				ticket := uploaded(t, c)
				cells.cells = stuck{cells.cells}
				began := time.Now()
				feed, err := ticket.Create(t.Context())
				assert.Equal(t, status == 202, feed.ID == "50001" && err == nil, "%v", err)
				assert.Equal(t, began, time.Now())
				ticket.Close()
				assert.LessOrEqual(t, time.Since(began), 5*time.Second)
			})
		})
	}
}

// swap is a store of cells that is exchanged for another.
type swap struct{ cells store.Cells }

func (s *swap) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	return s.cells.Cells(ctx, names)
}
func (s *swap) SaveCell(ctx context.Context, c store.Cell) error { return s.cells.SaveCell(ctx, c) }

// refusing is a store of cells in which somebody else is always faster.
type refusing struct{ cellStore }

func (refusing) SaveCell(context.Context, store.Cell) error { return store.ErrConflict }

func TestEndlessConflictsEnd(t *testing.T) {
	c, _ := connect(t, newServer(t), kept(refusing{memory.New()}))
	_, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	assert.ErrorIs(t, err, store.ErrConflict)
	assert.Equal(t, amazon.NotSent, amazon.Whether(err))
	_, throttled := amazon.Throttled(err)
	assert.False(t, throttled)
}

// Workers whose clocks differ a little get no more than one bucket between them.
func TestClocksMayDiffer(t *testing.T) {
	for _, ahead := range []time.Duration{time.Second, 30 * time.Second, time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			st := memory.New()
			s := newServer(t)
			behind, k := connect(t, s, kept(st))
			other, kAhead := connect(t, s, kept(st), at(&clock{now: hostTime.Add(ahead)}))
			tickets := 0
			for range 300 {
				for _, c := range []*spapi.Client{behind, other} {
					if _, err := c.Begin(t.Context(), seller, amazon.RefundFeed); err == nil {
						tickets++
					}
				}
			}
			assert.Equal(t, 15, tickets)
			require.NoError(t, k.Wait(t.Context(), 20*time.Minute))
			require.NoError(t, kAhead.Wait(t.Context(), 20*time.Minute))
			_, err := behind.Begin(t.Context(), seller, amazon.RefundFeed)
			assert.NoError(t, err)
		})
	}
}

// A clock that a test has stopped brings no token, and no waiting without end.
func TestAClockThatStandsStill(t *testing.T) {
	s := newServer(t)
	s.on(feedsPath, answer(200, noFeeds))
	waits := 0
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Wait = func(context.Context, time.Duration) error { waits++; return nil }
	})
	var err error
	for range 11 {
		_, err = c.Waiting(time.Hour).ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	}
	comesBack(t, err, 45*time.Second, 46*time.Second)
	assert.Equal(t, 80, waits, "an hour of waits of 45 seconds")
}

// The rate that is in force tells when to come back, also after a restart.
func TestALearnedRateTellsWhenToComeBack(t *testing.T) {
	st := memory.New()
	s := newServer(t)
	s.on(feedsPath, rated("0.005", answer(200, noFeeds)))
	first, _ := connect(t, s, kept(st))
	for range 2 { // the second call saves what the first one heard
		_, err := first.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
		require.NoError(t, err)
	}
	s.on(feedsPath, answer(429, ""))
	next, _ := connect(t, s, kept(st))
	_, err := next.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
	comesBack(t, err, 200*time.Second, 250*time.Second)
}

func TestALineMovesAtTheRateInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, transport := newServerInMemory(t)
		s.on(feedsPath, rated("1", answer(200, noFeeds)))
		c, _ := connect(t, s, carriedBy(transport), realTime)
		for range 10 {
			_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
			require.NoError(t, err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				_, err := c.ListFeeds(t.Context(), seller, amazon.RefundFeed, hostTime)
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}
