package spapi_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

const (
	firstToken  = `{"access_token":"Atza|first-hush","expires_in":3600}`
	secondToken = `{"access_token":"Atza|second-hush","expires_in":3600}`
)

// inRealTime puts the time of the bubble into a Config.
func inRealTime(conf *spapi.Config) { conf.Now, conf.Wait = time.Now, nil }

// aged returns a server in memory, and a client whose token has so much left.
func aged(t *testing.T, left time.Duration) (*server, *spapi.Client) {
	t.Helper()
	s, transport := newServerInMemory(t)
	s.on(tokenPath, answer(200, firstToken))
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s, carriedBy(transport), inRealTime)
	_, err := c.AccessToken(t.Context(), seller)
	require.NoError(t, err)
	time.Sleep(time.Hour - left)
	return s, c
}

// took is how long a call took.
func took(call func()) time.Duration {
	began := time.Now()
	call()
	return time.Since(began)
}

func TestAValidTokenIsUsedWhileRenewingFails(t *testing.T) {
	tests := map[string]step{
		"silent":  silent,
		"stalled": stalled(200, `{"access_token":`),
		"down":    answer(503, "down"),
		"dropped": hangUp,
	}
	for name, step := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := aged(t, 4*time.Minute+59*time.Second)
				s.on(tokenPath, step)
				call := func() {
					_, err := c.Feed(noContext, seller, "50001")
					assert.NoError(t, err)
				}
				assert.LessOrEqual(t, took(call), 5*time.Second, "the first call gives the renewal its chance")
				asked := len(s.requests(tokenPath))
				for range 5 {
					assert.Zero(t, took(call), "the next calls know how it went")
				}
				assert.Len(t, s.requests(tokenPath), asked)

				time.Sleep(30 * time.Second)
				assert.LessOrEqual(t, took(call), 5*time.Second)
				assert.Greater(t, len(s.requests(tokenPath)), asked, "after a while it is tried again")

				time.Sleep(30 * time.Second)
				s.on(tokenPath, answer(200, secondToken))
				assert.Zero(t, took(call))
				calls := s.requests(feedPath)
				require.Len(t, calls, 8)
				for _, r := range calls[:7] {
					assert.Equal(t, "Atza|first-hush", r.header.Get("x-amz-access-token"))
				}
				assert.Equal(t, "Atza|second-hush", calls[7].header.Get("x-amz-access-token"))
			})
		})
	}
}

func TestHowLongACallWaitsForARenewal(t *testing.T) {
	tests := map[string]struct {
		left    time.Duration // of the token
		timeout time.Duration // of the caller
		want    time.Duration
		ok      bool
	}{
		"a token with time":            {4 * time.Minute, time.Hour, 5 * time.Second, true},
		"a token that is good a while": {33 * time.Second, time.Hour, 3 * time.Second, true},
		"a token that is good no more": {29 * time.Second, 20 * time.Second, 20 * time.Second, false},
		"a caller in a hurry":          {4 * time.Minute, 4 * time.Second, 2 * time.Second, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := aged(t, tt.left)
				s.on(tokenPath, silent)
				ctx, stop := context.WithTimeout(noContext, tt.timeout)
				defer stop()
				var err error
				assert.Equal(t, tt.want, took(func() { _, err = c.AccessToken(ctx, seller) }))
				assert.Equal(t, tt.ok, err == nil, "%v", err)
			})
		})
	}
}

// agedOver is aged over a transport that holds token calls back.
func agedOver(t *testing.T, left time.Duration) (*held, *spapi.Client) {
	t.Helper()
	h := &held{release: make(chan struct{}), calls: make(chan error, 9)}
	close(h.release)
	c, _ := connect(t, &server{URL: "http://amazon.test"}, carriedBy(h), inRealTime)
	_, err := c.AccessToken(t.Context(), seller)
	require.NoError(t, err)
	require.NoError(t, <-h.calls)
	time.Sleep(time.Hour - left)
	h.release = make(chan struct{})
	return h, c
}

func TestManyCallersShareALateRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := agedOver(t, 4*time.Minute)
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				_, err := c.AccessToken(noContext, seller)
				assert.NoError(t, err)
			})
		}
		assert.Equal(t, 5*time.Second, took(wg.Wait))
		require.Len(t, h.calls, 1, "one token call, which has ended when its last waiter returns")
		assert.ErrorIs(t, <-h.calls, context.Canceled)
	})
}

