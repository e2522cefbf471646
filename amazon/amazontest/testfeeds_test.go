package amazontest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// connect makes the client of package spapi for a check. Without a base it calls
// Amazon's own addresses.
func connect(t *testing.T, with amazontest.FeedsSetup, h *http.Client, base string) *spapi.Client {
	t.Helper()
	conf := spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			s := with.Seller
			return spapi.Credentials{ClientID: s.ClientID, ClientSecret: s.ClientSecret, RefreshToken: s.RefreshToken}, nil
		},
		HTTPClient: h,
		Now:        with.Now,
	}
	if base != "" {
		conf.Endpoint = func(amazon.Region) string { return base }
		conf.TokenURL = base + "/auth/o2/token"
	}
	c, err := spapi.New(conf)
	require.NoError(t, err)
	return c
}

func TestFeedsOverASocket(t *testing.T) {
	amazontest.TestFeeds(t, func(t *testing.T, with amazontest.FeedsSetup) amazon.Feeds {
		web := httptest.NewServer(with.Amazon)
		t.Cleanup(web.Close)
		return connect(t, with, web.Client(), web.URL)
	})
}

const flawVariable = "TAKEBACK_TESTFEEDS_FLAW"

// TestFeeds runs the checks on an implementation without a flaw, or with the one
// that TestFeedsFails asks for.
func TestFeeds(t *testing.T) {
	amazontest.TestFeeds(t, func(t *testing.T, with amazontest.FeedsSetup) amazon.Feeds {
		return newFlawed(t, with, os.Getenv(flawVariable))
	})
}

