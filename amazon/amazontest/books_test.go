package amazontest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

// A server that is killed is one that is never heard of again: the next one on
// the same file must know everything that was answered.
func TestBooksOutliveTheirServer(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	config := amazontest.Config{Now: func() time.Time { return now }, File: filepath.Join(t.TempDir(), "books.json")}
	srv := open(t, config)
	c := login(t, srv, "Atzr|one")
	restart := func() {
		old := srv
		// What a kill in the middle of a save leaves behind.
		require.NoError(t, os.WriteFile(config.File+".next", []byte(`{"Format":`), 0o600))
		var err error
		srv, err = amazontest.New(config)
		require.NoError(t, err)
		c.http = srv.Client()
		assert.Empty(t, cmp.Diff(old.Orders(), srv.Orders()))
		assert.Empty(t, cmp.Diff(old.Feeds(), srv.Feeds()))
		assert.Empty(t, cmp.Diff(old.Ledger(), srv.Ledger()))
		assert.Empty(t, cmp.Diff(old.Calls(), srv.Calls()))
	}

	restart()
	require.NoError(t, srv.Seed(orders()...))
	made := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"`+xmlType+`"}`)
	restart()
	require.Equal(t, 200, c.do("PUT", made.field("url"), refunds(adjust(shipped, "10000000000011", "Principal 5.00 USD")), xmlType, "").status)
	restart()
	feed := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, made.field("feedDocumentId"))).field("feedId")
	restart()
	now = now.Add(time.Minute)
	assert.Equal(t, 1, c.read(feed).Successful)
	restart()
	require.NoError(t, srv.Seed(orders()...))
	now = now.Add(time.Minute)
	assert.Equal(t, 1, c.read(feed).Successful)
	assert.True(t, srv.Paid()["USD"].Equal(dec("5")), "paid %s", srv.Paid())
	ord, _ := srv.Order(shipped)
	assert.True(t, ord.Left("10000000000011")["Principal"].Equal(dec("15")), "seeding again gave money back")
}

func TestBooksThatCannotBeRead(t *testing.T) {
	for name, content := range map[string]string{
		"cut off":       `{"Format":3,"Sell`,
		"other program": `{"Format":3,"Things":[]}`,
		"other format":  `{"Format":1}`,
		"other words":   `{"Format":2}`, // for the status of an order
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "books.json")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			_, err := amazontest.New(amazontest.Config{File: file})
			require.ErrorContains(t, err, file)
			assert.ErrorContains(t, err, "delete the file")
		})
	}
	_, err := amazontest.New(amazontest.Config{File: t.TempDir()})
	require.Error(t, err)
}

func TestBooksThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(dir, 0o700))
	srv := open(t, amazontest.Config{File: filepath.Join(dir, "books.json")})
	c := login(t, srv, "Atzr|one")
	require.NoError(t, os.RemoveAll(dir))
	got := c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "")
	assert.Equal(t, 500, got.status, "an answer went out that is not in the file")
	assert.ErrorContains(t, srv.Refuse(shipped, 1, "x"), "save books")
}

func TestManyClientsAtOnce(t *testing.T) {
	// Every look at the clock finds it a second later, so that feeds are carried
	// out while others are created.
	start, seconds := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), atomic.Int64{}
	srv := open(t, amazontest.Config{
		Throttle:       amazontest.Throttle{Off: true}, // it is about calls that overlap, and makes too many of them
		ProcessingTime: time.Second,
		Now:            func() time.Time { return start.Add(time.Duration(seconds.Add(1)) * time.Second) },
	})
	var all sync.WaitGroup
	for i := range 8 {
		c, message := login(t, srv, "Atzr|one"), adjust(shipped, "10000000000011", "Principal 1.50 USD")
		if i%2 == 1 {
			c, message = login(t, srv, "Atzr|two"), adjust(foreign, "10000000000061", "Principal 1.50 USD")
		}
		all.Go(func() {
			for range 5 {
				c.send(amazon.RefundFeed, refunds(message))
				srv.Ledger()
				srv.Feeds()
			}
		})
	}
	all.Wait()
	seconds.Add(1)
	assert.Len(t, srv.Ledger(), 26, "13 refunds of 1.50 fit into each principal of 20.00")
	assert.True(t, srv.Paid()["USD"].Equal(dec("39")), "paid %s", srv.Paid())
	seen := map[string]bool{}
	for _, f := range srv.Feeds() {
		seen[fmt.Sprint(f.Seller, f.ID)] = true
		assert.Equal(t, amazon.FeedDone, f.Status)
	}
	assert.Len(t, seen, 40, "feeds got equal IDs")
}