func TestALateRenewalGoesOnForThoseWhoStillWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := agedOver(t, 4*time.Minute)
		var wg sync.WaitGroup
		for _, begins := range []time.Duration{0, 4 * time.Second} {
			wg.Go(func() {
				time.Sleep(begins)
				_, err := c.AccessToken(noContext, seller)
				assert.NoError(t, err)
			})
		}
		time.Sleep(6 * time.Second)
		close(h.release)
		assert.Zero(t, took(wg.Wait))
		require.Len(t, h.calls, 1)
		assert.NoError(t, <-h.calls, "the first caller's leaving did not end it")
	})
}

func TestACallerWhoGivesUpSaysNothingOfTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := agedOver(t, 4*time.Minute)
		ctx, stop := context.WithCancel(noContext)
		time.AfterFunc(time.Second, stop)
		var err error
		assert.Equal(t, time.Second, took(func() { _, err = c.AccessToken(ctx, seller) }))
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, amazon.NotSent, amazon.Whether(err))
		require.Len(t, h.calls, 1, "the token call has ended")
		assert.ErrorIs(t, <-h.calls, context.Canceled)

		close(h.release)
		_, err = c.AccessToken(noContext, seller)
		assert.NoError(t, err)
		assert.Len(t, h.calls, 1, "the next caller asks again at once")
	})
}

func TestACreateIsBoundToATokenThatLasts(t *testing.T) {
	tests := map[string]struct {
		left   time.Duration
		renew  step
		bound  string // empty: Upload fails
		tokens int
	}{
		"enough is left":        {11 * time.Minute, silent, "Atza|first-hush", 1},
		"too little is left":    {9 * time.Minute, answer(200, secondToken), "Atza|second-hush", 2},
		"and no other is to be": {9 * time.Minute, answer(400, `{"error":"invalid_client"}`), "", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := aged(t, tt.left)
				s.on(tokenPath, tt.renew)
				ticket, err := c.Begin(noContext, seller, amazon.RefundFeed)
				require.NoError(t, err)
				defer ticket.Close()
				_, _, err = ticket.Upload(noContext, xmlType, []byte("<x/>"))
				assert.Equal(t, tt.bound != "", err == nil, "%v", err)
				_, err = ticket.Create(noContext)
				assert.Equal(t, tt.bound != "", err == nil, "%v", err)
				assert.Len(t, s.requests(tokenPath), tt.tokens)
				var bound string
				for _, r := range s.requests(createPath) {
					bound += r.header.Get("x-amz-access-token")
				}
				assert.Equal(t, tt.bound, bound)
			})
		})
	}
}

func TestAFailedRenewalIsNoReasonToBindATokenThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := aged(t, 4*time.Minute)
		s.on(tokenPath, silent)
		_, err := c.AccessToken(noContext, seller)
		require.NoError(t, err, "good for calls, and now known not to be renewed")
		s.on(tokenPath, answer(200, secondToken))
		ticket := uploaded(t, c)
		_, err = ticket.Create(noContext)
		require.NoError(t, err)
		assert.Equal(t, "Atza|first-hush", s.requests(placePath)[0].header.Get("x-amz-access-token"))
		assert.Equal(t, "Atza|second-hush", s.requests(createPath)[0].header.Get("x-amz-access-token"))
	})
}

func TestDropAccessToken(t *testing.T) {
	s := newServer(t)
	s.on(tokenPath, answer(200, firstToken), answer(200, secondToken))
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s)
	steps := []struct{ drop, then string }{
		{"", "Atza|first-hush"},
		{"Atza|another", "Atza|first-hush"},
		{"Atza|first-hush", "Atza|second-hush"},
		{"Atza|first-hush", "Atza|second-hush"},
	}
	for _, step := range steps {
		c.Waiting(0).DropAccessToken(step.drop)
		token, err := c.AccessToken(t.Context(), seller)
		require.NoError(t, err)
		assert.Equal(t, step.then, token, "after %q was dropped", step.drop)
	}
	_, err := c.Feed(t.Context(), seller, "50001")
	require.NoError(t, err)
	assert.Equal(t, "Atza|second-hush", s.requests(feedPath)[0].header.Get("x-amz-access-token"))
	assert.Len(t, s.requests(tokenPath), 2)
}