// TestFeedsFails runs the checks in processes of their own, since a test that
// fails cannot be taken back.
func TestFeedsFails(t *testing.T) {
	tests := []struct{ flaw, check, says string }{
		{"repeats after a 5xx", "create/fault/500, no feed", "one Create sent 2 createFeed requests"},
		{"repeats after a 5xx", "create/fault/503, feed created", "Amazon has 2 feeds after one Create"},
		{"repeats after a 429", "create/fault/429", "one Create sent 2 createFeed requests"},
		{"repeats on the wire", "create/fault/connection broken, feed created", "Amazon has 2 feeds after one Create"},
		{"repeats on the wire", "create/fault/202 without a body, feed created", "Amazon has 2 feeds after one Create"},
		{"follows redirects", "create/fault/307, no feed", "one Create sent 2 createFeed requests"},
		{"follows redirects", "create/fault/308, feed created", "Amazon has 2 feeds after one Create"},
		{"sends everything twice", "create/one request", "one Create sent 2 createFeed requests"},
		{"sends everything twice", "create/many at once", "7 Creates sent 14 createFeed requests"},
		{"every error is not sent", "create/fault/connection broken, feed created", `Create says "not sent"`},
		{"every error is not sent", "create/fault/connection broken, feed created later", `Create says "not sent"`},
		{"every error is not sent", "create/fault/never answered until the context ends, feed created", `Create says "not sent"`},
		{"every error is not sent", "create/fault/403 that names no token, feed created", `Create says "not sent"`},
		{"every error is not sent", "create/fault/400", "the same would be sent for ever"},
		{"every error is an answer", "create/fault/500, feed created", `Create says "answered"`},
		{"every error is an answer", "create/fault/403, token revoked", `Create says "answered"`},
		{"every error is unknown", "create/fault/429", `Create says "unknown whether sent"`},
		{"every error is unknown", "create/not uploaded", `want an error that says "not sent"`},
		{"errors of its own", "create/fault/400", "one that is or wraps *amazon.Error"},
		{"errors of its own", "feed/unknown", "one that is or wraps *amazon.Error"},
		{"lost answers are successes", "create/fault/202 without a body, no feed", "and no error"},
		{"lost answers are successes", "create/fault/202 with a page, feed created", "and no error"},
		{"no time after a 429", "create/fault/429", "an error that amazon.Throttled recognises"},
		{"no time after a 429", "begin/throttled", "an error that amazon.Throttled recognises"},
		{"sends a ticket twice", "create/twice", "Create a second time sent 1 createFeed requests"},
		{"context forgotten", "create/context done", "Create with a context that has ended sent 1 createFeed requests"},
		{"never closes", "create/closed", "Create after Close sent 1 createFeed requests"},
		{"never closes", "close/not sent", "want that ticket's token"},
		{"gives back what was sent", "close/sent", "its token is used up"},
		{"counts nothing", "begin/throttled", "Begin gave 100 tickets in a row"},
		{"keeps the first upload", "upload/repeated", "did not send the document that was uploaded last"},
		{"renews its token", "upload/fence", "after the fence of"},
		{"renews its token", "create/one request", "Create fetched an access token"},
		{"takes the newest token", "upload/fence of its own token", "after the fence of"},
		{"the fence is now", "upload/fence", "want a time to come"},
		{"the fence is at once", "upload/fence", "want a fence after which Amazon refuses that createFeed"},
		{"keeps a short fence itself", "upload/fence for late calls", "want a fence after which Amazon refuses that createFeed"},
		{"goes by its own clock", "upload/fence", "want Amazon's clock, not one's own"},
		{"the fence goes by its own clock", "upload/fence", "want a fence after which Amazon refuses that createFeed"},
		{"the fence is far away", "upload/fence", "the account waits so long"},
		{"loses the feed's ID", "create/one request", "as Amazon said"},
		{"refunds are cancellations", "create/one request", "as Begin was asked for"},
		{"knows refunds only", "create/as asked for", "want POST_ORDER_ACKNOWLEDGEMENT_DATA, as Begin was asked for"},
		{"lists refunds only", "create/as asked for", "ListFeeds lists 0 feeds of type POST_ORDER_ACKNOWLEDGEMENT_DATA"},
		{"has one content type", "create/as asked for", "letter by letter"},
		{"has one marketplace", "create/as asked for", "want the account's"},
		{"everything is in the queue", "feed/reads", "IN_PROGRESS"},
		{"reads the first page", "feeds/complete", "leaves out 1"},
		{"lists all types", "feeds/complete", "want type POST_PAYMENT_ADJUSTMENT_DATA"},
		{"lists what it has", "feeds/cut off", "and no error"},
		{"dates lists by its own clock", "feeds/dated", "want Amazon's clock, not one's own"},
		{"dates lists by its own clock", "feeds/dated, though empty", "want Amazon's clock, not one's own"},
		{"dates lists by their end", "feeds/dated", "the first page, not the last"},
		{"dates lists by their feeds", "feeds/dated, though empty", "want Amazon's clock, not one's own"},
		{"cancels nothing", "cancel feed", "want CANCELLED"},
		{"leaves documents packed", "document/packed", "unpacked and otherwise as it is"},
		{"leaves documents packed", "document/plain", "unpacked and otherwise as it is"},
	}
	for _, tt := range tests {
		t.Run(tt.flaw+": "+tt.check, func(t *testing.T) {
			t.Parallel()
			about := strings.ReplaceAll(strings.ReplaceAll(tt.check, " ", "_"), "/", "$/^")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFeeds$/^"+about+"$")
			cmd.Env = append(os.Environ(), flawVariable+"="+tt.flaw)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the checks pass an implementation with this flaw:\n%s", out)
			assert.Contains(t, string(out), tt.says)
			assert.Contains(t, string(out), "the contract says")
		})
	}
}

// flawed is the client of package spapi with a flaw of its own, or with none.
type flawed struct {
	*spapi.Client
	flaw  string
	with  amazontest.FeedsSetup
	fresh func() *spapi.Client // with no tokens and full buckets

	mu     sync.Mutex
	newest time.Time // the latest fence
	sent   bool      // a ticket that was sent is closed
}

