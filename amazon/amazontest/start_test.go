package amazontest_test

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

func TestStart(t *testing.T) {
	srv := open(t, amazontest.Config{})
	base, stop, err := srv.Start()
	require.NoError(t, err)
	defer stop()
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, base)

	c := client{TB: t, http: &http.Client{}, host: base}
	c.token = c.login("Atzr|one")
	c.send(amazon.RefundFeed, "x") // the presigned address leads here too
	assert.Len(t, srv.Feeds(), 1)

	stop()
	stop()
	_, err = c.try("GET", base+"/feeds/2021-06-30/feeds", "", "", c.token)
	require.Error(t, err)

	base, stop, err = srv.Start()
	require.NoError(t, err)
	defer stop()
	c.host = base
	assert.Equal(t, 200, c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "").status, "the server itself went on")
}

// The call is held up until its caller has seen that stop broke it off.
func TestStopWaitsForWhatIsUnderWay(t *testing.T) {
	faults := map[string]amazontest.Fault{"answered": {}, "connection broken": {Drop: true}}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			srv := open(t, amazontest.Config{})
			arrived, brokenOff, ended := make(chan bool), make(chan bool), atomic.Bool{}
			srv.Fail(func(amazontest.Call) amazontest.Fault {
				close(arrived)
				<-brokenOff
				for range 1000 {
					runtime.Gosched() // a stop that does not wait is over by now
				}
				ended.Store(true)
				return fault
			})
			base, stop, err := srv.Start()
			require.NoError(t, err)
			var failed error
			go func() {
				defer close(brokenOff)
				resp, err := http.Get(base + "/feeds/2021-06-30/feeds")
				if failed = err; err == nil {
					_ = resp.Body.Close() // it is not wanted
				}
			}()
			<-arrived
			stop()
			assert.True(t, ended.Load())
			<-brokenOff
			require.Error(t, failed, "the call was broken off")
		})
	}
}
