package spapi_test

import (
	"context"
	"database/sql"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/store/sqlite"
)

// clock is a time that passes when it is told to, and in waits.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// onFile makes clients that keep their buckets in a database file: so many on each
// of so many handles, as if in so many processes.
func onFile(t *testing.T, handles, each int, c *clock, amz *amazontest.Server) (clients []*spapi.Client) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.db")
	for range handles {
		db, err := sql.Open("sqlite", "file:"+file+"?_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		require.NoError(t, sqlite.Migrate(t.Context(), db))
		st, err := sqlite.New(t.Context(), db)
		require.NoError(t, err)
		for range each {
			client, err := spapi.New(spapi.Config{
				Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
				HTTPClient:  amz.Client(),
				Buckets:     st,
				Now:         c.Now, Wait: c.Wait,
			})
			require.NoError(t, err)
			clients = append(clients, client)
		}
	}
	return clients
}

// try sends a feed if there is a token for it, else says when there will be one.
func try(ctx context.Context, c *spapi.Client) (sent bool, comes time.Time, err error) {
	ticket, err := c.Begin(ctx, seller, amazon.RefundFeed)
	if at, empty := amazon.Throttled(err); empty {
		return false, at, nil
	} else if err != nil {
		return false, time.Time{}, err
	}
	defer ticket.Close()
	if _, _, err := ticket.Upload(ctx, amazon.ContentType, []byte("<AmazonEnvelope/>")); err != nil {
		return false, time.Time{}, err
	}
	_, err = ticket.Create(ctx)
	return err == nil, time.Time{}, err
}

// Thirty-two clients, eight on each of four handles as in four processes, want to
// send all the time. Amazon refuses none of them, and gets every feed it allows.
func TestClientsOnOneFileKeepAmazonsRate(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	c := &clock{now: start}
	amz := fake(t, amazontest.Config{Now: c.Now})
	clients := onFile(t, 4, 8, c, amz)
	for c.Now().Sub(start) < time.Hour {
		var all sync.WaitGroup
		sent, comes, errs := make([]bool, len(clients)), make([]time.Time, len(clients)), make([]error, len(clients))
		for i, client := range clients {
			all.Go(func() { sent[i], comes[i], errs[i] = try(t.Context(), client) })
		}
		all.Wait()
		next := c.Now().Add(time.Hour)
		for i := range clients {
			require.NoError(t, errs[i])
			if !sent[i] && comes[i].Before(next) {
				next = comes[i]
			}
		}
		require.NoError(t, c.Wait(t.Context(), next.Sub(c.Now())))
	}

	for _, call := range amz.Calls() {
		require.NotEqual(t, http.StatusTooManyRequests, call.Status, "%s number %d at %s", call.Op, call.Nth, call.Time)
	}
	// The clock stands at the moment of a token that nobody has taken yet.
	assert.Len(t, amz.Feeds(), 15+int(c.Now().Sub(start)/(2*time.Minute))-1)
}