func newFlawed(t *testing.T, with amazontest.FeedsSetup, flaw string) *flawed {
	h := with.Amazon.Client()
	switch flaw {
	case "repeats on the wire":
		h.Transport = careless{base: h.Transport, again: func(resp *http.Response, err error) bool { return err != nil || resp.ContentLength == 0 }}
	case "follows redirects":
		h.Transport = careless{base: h.Transport, again: func(resp *http.Response, err error) bool { return err == nil && resp.StatusCode/100 == 3 }}
	case "sends everything twice":
		h.Transport = careless{base: h.Transport, again: func(*http.Response, error) bool { return true }}
	}
	fresh := func() *spapi.Client { return connect(t, with, h, "") }
	return &flawed{Client: fresh(), flaw: flaw, with: with, fresh: fresh}
}

// careless is a transport that sends createFeed a second time, and shows nobody
// that it does.
type careless struct {
	base  http.RoundTripper
	again func(*http.Response, error) bool
}

func (c careless) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/feeds") {
		return c.base.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	send := func() (*http.Response, error) {
		again := r.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return c.base.RoundTrip(again)
	}
	resp, err := send()
	if c.again(resp, err) {
		return send()
	}
	return resp, err
}

func (f *flawed) Begin(ctx context.Context, a amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	switch f.flaw {
	case "refunds are cancellations":
		t = amazon.CancelFeed
	case "knows refunds only":
		t = amazon.RefundFeed
	case "has one marketplace":
		a.Marketplaces = a.Marketplaces[:1]
	}
	inner, err := f.Client.Begin(ctx, a, t)
	if _, throttled := amazon.Throttled(err); throttled && (f.flaw == "counts nothing" || f.flaw == "gives back what was sent" && f.sentAndClosed()) {
		inner, err = f.fresh().Begin(ctx, a, t)
	}
	if err != nil {
		return nil, f.err(err)
	}
	return &flawedTicket{Ticket: inner, f: f, begin: func(ctx context.Context) (amazon.Ticket, error) { return f.fresh().Begin(ctx, a, t) }}, nil
}

func (f *flawed) sentAndClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// err is what the implementation makes of an error.
func (f *flawed) err(err error) error {
	var e *amazon.Error
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	switch f.flaw {
	case "every error is not sent":
		own.Sent = amazon.NotSent
	case "every error is an answer":
		own.Sent = amazon.Answered
	case "every error is unknown":
		own.Sent = amazon.SentUnknown
	case "errors of its own":
		return errors.New(err.Error())
	case "no time after a 429":
		own.RetryAt = time.Time{}
	}
	return &own
}

func (f *flawed) Feed(ctx context.Context, a amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	feed, err := f.Client.Feed(ctx, a, id)
	if f.flaw == "everything is in the queue" {
		feed.Status = amazon.FeedInQueue
	}
	return feed, f.err(err)
}

func (f *flawed) ListFeeds(ctx context.Context, a amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, error) {
	if f.flaw == "lists refunds only" {
		t = amazon.RefundFeed
	}
	list, err := f.Client.ListFeeds(ctx, a, t, since)
	switch f.flaw {
	case "reads the first page":
		list.Feeds = list.Feeds[:100]
		return list, err
	case "lists what it has":
		return list, nil
	case "lists all types":
		others, _ := f.Client.ListFeeds(ctx, a, amazon.CancelFeed, since)
		list.Feeds = append(list.Feeds, others.Feeds...)
		return list, err
	case "dates lists by its own clock":
		list.At = f.with.Now()
	case "dates lists by their end":
		again, _ := f.Client.ListFeeds(ctx, a, t, since)
		list.At = again.At
	case "dates lists by their feeds":
		list.At = time.Time{}
		for _, feed := range list.Feeds {
			if feed.CreatedAt.After(list.At) {
				list.At = feed.CreatedAt
			}
		}
	}
	return list, f.err(err)
}

func (f *flawed) CancelFeed(ctx context.Context, a amazon.Account, id amazon.FeedID) error {
	if f.flaw == "cancels nothing" {
		return nil
	}
	return f.Client.CancelFeed(ctx, a, id)
}

