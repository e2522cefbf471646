package spapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/takebackhq/takeback/amazon"
)

// operation is one of Amazon's, with its usage plan.
type operation struct {
	name   string // Amazon's operation ID
	method string
	every  time.Duration // the time in which Amazon refills one token; 0: no plan is published
	burst  int           // tokens of a full bucket
	costly bool          // a repeat may do harm, so whoever calls decides on it
}

// The usage plans as the models state them; intervals are exact, where the
// models print rounded fractions of a second.
var (
	createFeedDocument = operation{name: "createFeedDocument", method: http.MethodPost, every: 2 * time.Second, burst: 15}
	createFeed         = operation{name: "createFeed", method: http.MethodPost, every: 120 * time.Second, burst: 15, costly: true}
	getFeed            = operation{name: "getFeed", method: http.MethodGet, every: 500 * time.Millisecond, burst: 15}
	getFeeds           = operation{name: "getFeeds", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	cancelFeed         = operation{name: "cancelFeed", method: http.MethodDelete, every: 500 * time.Millisecond, burst: 15}
	getFeedDocument    = operation{name: "getFeedDocument", method: http.MethodGet, every: 45 * time.Second, burst: 10}

	createReport      = operation{name: "createReport", method: http.MethodPost, every: 60 * time.Second, burst: 15, costly: true}
	getReport         = operation{name: "getReport", method: http.MethodGet, every: 500 * time.Millisecond, burst: 15}
	getReports        = operation{name: "getReports", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	getReportDocument = operation{name: "getReportDocument", method: http.MethodGet, every: 60 * time.Second, burst: 15}

	cancelReport         = operation{name: "cancelReport", method: http.MethodDelete, every: 45 * time.Second, burst: 10}
	createReportSchedule = operation{name: "createReportSchedule", method: http.MethodPost, every: 45 * time.Second, burst: 10}
	getReportSchedules   = operation{name: "getReportSchedules", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	getReportSchedule    = operation{name: "getReportSchedule", method: http.MethodGet, every: 45 * time.Second, burst: 10}
	cancelReportSchedule = operation{name: "cancelReportSchedule", method: http.MethodDelete, every: 45 * time.Second, burst: 10}

	createRestrictedDataToken = operation{name: "createRestrictedDataToken", method: http.MethodPost, every: time.Second, burst: 10}

	getOrder         = operation{name: "getOrder", method: http.MethodGet, every: 2 * time.Second, burst: 30}
	searchOrders     = operation{name: "searchOrders", method: http.MethodGet, every: 180 * time.Second, burst: 20}
	listTransactions = operation{name: "listTransactions", method: http.MethodGet, every: 2 * time.Second, burst: 10}

	getToken = operation{name: "getToken", method: http.MethodPost}
	upload   = operation{name: "upload", method: http.MethodPut}
	download = operation{name: "download", method: http.MethodGet}
)

// retry is the whole policy of repeating a call:
//
//	                                       429   5xx   no answer   other
//	getToken, upload, download             yes   yes   yes         no
//	createFeedDocument                     yes   yes   yes         no
//	every get, search, list and cancel     yes   yes   yes         no
//	createReportSchedule                   yes   yes   yes         no
//	createRestrictedDataToken              yes   yes   yes         no
//	createReport                           yes   no    no          no
//	createFeed                             no: it does not come here
//
// A try that is answered 429 did nothing. It is repeated when there is a token
// again; where that takes longer than the caller waits, the error says when to
// come back. A try that outlasts its limit before its answer begins has no
// answer. createReport moves no money, but Amazon cancels reports that are asked
// for too often; a schedule that is created again replaces itself. 501, a
// certificate that is not trusted and a malformed request are "other": a repeat
// cannot mend them. Nothing is repeated once the context is done, and nothing is
// tried more than maxTries times.
func (op operation) retry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if op.costly && !throttled(resp) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

func throttled(resp *http.Response) bool {
	return resp != nil && resp.StatusCode == http.StatusTooManyRequests
}

const maxTries = 5

// backoff returns how long to pause after a failure; attempts count from 0. It
// draws from zero to a bound that doubles each time, so that processes which
// failed together do not come back together. After a 429 there must be a token
// again as well, where the operation has a plan.
func backoff(attempt int) time.Duration { return rand.N(time.Second << attempt) }

// do sends a request when the account has a token for it, and again where the
// policy allows. It returns the last answer whatever its status, or an error
// when there was none.
func (c *Client) do(a amazon.Account, op operation, req *retryablehttp.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", c.userAgent)
	if err := c.admit(req.Context(), a, op); err != nil {
		return nil, err
	}

	// retryablehttp would pause by a timer of its own. It is told zero, and the
	// pause is made by Config.Wait just before the next try.
	var pause time.Duration
	var retryAt time.Time // of the last answer, if that was a 429
	unclear := false      // whether a try may have had its effect
	rc := retryablehttp.Client{
		HTTPClient: c.within(op),
		RetryMax:   maxTries - 1,
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			c.logAnswer(ctx, a, op, resp, err)
			retryAt = c.heard(a, op, resp)
			unclear = unclear || err != nil || resp.StatusCode/100 == 5
			if throttled(resp) && !worth(ctx, retryAt.Sub(c.now()), c.patience) {
				return false, nil
			}
			return op.retry(ctx, resp, err)
		},
		Backoff: func(_, _ time.Duration, attempt int, _ *http.Response) time.Duration {
			pause = backoff(attempt)
			return 0
		},
		PrepareRetry: func(r *http.Request) error {
			if err := c.wait(r.Context(), pause); err != nil {
				return err
			}
			return c.admit(r.Context(), a, op)
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := rc.Do(req)
	if err == nil && !throttled(resp) {
		return resp, nil
	}
	if !retryAt.IsZero() && op.burst > 0 {
		c.buckets.bucket(a, op).flush(req.Context())
	}
	e := c.lastWord(a, op, resp, err)
	switch {
	case unclear && op.method != http.MethodGet:
		e.Sent = amazon.SentUnknown
	case throttled(resp):
		e.Sent = amazon.NotSent
	}
	if e.RetryAt.Before(retryAt) {
		e.RetryAt = retryAt
	}
	return nil, e
}

// lastWord is the error of a call that is not tried again: Amazon's last answer,
// or what kept the call from another one. In that case only the head of the last
// answer is left, if there was one.
func (c *Client) lastWord(a amazon.Account, op operation, resp *http.Response, err error) *amazon.Error {
	if err == nil {
		_, err = c.read(a, op, resp)
	}
	var e *amazon.Error
	if !errors.As(err, &e) {
		e = &amazon.Error{Op: op.name, Account: string(a.ID), Err: quiet(err)}
	}
	if resp != nil && e.Status == 0 {
		resp.Body.Close()
		e.RequestID = requestID(resp.Header)
		// Without a status, a refusal of our own can be told from Amazon's.
		if throttled(resp) || e.RetryAt.IsZero() {
			e.Status = resp.StatusCode
		}
	}
	return e
}

// admit takes a token for one request, if the operation has a plan.
func (c *Client) admit(ctx context.Context, a amazon.Account, op operation) error {
	if op.burst == 0 {
		return nil
	}
	return c.buckets.bucket(a, op).take(ctx, c.patience)
}

// heard learns from an answer, and returns when to come back if that is a 429.
func (c *Client) heard(a amazon.Account, op operation, resp *http.Response) (retryAt time.Time) {
	switch {
	case resp == nil:
		return time.Time{}
	case op.burst > 0:
		return c.buckets.bucket(a, op).heard(resp.StatusCode, resp.Header)
	case throttled(resp):
		return c.now().Add(time.Second + rand.N(time.Second))
	}
	return time.Time{}
}

func (c *Client) logAnswer(ctx context.Context, a amazon.Account, op operation, resp *http.Response, err error) {
	if err != nil {
		c.log.DebugContext(ctx, "amazon did not answer", "op", op.name, "account", string(a.ID), "error", fmt.Sprint(quiet(err)))
		return
	}
	c.log.DebugContext(ctx, "amazon answered", "op", op.name, "account", string(a.ID),
		"status", resp.StatusCode, "request", requestID(resp.Header))
}
