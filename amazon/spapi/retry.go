package spapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/takebackhq/takeback/amazon"
)

// operation is one of Amazon's, with what its usage plan says.
type operation struct {
	name   string // Amazon's operation ID
	method string
	every  time.Duration // the time in which Amazon refills one token
	burst  int           // tokens of a full bucket
	costly bool          // a repeat may do harm, so whoever calls decides on it
}

// The usage plans as the models state them; intervals are exact, where the
// models print rounded fractions of a second.
var (
	createFeedDocument = operation{name: "createFeedDocument", method: http.MethodPost, every: 2 * time.Second}
	createFeed         = operation{name: "createFeed", method: http.MethodPost, every: 120 * time.Second, costly: true}
	getFeed            = operation{name: "getFeed", method: http.MethodGet, every: 500 * time.Millisecond}
	getFeeds           = operation{name: "getFeeds", method: http.MethodGet, every: 45 * time.Second}
	cancelFeed         = operation{name: "cancelFeed", method: http.MethodDelete, every: 500 * time.Millisecond}
	getFeedDocument    = operation{name: "getFeedDocument", method: http.MethodGet, every: 45 * time.Second}

	createReport      = operation{name: "createReport", method: http.MethodPost, every: 60 * time.Second, costly: true}
	getReport         = operation{name: "getReport", method: http.MethodGet, every: 500 * time.Millisecond}
	getReports        = operation{name: "getReports", method: http.MethodGet, every: 45 * time.Second}
	getReportDocument = operation{name: "getReportDocument", method: http.MethodGet, every: 60 * time.Second}

	cancelReport         = operation{name: "cancelReport", method: http.MethodDelete, every: 45 * time.Second, burst: 10}
	createReportSchedule = operation{name: "createReportSchedule", method: http.MethodPost, every: 45 * time.Second, burst: 10}
	getReportSchedules   = operation{name: "getReportSchedules", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	getReportSchedule    = operation{name: "getReportSchedule", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	cancelReportSchedule = operation{name: "cancelReportSchedule", method: http.MethodDelete, every: 45 * time.Second, burst: 10}

	createRestrictedDataToken = operation{name: "createRestrictedDataToken", method: http.MethodPost, every: time.Second, burst: 10}

	getOrder         = operation{name: "getOrder", method: http.MethodGet, every: 2 * time.Second, burst: 30}
	searchOrders     = operation{name: "searchOrders", method: http.MethodGet, every: 180 * time.Second, burst: 20}
	listTransactions = operation{name: "listTransactions", method: http.MethodGet, every: 2 * time.Second, burst: 10}

	// These have no published plan.
	getToken = operation{name: "getToken", method: http.MethodPost, every: time.Second}
	upload   = operation{name: "upload", method: http.MethodPut, every: time.Second}
	download = operation{name: "download", method: http.MethodGet, every: time.Second}
)

// retry is the whole policy of repeating a call:
//
//	                                        429   5xx   no answer   other
//	getToken, createFeedDocument            yes   yes   yes         no
//	upload, download                        yes   yes   yes         no
//	getFeed, getReport, cancelFeed          yes   yes   yes         no
//	createRestrictedDataToken               yes   yes   yes         no
//	getOrder, listTransactions              yes   yes   yes         no
//	getFeeds, getReports, searchOrders      no    yes   yes         no
//	getFeedDocument, getReportDocument      no    yes   yes         no
//	cancelReport                            no    yes   yes         no
//	the four of report schedules            no    yes   yes         no
//	createReport                            no    no    no          no
//	createFeed                              no: it does not come here
//
// A 429 always means that nothing was done. It is waited out here only where a
// token is refilled within maxThrottle; for longer the caller has better things
// to do, and gets the time to come back. An attempt that outlasts its limit
// before its answer begins has no answer. createReport moves no money, but
// Amazon cancels reports that are asked for too often. A repeated
// createReportSchedule replaces the schedule that the first one made. 501, a certificate that
// is not trusted and a malformed request are "other": a repeat cannot mend them.
// Nothing is repeated once the context is done.
func (op operation) retry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if op.costly || throttled(resp) && op.every > maxThrottle {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

func throttled(resp *http.Response) bool {
	return resp != nil && resp.StatusCode == http.StatusTooManyRequests
}

const (
	maxTries    = 5
	maxThrottle = 5 * time.Second // the longest pause after a 429
)

// backoff returns how long to pause after a failure; attempts count from 0. It
// draws from zero to a bound that doubles each time, so that processes which
// failed together do not come back together. After a 429 at least one token must
// have been refilled, or the repeat is in vain.
func (op operation) backoff(attempt int, resp *http.Response) time.Duration {
	bound := time.Second << attempt
	if throttled(resp) {
		return op.every + rand.N(min(bound, maxThrottle-op.every))
	}
	return rand.N(bound)
}

// refill returns when, after a 429, a caller should come back: a token is there
// by then, and those who were refused together come at different times.
func (op operation) refill() time.Duration { return op.every + rand.N(op.every/4) }

// do sends a request, and again where the policy allows. It returns the last
// answer whatever its status, or an error when there was none.
func (c *Client) do(a amazon.Account, op operation, req *retryablehttp.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", c.userAgent)

	// retryablehttp would pause by a timer of its own. It is told zero, and the
	// pause is made by Config.Wait just before the next try.
	var pause time.Duration
	rc := retryablehttp.Client{
		HTTPClient: c.within(op),
		RetryMax:   maxTries - 1,
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			c.logAnswer(ctx, a, op, resp, err)
			return op.retry(ctx, resp, err)
		},
		Backoff: func(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
			pause = op.backoff(attempt, resp)
			return 0
		},
		PrepareRetry: func(r *http.Request) error { return c.wait(r.Context(), pause) },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := rc.Do(req)
	if err == nil {
		return resp, nil
	}
	e := &amazon.Error{Op: op.name, Account: string(a.ID), Err: quiet(err)}
	if resp != nil { // the answer before the pause that the context ended
		resp.Body.Close()
		e.Status, e.RequestID = resp.StatusCode, requestID(resp.Header)
		if e.Status == http.StatusTooManyRequests {
			e.Sent, e.RetryAt = amazon.NotSent, c.now().Add(op.refill())
		}
	}
	return nil, e
}

func (c *Client) logAnswer(ctx context.Context, a amazon.Account, op operation, resp *http.Response, err error) {
	if err != nil {
		c.log.DebugContext(ctx, "amazon did not answer", "op", op.name, "account", string(a.ID), "error", fmt.Sprint(quiet(err)))
		return
	}
	c.log.DebugContext(ctx, "amazon answered", "op", op.name, "account", string(a.ID),
		"status", resp.StatusCode, "request", requestID(resp.Header))
}