func (f *flawed) Document(ctx context.Context, a amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	doc, err := f.Client.Document(ctx, a, id)
	if err != nil || f.flaw != "leaves documents packed" {
		return doc, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.Copy(z, doc); err != nil {
		return nil, err
	}
	return io.NopCloser(&packed), errors.Join(z.Close(), doc.Close())
}

// flawedTicket is a ticket of a flawed implementation.
type flawedTicket struct {
	amazon.Ticket
	f     *flawed
	begin func(context.Context) (amazon.Ticket, error)

	contentType string
	doc         []byte
	fence       time.Time
	created     bool
}

func (t *flawedTicket) Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	if t.f.flaw == "keeps the first upload" && t.doc != nil {
		return t.fence, t.fence, nil
	}
	if t.f.flaw == "has one content type" {
		contentType = amazon.ContentType
	}
	fence, at, err = t.Ticket.Upload(ctx, contentType, doc)
	if err != nil {
		return fence, at, t.f.err(err)
	}
	switch t.f.flaw {
	case "the fence is now":
		fence = at
	case "the fence is at once", "keeps a short fence itself":
		fence = at.Add(time.Minute)
	case "the fence is far away":
		fence = at.Add(7 * 24 * time.Hour)
	case "goes by its own clock":
		at = t.f.with.Now()
	case "the fence goes by its own clock":
		fence = t.f.with.Now().Add(time.Hour + 5*time.Minute)
	}
	t.contentType, t.doc, t.fence = contentType, doc, fence
	t.f.mu.Lock()
	defer t.f.mu.Unlock()
	if fence.After(t.f.newest) {
		t.f.newest = fence
	}
	return fence, at, nil
}

// outlived tells whether a younger token is at hand.
func (t *flawedTicket) outlived() bool {
	t.f.mu.Lock()
	defer t.f.mu.Unlock()
	return t.fence.Before(t.f.newest)
}

// anew does a whole upload and createFeed with another ticket and token.
func (t *flawedTicket) anew(ctx context.Context) (amazon.Feed, error) {
	ticket, err := t.begin(ctx)
	if err != nil {
		return amazon.Feed{}, err
	}
	defer ticket.Close()
	if _, _, err := ticket.Upload(ctx, t.contentType, t.doc); err != nil {
		return amazon.Feed{}, err
	}
	return ticket.Create(ctx)
}

func (t *flawedTicket) Create(ctx context.Context) (amazon.Feed, error) {
	t.f.mu.Lock()
	again := t.created
	t.created = true
	t.f.mu.Unlock()
	switch {
	case t.f.flaw == "sends a ticket twice" && again, t.f.flaw == "renews its token":
		return t.anew(ctx)
	case t.f.flaw == "takes the newest token" && t.outlived():
		return t.anew(ctx)
	case t.f.flaw == "keeps a short fence itself" && t.f.with.Now().After(t.fence):
		return amazon.Feed{}, &amazon.Error{Sent: amazon.NotSent}
	case t.f.flaw == "context forgotten":
		ctx = context.WithoutCancel(ctx)
	}
	feed, err := t.Ticket.Create(ctx)
	var e *amazon.Error
	if errors.As(err, &e) {
		switch {
		case t.f.flaw == "repeats after a 5xx" && e.Status >= 500, t.f.flaw == "repeats after a 429" && e.Status == 429:
			return t.anew(context.WithoutCancel(ctx))
		case t.f.flaw == "lost answers are successes" && e.Status/100 == 2:
			return amazon.Feed{}, nil
		}
	}
	if t.f.flaw == "loses the feed's ID" {
		feed.ID = ""
	}
	if err != nil {
		return feed, t.f.err(err)
	}
	return feed, nil
}

func (t *flawedTicket) Close() {
	if t.f.flaw == "never closes" {
		return
	}
	t.f.mu.Lock()
	t.f.sent = t.f.sent || t.created
	t.f.mu.Unlock()
	t.Ticket.Close()
}
